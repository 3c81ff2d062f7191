"""``pseudo-label`` writes one file on the CT's grid that says what it is, and replaces nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.data.slice_folder import read_slice_folder, write_slice_folder
from COVIDLesionSegLib.engine.labels import CLASSES
from COVIDLesionSegLib.engine.volume import read_array, same_grid, write_volume
from COVIDLesionSegLib.report.pseudo_labels import write_pseudo_labels
from engine.training_slices import labelled


def run(*arguments):
    return CliRunner().invoke(app, ["pseudo-label", *map(str, arguments)])


@pytest.fixture(scope="module")
def ct(phantom, tmp_path_factory):
    path = tmp_path_factory.mktemp("ct") / "private name.nrrd"
    write_volume(phantom.volume.array, phantom.volume.geometry, path)
    return path


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_labels_lie_on_the_lesions_of_the_ct_and_the_file_says_what_it_is(ct, phantom, tmp_path):
    done = run(ct, "--out", tmp_path / "labels.nrrd", "--json-progress")
    assert done.exit_code == 0, done.stderr
    labels, geometry = read_array(tmp_path / "labels.nrrd")
    assert same_grid(geometry, phantom.volume.geometry)
    assert dice(labels > 0, phantom.lesions > 0) > 0.7
    shares = json.loads(done.stdout.splitlines()[-1])["share_of_lungs"]
    assert list(shares) == ["ground-glass opacity", "consolidation"]
    assert 0.05 < shares["ground-glass opacity"] < 0.15
    image = sitk.ReadImage(str(tmp_path / "labels.nrrd"))
    assert "not an expert's" in image.GetMetaData("covid-lesion-seg")
    assert b"private" not in (tmp_path / "labels.nrrd").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["labels.nrrd"]


def test_by_the_rule_of_the_thesis_there_is_no_consolidation(ct, phantom, tmp_path):
    done = run(ct, "--out", tmp_path / "labels.nrrd", "--rule", "thesis")
    assert done.exit_code == 0, done.output
    labels, _ = read_array(tmp_path / "labels.nrrd")
    assert set(np.unique(labels)) == {0, 1}
    assert dice(labels > 0, phantom.lesions > 0) > 0.4


def test_people_are_told_that_no_expert_labelled(ct, tmp_path):
    done = run(ct, "--out", tmp_path / "labels.seg.nrrd", "--thesis-lungs")
    assert done.exit_code == 0, done.stderr
    assert "not by an expert" in done.stdout and "consolidation" in done.stdout


def test_slicer_opens_the_file_as_marked_segments_voxel_for_voxel(phantom, scene, tmp_path):
    import slicer

    from COVIDLesionSegLib.scene.volumes import volume_to_node

    path = tmp_path / "labels.seg.nrrd"
    write_pseudo_labels(phantom.lesions, phantom.volume.geometry, path)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    assert ids == ["pseudo-ground-glass-opacity", "pseudo-consolidation"]
    ct_node = volume_to_node(phantom.volume, "CT", scene)
    for label, segment_id in enumerate(ids, start=1):
        assert "pseudo-label" in segmentation.GetSegment(segment_id).GetName()
        voxels = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct_node)
        np.testing.assert_array_equal(voxels, phantom.lesions == label)


def test_a_file_that_is_there_is_never_replaced(ct, tmp_path):
    expert = tmp_path / "expert.seg.nrrd"
    expert.write_bytes(b"precious")
    refused = run(ct, "--out", expert)
    assert refused.exit_code == 1 and "exists already" in refused.stderr
    assert expert.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("name", "message"),
    [("labels.nii.gz", "must end in .seg.nrrd or .nrrd"), ("no/labels.nrrd", "no folder for")],
)
def test_a_file_that_cannot_be_written_is_refused_at_once(ct, tmp_path, name, message):
    refused = run(ct, "--out", tmp_path / name, "--quiet")
    assert refused.exit_code == 1
    assert message in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def outlined(tmp_path):
    """A slice folder in HU whose lesion, of any class, is dense in its right half."""
    item = labelled(lungs=True)
    inside = np.argwhere(item.lesion)
    middle = int(np.median(inside[:, 1]))
    columns = np.arange(item.image.shape[1])
    image = np.where(item.lesion, np.where(columns > middle, -50.0, -550.0), item.image)
    folder = tmp_path / "outlined"
    write_slice_folder([replace(item, image=image.astype(np.float32))], folder)
    return folder, item.lesion, item.lesion & (columns > middle + 3)


def test_outlines_of_experts_stay_and_are_sorted_by_density(outlined, tmp_path):
    folder, lesion, dense = outlined
    done = run(folder, "--out", tmp_path / "sorted", "--json-progress")
    assert done.exit_code == 0, done.stderr
    (item,) = read_slice_folder(tmp_path / "sorted", with_lungs=True, classes=CLASSES)
    np.testing.assert_array_equal(item.lesion > 0, lesion)
    assert (item.lesion[dense] == 2).all()
    assert item.pseudo, "no expert sorted them"
    assert item.lungs is not None
    shares = json.loads(done.stdout.splitlines()[-1])["share_of_lesions"]
    assert sum(shares.values()) == pytest.approx(1.0) and 0.3 < shares["consolidation"] < 0.7


def test_labels_without_an_expert_are_not_sorted_again(outlined, tmp_path):
    folder, *_ = outlined
    assert run(folder, "--out", tmp_path / "sorted").exit_code == 0
    again = run(tmp_path / "sorted", "--out", tmp_path / "again")
    assert again.exit_code == 1 and "no expert's" in again.stderr
    assert not (tmp_path / "again").exists()
