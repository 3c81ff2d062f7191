"""Lobes beside a CT: percentages and the CT severity score in every file of the result."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.data.tables import read_table
from COVIDLesionSegLib.engine.errors import DependencyError, InputError, ParameterError
from COVIDLesionSegLib.engine.lobes import LOBES
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.severity.lobes_file import read_lobes
from COVIDLesionSegLib.engine.volume import read_array, write_volume
from COVIDLesionSegLib.report.report_json import report_schema
from COVIDLesionSegLib.report.report_pdf import require_pdf

LUNGMASK = dict(zip(LOBES, (3, 4, 5, 1, 2), strict=True))


def paper() -> str | None:
    """A size, where this computer can make a PDF; test_report_pdf.py says aloud where it cannot."""
    try:
        require_pdf()
    except DependencyError:
        return None
    return "letter"


@pytest.fixture(scope="module")
def chest(tmp_path_factory):
    """A generated chest CT and a label map of its lobes, numbered as lungmask does: their files."""
    folder = tmp_path_factory.mktemp("chest")
    phantom = generate_chest_ct(seed=5, size=(88, 72, 14), spacing=(3.8, 3.8, 18.0))
    geometry, lungs = phantom.volume.geometry, phantom.lungs
    level = np.arange(len(lungs))[:, None, None]
    right, left = lungs == 1, lungs == 2
    lobes = np.zeros_like(lungs)
    lobes[right] = LUNGMASK["right lower lobe"]
    lobes[right & (level >= 5)] = LUNGMASK["right middle lobe"]
    lobes[right & (level >= 8)] = LUNGMASK["right upper lobe"]
    lobes[left] = LUNGMASK["left lower lobe"]
    lobes[left & (level >= 7)] = LUNGMASK["left upper lobe"]
    write_volume(phantom.volume.array, geometry, folder / "ct.nrrd")
    write_volume(lobes, geometry, folder / "lobes.nrrd")
    return folder, lobes


@pytest.mark.slow
@pytest.mark.rendering
def test_given_lobes_are_measured_and_scored_in_every_report(chest, tmp_path):
    folder, lobes = chest
    options = jobs.SegmentOptions(
        ct=folder / "ct.nrrd",
        lobes_file=folder / "lobes.nrrd",
        lobe_labels="lungmask",
        report_title="Case 17",
        pdf=paper(),
    )
    result = jobs.segment(options, tmp_path / "result")
    content = json.loads((tmp_path / "result" / "report.json").read_text("utf-8"))
    jsonschema.validate(content, report_schema())
    for one in content["severity"]["lobes"]:
        inside = lobes == LUNGMASK[one["region"]]
        share = np.count_nonzero(result.lesions[inside]) / np.count_nonzero(inside)
        assert one["ratio"] == pytest.approx(share)
    scores = [one["score"] for one in content["severity"]["lobes"]]
    assert sum(scores) == content["severity"]["ct_severity_score"] > 0
    page = (tmp_path / "result" / "report.html").read_text("utf-8")
    assert f"CT severity score (Pan et al. 2020): {sum(scores)}" in page
    assert "Right middle lobe" in page
    assert content["provenance"]["lobes"]["labels"]["right upper lobe"] == "3"
    assert str(folder) not in page
    assert (tmp_path / "result" / "report.pdf").is_file() is (paper() is not None)
    # What the user chose to write is on the page, and nowhere else.
    assert "Case 17" in page and "Case 17" not in json.dumps(content)


def test_lobes_that_cannot_be_read_stop_the_job_before_it_computes(chest, tmp_path):
    options = jobs.SegmentOptions(
        ct=chest[0] / "ct.nrrd", lobes_file=chest[0] / "lobes.nrrd", lobe_labels="totalsegmentator"
    )
    with pytest.raises(InputError, match="holds none of the labels"):
        jobs.segment(options, tmp_path / "result")
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize("unsigned", [False, True])
def test_a_ct_is_not_taken_for_lobes(chest, tmp_path, unsigned):
    """Some of its voxels have the values of labels."""
    voxels, geometry = read_array(chest[0] / "ct.nrrd")
    if unsigned:
        voxels = (voxels.astype(np.int32) + 1024).clip(0).astype(np.uint16)
    grey = np.zeros_like(voxels)
    grey[1:] = voxels[1:]
    grey[0].flat[:6] = range(6)
    write_volume(grey, geometry, tmp_path / "grey.nrrd")
    with pytest.raises(InputError, match=r"grey\.nrrd is a grey image, such as the CT itself"):
        read_lobes(tmp_path / "grey.nrrd", "lungmask", geometry)


@pytest.mark.slow
@pytest.mark.rendering
def test_lobes_of_the_other_side_give_no_numbers_by_lobe(chest, tmp_path):
    options = jobs.SegmentOptions(
        ct=chest[0] / "ct.nrrd", lobes_file=chest[0] / "lobes.nrrd", lobe_labels="3,4,5,1,2"
    )
    swapped = replace(options, lobe_labels="1,2,3,4,5")
    result = jobs.segment(swapped, tmp_path / "result")
    assert "lobes-in-other-lung" in [flag.code for flag in result.flags]
    assert result.severity.lobes == () and result.severity.ct_severity_score is None


def test_labels_without_lobes_and_unknown_labels_are_refused():
    with pytest.raises(ParameterError, match="lobes_file"):
        jobs.SegmentOptions(ct="ct.nrrd", lobe_labels="lungmask")
    with pytest.raises(ParameterError, match="five different labels"):
        jobs.SegmentOptions(ct="ct.nrrd", lobes_file="lobes.nrrd", lobe_labels="vendor")


@pytest.mark.slow
def test_a_cohorts_table_names_the_lobes_of_each_ct(chest, tmp_path):
    folder, _ = chest
    # One CT under two names would be one case: the second is a copy.
    (folder / "copy.nrrd").write_bytes((folder / "ct.nrrd").read_bytes())
    table = folder / "cts.csv"
    table.write_text("case,ct,lobes\na,ct.nrrd,lobes.nrrd\nb,copy.nrrd,\n")
    options = jobs.BatchOptions(sources=(table,), lobe_labels="lungmask")
    cohort = jobs.batch(options, tmp_path / "cohort")
    assert [case.status for case in cohort.cases] == ["done", "done"]
    rows = {row.get("case"): row for row in read_table(tmp_path / "cohort" / "cohort.csv").rows}
    assert int(rows["a"].get("ct_severity_score")) > 0
    assert float(rows["a"].get("right_lower_lobe_ratio")) > 0
    assert rows["b"].get("ct_severity_score") == rows["b"].get("right_lower_lobe_ratio") == "n/a"
