"""A copy without patient data: complete as a result, and silent about the patient."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import vtk
from fabricated import make_result
from vtk.util.numpy_support import vtk_to_numpy

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.errors import Cancelled, InputError
from COVIDLesionSegLib.engine.progress import CancelToken

slicer = pytest.importorskip("slicer")

SECRETS = (
    "DOE^JOHN",
    "Doe, John",
    "19650423",
    "MRN-0047-11",
    "1.2.840.113619.2.55.3.604688",
    "Saint Elsewhere",
    "Doe lesion",
)


@pytest.fixture
def patient_ct(scene, ct_node):
    """The CT as Slicer's DICOM import leaves it, and with what a user may add."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Doe, John (MRN-0047-11)")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientName", "DOE^JOHN")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientBirthDate", "19650423")
    hierarchy.SetItemUID(patient, "DICOM", "MRN-0047-11")
    study = hierarchy.CreateStudyItem(patient, "Saint Elsewhere")
    hierarchy.SetItemUID(study, "DICOM", "1.2.840.113619.2.55.3.604688.1")
    item = hierarchy.CreateItem(study, ct_node)
    hierarchy.SetItemUID(item, "DICOM", "1.2.840.113619.2.55.3.604688.2")
    ct_node.SetName("3: Doe, John")
    ct_node.SetDescription("MRN-0047-11")
    ct_node.SetAttribute("DICOM.instanceUIDs", "1.2.840.113619.2.55.3.604688.3")
    ct_node.SetAttribute("DICOM.PatientID", "MRN-0047-11")
    return ct_node


@pytest.fixture
def shown(patient_ct):
    """Its result, which the user has worked on."""
    from COVIDLesionSegLib.scene.show import find_result, show_result

    result = show_result(patient_ct, make_result())
    node = result.segmentationNode
    node.SetAttribute("COVIDLesionSeg.review", '{"note": "Doe, John: call Saint Elsewhere"}')
    segmentation = node.GetSegmentation()
    segmentation.AddEmptySegment("mine", "Doe lesion")
    segmentation.GetSegment("mine").SetTag("DICOM.PatientName", "DOE^JOHN")
    segmentation.GetSegment("right-lung").SetName("Doe lesion side")
    return find_result(patient_ct)


@pytest.fixture
def save(patient_ct, shown, tmp_path):
    """Save the copy: the bundle."""
    from COVIDLesionSegLib.engine.steps import finish
    from COVIDLesionSegLib.scene.clean_copy import clean_scene
    from COVIDLesionSegLib.scene.scene_folder import write_scene_folder

    def save_copy():
        folder = tmp_path / "scene"
        folder.mkdir()
        finish(write_scene_folder(clean_scene(patient_ct, shown), folder))
        out = tmp_path / "copy.mrb"
        return jobs.bundle_scene(jobs.BundleSceneOptions(scene=folder), out)

    return save_copy


def contents(bundle) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_no_byte_of_the_copy_says_who_the_patient_is(save, tmp_path):
    found = contents(save())

    assert any(name.endswith(".mrml") for name in found)
    everything = b"\n".join([*found.values(), "\n".join(found).encode()])
    for secret in (*SECRETS, str(tmp_path)):
        assert secret.encode() not in everything, secret
        assert secret.encode("utf-16-le") not in everything, secret


def test_the_test_would_find_them_in_an_ordinary_bundle(scene, shown, tmp_path):
    path = tmp_path / "ordinary.mrb"
    scene.WriteToMRB(str(path))

    everything = b"\n".join(contents(path).values())
    assert all(secret.encode() in everything for secret in SECRETS)


