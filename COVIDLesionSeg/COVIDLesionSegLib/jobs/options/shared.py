"""Options that several jobs have, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...engine.errors import ParameterError
from ...engine.lobes import LOBE_LABELS, meaning_of_labels
from ...engine.options import option
from ...engine.parameters import DEVICES, Parameters
from ...report.result_files import PAPERS

PSEUDO_LABEL_RULES = ("density", "thesis")


def thesis_lungs() -> Any:
    return option(
        "Lungs as in the thesis, instead of those of the lung extractor: below -170 HU, the two "
        "largest parts of each slice, holes filled. Consolidation at the chest wall is lost.",
        False,
    )


def pseudo_rule() -> Any:
    return option(
        "density: ground glass and consolidation by bounds of HU that k-means refines; thesis: "
        "k-means alone, slice by slice, whose densest cluster is ground glass.",
        "density",
        choices=PSEUDO_LABEL_RULES,
    )


def lobe_labels() -> Any:
    return option(
        f"What the labels of a label map of lobes mean: {', '.join(LOBE_LABELS)} (the first "
        "version's), or five labels in the order right upper, middle and lower, left upper and "
        "lower lobe, such as 1,2,3,4,5.",
        None,
    )


def check_lobe_labels(text: str | None) -> None:
    if text is not None:
        meaning_of_labels(text)


def pdf() -> Any:
    return option("The report on paper of this size, too: report.pdf.", None, choices=PAPERS)


def model_id() -> Any:
    return option("The new model's id.", positional=True, metavar="ID")


def licence() -> Any:
    return option("SPDX licence of the weights, from their data's.")


def licence_note() -> Any:
    return option("What it means for the user, one sentence.")


def slices() -> Any:
    return option("Slice folder: index.csv, img/ and lesion/; repeatable.", (), shown_as="SLICES")


def volumes() -> Any:
    return option(
        "CSV file with the columns ct, mask, patient: CTs and their lesion masks, with one label "
        "or one for each class; or segmentations corrected and saved in 3D Slicer (.seg.nrrd); or "
        "pseudo-labels.",
        None,
        shown_as="VOLUMES",
    )


def steps(default: str) -> Any:
    return option(f"Optimiser steps; by default {default}.", None, minimum=1)


def settings(of: str) -> Any:
    return option(
        f"NAME=VALUE: a value {of}, dotted where nested, such as batch_size=8, loss=EamcDiceLoss, "
        "loss_arguments.gamma=3 or augmentation.scale=[0.6,1.4]; repeatable. The command recipe "
        "lists all.",
        (),
        flag="set",
    )


def resume() -> Any:
    return option(
        "Go on where an earlier run in the same folder was stopped.", False, recorded=False
    )


def device() -> Any:
    return option("Device to train on.", "cpu", choices=DEVICES)


def workers() -> Any:
    return option("Processes beside the training to prepare samples.", 0, minimum=0)


def check_labelled(slices: tuple[Path, ...], volumes: Path | None) -> None:
    if not slices and volumes is None:
        raise ParameterError("Name labelled data: slice folders, or a table of CTs (volumes).")


def dicom() -> Any:
    return option("Also write DICOM SEG and SR; the CT must be a DICOM series.", False)


def dicom_slices() -> Any:
    return option(
        "With DICOM, also write the slices with lesion as pictures (secondary capture).", False
    )


def check_dicom(dicom: bool, dicom_slices: bool, parameters: Parameters) -> None:
    if dicom_slices and not dicom:
        raise ParameterError(
            "The slices as DICOM pictures belong to the other DICOM files: ask for DICOM, too.",
            option="dicom",
        )
    if dicom and parameters.allow_untrained:
        raise ParameterError(
            "What an untrained network finds is not written as DICOM, where it would be taken for "
            "a finding: leave DICOM out, or allow no untrained network."
        )
