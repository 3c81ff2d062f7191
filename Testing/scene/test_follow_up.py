"""CTs of one patient in a scene: what is compared, and what is shown on the later one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result

from COVIDLesionSegLib.engine.errors import InputError, ParameterError
from COVIDLesionSegLib.engine.followup.study_folder import load_study, save_study_in_steps
from COVIDLesionSegLib.engine.labels import CHANGE_STYLES, is_lesion
from COVIDLesionSegLib.engine.steps import finish
from COVIDLesionSegLib.engine.volume.fingerprint import FINGERPRINT, fingerprint
from COVIDLesionSegLib.scene.follow_up import (
    find_changes,
    show_changes,
    show_comparison,
    studies_of,
    study_from_nodes,
)
from COVIDLesionSegLib.scene.patients import patient_marks
from COVIDLesionSegLib.scene.segmentation import segment_ids, segment_tag
from COVIDLesionSegLib.scene.show import show_result
from scene.read_nodes import volume_from_node

CLASSES = ("ground-glass opacity", "consolidation")


@pytest.fixture(params=["axial", "oblique left-handed", "sagittal"])
def geometry(request):
    assert request.param in DIRECTIONS
    return make_geometry(request.param)


def test_a_study_is_the_result_with_its_corrections_on_the_stored_grid(scene, geometry):
    result = make_result(geometry, CLASSES)
    ct = add_ct(scene, geometry)
    nodes = show_result(ct, result)
    study = finish(study_from_nodes(ct, nodes.segmentationNode))

    assert study.classes == CLASSES and study.geometry.shape == geometry.shape
    assert np.allclose(study.geometry.ijk_to_lps, geometry.ijk_to_lps)
    assert np.array_equal(study.lungs, result.lungs)
    assert np.array_equal(study.lesions, result.lesions)
    assert study.flags == result.flags


def test_a_ct_that_was_changed_since_its_run_is_not_compared(scene, geometry):
    ct = add_ct(scene, geometry)
    result = make_result(geometry)
    facts = {**result.provenance, "input": {FINGERPRINT: fingerprint(volume_from_node(ct))}}
    node = show_result(ct, replace(result, provenance=facts)).segmentationNode
    assert finish(study_from_nodes(ct, node)).classes == result.classes
    slicer.util.arrayFromVolume(ct)[5, 5, 5] += 1
    slicer.util.arrayFromVolumeModified(ct)
    with pytest.raises(InputError, match="moved or replaced since it was segmented"):
        finish(study_from_nodes(ct, node))


def test_corrections_of_an_earlier_run_do_not_count(scene, geometry):
    ct = add_ct(scene, geometry)
    node = show_result(ct, make_result(geometry)).segmentationNode
    for id_ in ("lesion", "right-lung"):
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, id_, ct).copy()
        mask[:2] = 1 - mask[:2]
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, id_, ct)
    result = make_result(geometry, seed=1)
    assert show_result(ct, result).segmentationNode is node
    assert {"lesion-corrected", "right-lung-corrected"} < set(segment_ids(node))
    study = finish(study_from_nodes(ct, node))

    np.testing.assert_array_equal(study.lesions, result.lesions)
    np.testing.assert_array_equal(study.lungs, result.lungs)


@pytest.mark.parametrize("drawn", [True, False])
def test_a_lesion_painted_over_the_lungs_counts_and_lung_erased_below_a_found_one_does_not(
    scene, geometry, drawn
):
    result = make_result(geometry)
    ct = add_ct(scene, geometry)
    node = show_result(ct, result).segmentationNode
    painted = (result.lungs == 2) & (np.arange(result.lungs.shape[2]) % 2 == 0)
    lesions = (result.lesions > 0) | (drawn & painted)
    cut = np.where(lesions, 0, result.lungs)
    for id_, mask in (("lesion", lesions), ("right-lung", cut == 1), ("left-lung", cut == 2)):
        array = mask.astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, id_, ct)
    study = finish(study_from_nodes(ct, node))

    np.testing.assert_array_equal(study.lesions > 0, lesions)
    if drawn:
        assert (study.lungs[result.lungs == 2] == 2).all()
    else:
        np.testing.assert_array_equal(study.lungs, cut)


def test_the_changes_become_segments_on_the_ct_and_are_updated_by_the_next_comparison(
    scene, geometry
):
    ct = add_ct(scene, geometry)
    random = np.random.default_rng(0)
    for seed in range(2):
        changes = random.integers(0, 4, geometry.shape).astype(np.uint8)
        changes[:, :, 5 + seed :] = 0
        node = show_changes(ct, changes)

        assert find_changes(ct) is node
        assert segment_ids(node) == [style.id for style in CHANGE_STYLES.values()]
        for label, style in CHANGE_STYLES.items():
            shown = slicer.util.arrayFromSegmentBinaryLabelmap(node, style.id, ct)
            assert np.array_equal(shown > 0, changes == label)
            segment = node.GetSegmentation().GetSegment(style.id)
            assert is_lesion(None, segment_tag(segment, "TerminologyEntry"))
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_where_lesions_were_not_matched_nothing_outdated_stays(scene):
    geometry = make_geometry()
    first, second = add_ct(scene, geometry), add_ct(scene, geometry)
    changes = np.ones(geometry.shape, np.uint8)
    shown = show_comparison([first, second], {"pairs": []}, [changes])
    assert find_changes(second) is shown.segmentationNodes[0] and find_changes(first) is None

    assert show_comparison([first, second], {}, [None]).segmentationNodes == (None,)
    assert find_changes(second) is None


def test_too_few_cts_no_result_and_no_lesions_are_refused(scene):
    geometry = make_geometry()
    first, second = add_ct(scene, geometry), add_ct(scene, geometry)
    with pytest.raises(ParameterError, match="at least two"):
        studies_of([first])
    with pytest.raises(InputError, match="no result yet"):
        studies_of([first, second])
    lungs_only = show_result(first, make_result(geometry)).segmentationNode
    lungs_only.GetSegmentation().RemoveSegment("lesion")
    with pytest.raises(InputError, match="hold lesions"):
        finish(study_from_nodes(first, lungs_only))


def test_a_ct_that_went_or_changed_meanwhile_is_said(scene):
    ct = add_ct(scene)
    with pytest.raises(InputError, match="changed while"):
        show_changes(ct, np.zeros((2, 2, 2), np.uint8))
    scene.RemoveNode(ct)
    with pytest.raises(InputError, match="removed"):
        show_comparison([ct, ct], {}, [None])


class Database:
    """As much of Slicer's DICOM database as is asked."""

    isOpen = True
    _patients = {"1.2.1": "MRN-0047 ", "1.2.2": "MRN-0047", "1.2.3": "MRN-0052", "1.2.4": ""}

    def instanceValue(self, uid, tag):
        assert tag == "0010,0020"
        return self._patients.get(uid, "")


def test_of_patients_only_whether_they_are_the_same_reaches_a_comparison(
    scene, monkeypatch, tmp_path
):
    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    geometry = make_geometry()
    cts = [add_ct(scene, geometry) for _ in range(5)]
    for ct, uids in zip(cts, ("1.2.1 1.2.9", "1.2.2", "1.2.3", "1.2.4", None), strict=True):
        show_result(ct, make_result(geometry))
        if uids is not None:
            ct.SetAttribute("DICOM.instanceUIDs", uids)
    studies = [finish(steps) for steps in studies_of(cts)]

    assert [study.patient for study in studies] == ["1", "1", "2", None, None]
    finish(save_study_in_steps(studies[2], tmp_path))
    assert load_study(tmp_path).patient == "2"
    assert all(b"MRN" not in path.read_bytes() for path in tmp_path.iterdir())


def test_without_a_dicom_database_patients_are_unknown(scene):
    ct = add_ct(scene)
    ct.SetAttribute("DICOM.instanceUIDs", "1.2.1")
    assert patient_marks([ct, ct]) == [None, None]
