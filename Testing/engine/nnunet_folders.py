"""Result folders of nnU-Net v2: as its own trainer writes them, and crafted ones."""

from __future__ import annotations

import json
from pathlib import Path

import torch

LABELS = {"background": 0, "left_lung": 1, "Right Lung": 2, "infection": 3}
CONFIGURATION = "3d_fullres"
NAME = "Dataset500_COVID"


def dataset(**changes) -> dict:
    """``dataset.json``."""
    return {
        "channel_names": {"0": "CT"},
        "labels": LABELS,
        "numTraining": 1,
        "file_ending": ".nii.gz",
        "licence": "CC-BY-4.0",
        **changes,
    }


def plans(**architecture) -> dict:
    """``plans.json`` of a network with two levels and few features."""
    resampling = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
    return {
        "dataset_name": NAME,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [28.0, 4.6, 4.6],
        "original_median_shape_after_transp": [8, 56, 72],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {
                "mean": -400.0,
                "std": 300.0,
                "percentile_00_5": -1000.0,
                "percentile_99_5": 200.0,
            }
        },
        "configurations": {
            CONFIGURATION: {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": [8, 32, 32],
                "median_image_size_in_voxels": [8, 50, 64],
                "spacing": [28.0, 5.0, 5.0],
                "normalization_schemes": ["CTNormalization"],
                "use_mask_for_norm": [False],
                "resampling_fn_data": "resample_data_or_seg_to_shape",
                "resampling_fn_data_kwargs": resampling,
                "resampling_fn_seg": "resample_data_or_seg_to_shape",
                "resampling_fn_seg_kwargs": {**resampling, "is_seg": True},
                "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
                "resampling_fn_probabilities_kwargs": resampling,
                "batch_dice": True,
                "architecture": {
                    "network_class_name": (
                        "dynamic_network_architectures.architectures.unet.PlainConvUNet"
                    ),
                    "arch_kwargs": {
                        "n_stages": 2,
                        "features_per_stage": [4, 8],
                        "conv_op": "torch.nn.modules.conv.Conv3d",
                        "kernel_sizes": [[1, 3, 3], [3, 3, 3]],
                        "strides": [[1, 1, 1], [1, 2, 2]],
                        "n_conv_per_stage": [1, 1],
                        "n_conv_per_stage_decoder": [1],
                        "conv_bias": True,
                        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                        "dropout_op": None,
                        "dropout_op_kwargs": None,
                        "nonlin": "torch.nn.LeakyReLU",
                        "nonlin_kwargs": {"inplace": True},
                    },
                    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
                    **architecture,
                },
            },
            "2d": {"data_identifier": "not used"},
        },
    }


def write_json(folder: Path, dataset_json: dict, plans_json: dict) -> Path:
    """Write both files; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(dataset_json))
    (folder / "plans.json").write_text(json.dumps(plans_json))
    return folder


def crafted_folder(folder: Path, extra: object = None, **changes) -> Path:
    """A folder with a checkpoint of the right form, whose network has no layers."""
    write_json(folder, dataset(**changes), plans())
    checkpoint = {
        "network_weights": {"weight": torch.zeros(1)},
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": CONFIGURATION},
        "inference_allowed_mirroring_axes": (0, 1, 2),
        "logging": extra,
    }
    (folder / "fold_0").mkdir()
    torch.save(checkpoint, folder / "fold_0" / "checkpoint_final.pth")
    return folder


def trained_folder(folder: Path, folds: int = 2) -> Path:
    """A folder whose checkpoints nnunetv2's own trainer wrote, of networks that learned nothing."""
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    write_json(folder, dataset(), plans())
    for fold in range(folds):
        torch.manual_seed(fold)
        planned = {**plans(), "continue_training": False}
        trainer = nnUNetTrainer(planned, CONFIGURATION, fold, dataset(), device=torch.device("cpu"))
        cases = Path(trainer.preprocessed_dataset_folder)
        cases.mkdir(parents=True, exist_ok=True)
        (cases / "case.b2nd").touch()  # its kind is looked at, and it is not read
        trainer.initialize()
        (folder / f"fold_{fold}").mkdir()
        trainer.save_checkpoint(str(folder / f"fold_{fold}" / "checkpoint_final.pth"))
    return folder
