"""The commands segment and demo as users run them: what they write, also when they fail."""

import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from cli.command_line import ask, command, environment, refused, run
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import read_array, write_volume
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report.report_json import report_schema

RESULT = names.RESULT_FILES - {names.GENERATED_CT, names.DISAGREEMENT, names.REPORT_PDF}
RESULT -= names.DICOM_FILES


@pytest.fixture(scope="module")
def done(ct, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """One finished run: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("out") / "result"
    finished = run("segment", ct, "--out", folder, "--device", "cpu", "--json-progress")
    assert finished.returncode == 0, finished.stderr
    return folder, finished


@pytest.fixture(scope="module")
def few_slices():
    """A whole chest in four slices: networks without training are large."""
    return generate_chest_ct(seed=5, size=(88, 72, 4), spacing=(3.8, 3.8, 63.0)).volume


@pytest.fixture(scope="module")
def untrained(few_slices, tmp_path_factory, rendering) -> tuple[Path, subprocess.CompletedProcess]:
    """One finished run of an ensemble of two untrained networks of two classes."""
    folder = tmp_path_factory.mktemp("out")
    write_volume(few_slices.array, few_slices.geometry, folder / "ct.nrrd")
    ensemble = ("--model", "drsegunet+drseg-unet", "--combination", "mean", "--allow-untrained")
    where = (folder / "ct.nrrd", "--out", folder / "result", "--device", "cpu")
    finished = ask("segment", *where, *ensemble)
    assert finished.returncode == 0, finished.stderr
    return folder / "result", finished


@pytest.mark.rendering
def test_segment_writes_every_file_of_the_contract_and_nothing_else(done):
    folder, _ = done
    assert {path.name for path in folder.iterdir()} == RESULT
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.rendering
def test_machines_follow_a_run_line_by_line(done):
    folder, finished = done
    *progress, last = map(json.loads, finished.stdout.splitlines())
    fractions = [line["fraction"] for line in progress]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len({line["stage"] for line in progress}) >= 5
    assert last["done"] == str(folder)
    assert last["category"] in {"CT-0", "CT-1", "CT-2", "CT-3", "CT-4"}


@pytest.mark.rendering
def test_the_report_of_a_run_fulfils_its_schema_and_names_no_file(done, ct):
    folder, _ = done
    text = (folder / names.REPORT_JSON).read_text("utf-8")
    jsonschema.validate(json.loads(text), report_schema())
    for written in (text, (folder / names.REPORT_HTML).read_text("utf-8")):
        assert "mrs-miller" not in written
        assert str(ct.parent) not in written


@pytest.mark.rendering
def test_the_outputs_lie_on_the_grid_of_the_ct(done, small_chest):
    folder, _ = done
    probability, geometry = read_array(folder / names.PROBABILITY)
    assert geometry.size == small_chest.geometry.size
    np.testing.assert_allclose(geometry.ijk_to_lps, small_chest.geometry.ijk_to_lps, atol=1e-6)
    assert probability.dtype == np.float32
    assert probability.min() >= 0 and probability.max() <= 1


@pytest.mark.rendering
def test_lesions_are_looked_for_in_the_lungs_of_an_earlier_result(done, ct, tmp_path):
    earlier, _ = done
    folder = tmp_path / "again"
    lungs = earlier / names.SEGMENTATION
    finished = ask("segment", ct, "--lungs-file", lungs, "--out", folder, "--device", "cpu")
    assert finished.returncode == 0, finished.stderr
    report, before = (
        json.loads((one / names.REPORT_JSON).read_text()) for one in (folder, earlier)
    )

    assert report["provenance"]["lungs"] == {"method": "given"}
    assert report["severity"]["regions"] == before["severity"]["regions"]
    assert "lungs-given" in [flag["code"] for flag in report["flags"]]


def test_lungs_of_another_ct_are_refused(ct, small_chest, tmp_path):
    path = tmp_path / "lungs.nrrd"
    write_volume(np.ones(small_chest.array.shape, np.uint8)[1:], _less(small_chest.geometry), path)

    assert "grid of the CT" in refused(tmp_path, ct, "--lungs-file", path)


def _less(geometry):
    i, j, k = geometry.size
    return replace(geometry, size=(i, j, k - 1))


def test_the_segmentation_file_has_named_segments_with_the_right_lung_on_the_right(done, scene):
    import slicer

    folder, _ = done
    node = slicer.util.loadSegmentation(str(folder / names.SEGMENTATION))
    assert node.GetSegmentation().GetSegmentIDs() == ("right-lung", "left-lung", "lesion")
    centres = [node.GetSegmentCenterRAS(segment) for segment in ("right-lung", "left-lung")]
    assert centres[0][0] > centres[1][0]


@pytest.mark.rendering
def test_the_scene_opens_with_the_overlay_at_the_slice_with_the_most_lesion(done, mrml, scene):
    folder, _ = done
    assert mrml.scene.ReadFromMRB(str(folder / names.SCENE), True)
    slices = json.loads((folder / names.REPORT_JSON).read_text("utf-8"))["severity"]["slices"]
    featured = max(slices, key=lambda one: (one["lesion_mm2"], one["lung_mm2"]))
    composite = scene.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode")
    ct = scene.GetNodeByID(composite.GetBackgroundVolumeID())
    probability = scene.GetNodeByID(composite.GetForegroundVolumeID())
    assert ct.GetDisplayNode().GetWindow() == 1500
    assert probability.GetDisplayNode().GetApplyThreshold()
    view = scene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    assert view.GetSliceOffset() == pytest.approx(featured["position_mm"], abs=0.1)


@pytest.mark.rendering
def test_an_ensemble_of_two_classes_has_segments_and_disagreement_on_the_grid_of_the_ct(
    untrained, few_slices, scene
):
    import slicer

    folder, _ = untrained
    assert {path.name for path in folder.iterdir()} == RESULT | {names.DISAGREEMENT}
    disagreement, geometry = read_array(folder / names.DISAGREEMENT)
    np.testing.assert_allclose(geometry.ijk_to_lps, few_slices.geometry.ijk_to_lps, atol=1e-6)
    assert disagreement.dtype == np.float32 and set(np.unique(disagreement)) <= {0.0, 1.0}
    segmentation = slicer.util.loadSegmentation(str(folder / names.SEGMENTATION)).GetSegmentation()
    assert segmentation.GetSegmentIDs()[2:] == ("ground-glass-opacity", "consolidation")
    name = segmentation.GetSegment("consolidation").GetName()
    assert name == "consolidation - UNTRAINED NETWORK"


@pytest.mark.rendering
def test_nobody_takes_what_an_untrained_network_found_for_a_result(untrained):
    folder, finished = untrained
    report = json.loads((folder / names.REPORT_JSON).read_text("utf-8"))
    jsonschema.validate(report, report_schema())
    assert report["severity"]["category"] is None
    assert report["flags"][0]["code"] == "untrained-network"
    assert set(report["provenance"]["models"]) == {"drsegunet", "drseg-unet"}
    assert report["provenance"]["parameters"]["combination"] == "mean"
    assert finished.stdout.startswith("UNTRAINED NETWORK")
    assert "Severity n/a" in finished.stdout
    assert str(folder / names.DISAGREEMENT) in finished.stdout


@pytest.mark.rendering
def test_a_saved_scene_of_an_ensemble_is_found_again_with_its_disagreement(untrained, mrml, scene):
    from COVIDLesionSegLib.scene.show import find_result

    folder, _ = untrained
    assert mrml.scene.ReadFromMRB(str(folder / names.SCENE), True)
    found = find_result(scene.GetFirstNodeByName("chest CT"))
    assert found.disagreementNode.GetName().endswith("ensemble disagreement - UNTRAINED NETWORK")


@pytest.mark.slow
@pytest.mark.rendering
def test_the_demo_runs_an_untrained_network_when_allowed(tmp_path, monkeypatch):
    from COVIDLesionSegLib.jobs import segmentation

    monkeypatch.setattr(segmentation, "_DEMO_SIZE", (88, 72, 14))
    monkeypatch.setattr(segmentation, "_DEMO_SPACING_MM", (3.8, 3.8, 18.0))
    arguments = ["demo", "--model", "unet", "--allow-untrained", "--out", str(tmp_path / "demo")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("UNTRAINED NETWORK")
    assert {path.name for path in (tmp_path / "demo").iterdir()} == RESULT | {names.GENERATED_CT}


@pytest.mark.rendering
def test_an_earlier_result_stays_when_a_later_run_fails(done, tmp_path):
    folder, _ = done
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (tmp_path / "text.nii.gz").write_text("not an image")
    finished = ask("segment", tmp_path / "text.nii.gz", "--out", folder)
    assert finished.returncode == 1
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_an_output_folder_with_other_files_is_refused_before_reading_the_ct(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.docx").write_text("precious")
    finished = ask("segment", tmp_path / "missing.nrrd", "--out", folder)
    assert finished.returncode == 1
    assert "thesis.docx" in finished.stderr
    assert (folder / "thesis.docx").read_text() == "precious"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_run_ends_with_130_and_leaves_nothing(ct, tmp_path, number):
    arguments = ("segment", ct, "--out", tmp_path / "out", "--device", "cpu", "--json-progress")
    with subprocess.Popen(
        command(*arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            if "Finding" in line:
                process.send_signal(number)
                break
        _, said = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[1:] == [
        "Stopping after the present step; once more stops at once.",
        "Cancelled: nothing was changed.",
    ]
    assert list(tmp_path.iterdir()) == []