def test_the_copy_opens_with_the_same_result(save, scene, patient_ct, shown):
    from slicer.util import arrayFromSegmentBinaryLabelmap, arrayFromVolume

    from COVIDLesionSegLib.scene.show import find_result

    def facts(ct, result):
        return {
            "ct": arrayFromVolume(ct).copy(),
            "probability": arrayFromVolume(result.probabilityNode).copy(),
            **{
                id_: arrayFromSegmentBinaryLabelmap(result.segmentationNode, id_, ct).copy()
                for id_ in ("right-lung", "left-lung", "lesion")
            },
        }

    bundle = save()
    severity, flags = shown.severity, shown.flags
    before = facts(patient_ct, shown)
    scene.Clear(False)
    scene.ReadFromMRB(str(bundle), True)
    ct = scene.GetFirstNodeByName("CT")
    result = find_result(ct)

    assert result.severity == severity and result.flags == flags
    assert result.predictionNode is not None
    for name, array in facts(ct, result).items():
        assert np.array_equal(array, before[name]), name
    segments = result.segmentationNode.GetSegmentation()
    assert segments.GetSegment("right-lung").GetName() == "right lung"
    assert segments.GetSegment("segment-4").GetName() == "Segment 4"
    composite = scene.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode")
    assert composite.GetBackgroundVolumeID() == ct.GetID()
    assert composite.GetForegroundVolumeID() == result.probabilityNode.GetID()


def test_the_users_scene_is_not_changed(save, scene, patient_ct, shown):
    def state():
        nodes = [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
        return [
            (
                node.GetID(),
                node.GetName(),
                node.GetMTime(),
                *((stored(node),) if node.IsA("vtkMRMLStorableNode") else ()),
            )
            for node in nodes
        ]

    def stored(node):
        return node.GetModifiedSinceRead(), node.GetStorageNodeID()

    before = state()
    save()
    assert state() == before


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float64])
@pytest.mark.parametrize("auto", [True, False])
def test_any_type_of_ct_keeps_its_voxels_and_its_window(
    save, scene, patient_ct, shown, dtype, auto
):
    from slicer.util import arrayFromVolume, updateVolumeFromArray

    values = np.random.default_rng(3).integers(0, 200, arrayFromVolume(patient_ct).shape)
    updateVolumeFromArray(patient_ct, values.astype(dtype))
    display = patient_ct.GetDisplayNode()
    display.SetAutoWindowLevel(auto)
    if not auto:
        display.SetWindowLevel(123.0, 45.0)
    before = display.GetAutoWindowLevel(), display.GetWindow(), display.GetLevel()
    bundle = save()
    scene.Clear(False)
    scene.ReadFromMRB(str(bundle), True)
    ct = scene.GetFirstNodeByName("CT")
    display = ct.GetDisplayNode()
    assert arrayFromVolume(ct).dtype == dtype
    assert np.array_equal(arrayFromVolume(ct), values)
    found = display.GetAutoWindowLevel(), display.GetWindow(), display.GetLevel()
    assert found == pytest.approx(before)


@pytest.mark.parametrize("auto", [True, False])
def test_an_automatic_window_waits_until_the_voxels_are_out(
    scene, patient_ct, shown, tmp_path, auto
):
    """An automatic window goes through every voxel whenever the display changes."""
    from COVIDLesionSegLib.scene.clean_copy import clean_scene
    from COVIDLesionSegLib.scene.scene_folder import write_scene_folder

    patient_ct.GetDisplayNode().SetAutoWindowLevel(auto)
    copy = clean_scene(patient_ct, shown)
    display = copy.GetFirstNodeByName("CT").GetDisplayNode()
    assert not display.GetAutoWindowLevel()
    steps = write_scene_folder(copy, tmp_path)
    next(steps)  # without the voxels
    steps.close()

    assert bool(display.GetAutoWindowLevel()) == auto


@pytest.mark.parametrize("grid", ["of the CT", "of its own"])
@pytest.mark.parametrize("voxels", ["none", "one", "many"])
def test_segments_of_the_user_keep_their_voxels(save, scene, patient_ct, shown, grid, voxels):
    """Also those beyond the CT, and where every other segment is empty."""
    segmentation = shown.segmentationNode.GetSegmentation()
    if voxels != "many":
        for id_ in ("right-lung", "left-lung", "lesion"):
            empty = slicer.vtkOrientedImageData()
            segmentation.GetSegment(id_).AddRepresentation("Binary labelmap", empty)
    image = slicer.vtkOrientedImageData()
    matrix = vtk.vtkMatrix4x4()
    patient_ct.GetIJKToRASMatrix(matrix)
    if grid == "of its own":
        matrix.SetElement(0, 3, matrix.GetElement(0, 3) + 0.3)
    image.SetImageToWorldMatrix(matrix)
    extent = {"none": (0, -1) * 3, "one": (5, 5, 4, 4, 3, 3), "many": (-2, 4, 3, 5, 0, 3)}[voxels]
    image.SetExtent(extent)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    if voxels != "none":
        image.GetPointData().GetScalars().Fill(segmentation.GetSegment("mine").GetLabelValue())
    segmentation.GetSegment("mine").AddRepresentation("Binary labelmap", image)
    centre = shown.segmentationNode.GetSegmentCenterRAS("mine") if voxels != "none" else None
    bundle = save()
    scene.Clear(False)
    scene.ReadFromMRB(str(bundle), True)

    (node,) = (
        one
        for one in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        if not one.GetHideFromEditors()
    )
    segment = node.GetSegmentation().GetSegment("segment-4")
    layer = segment.GetRepresentation("Binary labelmap")
    if voxels == "none":
        assert 0 in layer.GetDimensions() or layer.GetScalarRange()[1] == 0
    else:
        # Slicer saves all layers on one grid, to the nearest voxel.
        assert node.GetSegmentCenterRAS("segment-4") == pytest.approx(centre, abs=0.35)
        array = vtk_to_numpy(layer.GetPointData().GetScalars())
        size = np.prod(np.diff(np.reshape(extent, (3, 2))) + 1)
        assert (array == segment.GetLabelValue()).sum() == size


def test_a_ct_under_a_linear_transform_stays_where_it_is(save, scene, patient_ct, shown):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Doe, John aligned")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 25.0)
    transform.SetMatrixTransformToParent(matrix)
    for node in (patient_ct, shown.segmentationNode, shown.probabilityNode):
        node.SetAndObserveTransformNodeID(transform.GetID())
    bounds = [0.0] * 6
    patient_ct.GetRASBounds(bounds)
    bundle = save()
    assert not any(b"Doe" in data for data in contents(bundle).values())
    scene.Clear(False)
    scene.ReadFromMRB(str(bundle), True)
    restored = [0.0] * 6
    scene.GetFirstNodeByName("CT").GetRASBounds(restored)
    assert restored == pytest.approx(bounds)


def test_a_ct_under_a_bending_transform_is_refused_in_one_sentence(save, scene, patient_ct):
    transform = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    bspline = slicer.vtkOrientedBSplineTransform()
    transform.SetAndObserveTransformToParent(bspline)
    patient_ct.SetAndObserveTransformNodeID(transform.GetID())
    if transform.IsTransformToWorldLinear():
        pytest.skip("this build calls an empty B-spline linear")

    with pytest.raises(InputError, match="harden the transform"):
        save()


def test_cancelled_an_earlier_file_is_as_it_was(save, tmp_path):
    bundle = save()
    earlier = bundle.read_bytes()
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        jobs.bundle_scene(jobs.BundleSceneOptions(scene=tmp_path / "scene"), bundle, cancel=cancel)
    assert bundle.read_bytes() == earlier


def test_a_folder_without_a_scene_is_refused(tmp_path):
    with pytest.raises(InputError, match="no scene"):
        jobs.bundle_scene(jobs.BundleSceneOptions(scene=tmp_path), tmp_path / "copy.mrb")


def test_names_of_kept_corrections_stay_in_the_scene(patient_ct, shown):
    """A note among the flags has them; neither a copy nor the folder of reviewed cases does."""
    from COVIDLesionSegLib.scene import nodes
    from COVIDLesionSegLib.scene.clean_copy import clean_scene
    from COVIDLesionSegLib.scene.prediction import prediction_of
    from COVIDLesionSegLib.scene.show import show_result

    node = shown.segmentationNode
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "right-lung", patient_ct).copy()
    array[:, ::2] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "right-lung", patient_ct)
    again = show_result(patient_ct, make_result())
    assert any("Doe lesion side" in flag.message for flag in again.flags)

    copied = clean_scene(patient_ct, again)
    ct_copy = copied.GetFirstNodeByName("CT")
    for role in ("segmentation", "prediction"):
        copy = nodes.find_output(ct_copy, role)
        assert "Doe" not in "".join(copy.GetAttribute(name) for name in copy.GetAttributeNames())
        assert len(nodes.read_flags(copy)) == len(again.flags) - 1
    assert "Doe" not in str(prediction_of(patient_ct).facts)
