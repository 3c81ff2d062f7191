"""One fingerprint of a CT for each state of its node: never that of another state."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from fabricated import add_ct, make_geometry

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.steps import Work, finish
from COVIDLesionSegLib.engine.volume.fingerprint import FINGERPRINT, fingerprint

pytest.importorskip("slicer")


def fresh(node) -> str:
    """What is computed from the node without what is known."""
    from COVIDLesionSegLib.scene.volumes import volume_from_node_in_steps

    return fingerprint(finish(volume_from_node_in_steps(node)))


def found(node) -> str:
    from COVIDLesionSegLib.scene.made_from import ct_fingerprint

    return finish(ct_fingerprint(node))


def is_known(node) -> bool:
    """Whether the fingerprint is there without any work."""
    from COVIDLesionSegLib.scene.made_from import ct_fingerprint

    return Work(ct_fingerprint(node)).go_on(0)


def voxels(node) -> np.ndarray:
    from COVIDLesionSegLib.scene.images import voxels_of

    return voxels_of(node.GetImageData())


def edit_in_place(node):
    voxels(node)[3, 4, 5] += 1
    node.GetImageData().Modified()


def edit_as_slicers_python_does(node):
    from slicer.util import arrayFromVolume, arrayFromVolumeModified

    arrayFromVolume(node)[3, 4, 5] += 1
    arrayFromVolumeModified(node)


def edit_scalars_alone(node):
    voxels(node)[3, 4, 5] += 1
    node.GetImageData().GetPointData().GetScalars().Modified()


def replace_scalars(node):
    from vtk.util.numpy_support import numpy_to_vtk

    other = numpy_to_vtk((voxels(node) + 1).ravel(), deep=True)
    other.SetName(node.GetImageData().GetPointData().GetScalars().GetName())
    node.GetImageData().GetPointData().SetScalars(other)


def replace_image(node):
    from COVIDLesionSegLib.scene.volumes import local_ijk_to_ras, set_voxels

    set_voxels(node, voxels(node) + 1, local_ijk_to_ras(node))


def move_grid(node):
    node.SetOrigin(1.0, 2.0, 3.0)


def stretch_grid(node):
    node.SetSpacing(1.0, 1.0, 1.0)


def move_below_a_transform(node):
    transform = node.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetAndObserveTransformNodeID(transform.GetID())
    move_transform(transform, 12.5)


def move_transform(transform, to_the_right: float):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, to_the_right)
    transform.SetMatrixTransformToParent(matrix)


@pytest.mark.parametrize(
    "change",
    [
        edit_in_place,
        edit_as_slicers_python_does,
        edit_scalars_alone,
        replace_scalars,
        replace_image,
        move_grid,
        stretch_grid,
        move_below_a_transform,
    ],
)
def test_what_is_known_is_not_told_of_a_ct_that_changed(ct_node, change):
    before = found(ct_node)
    assert before == fresh(ct_node) and is_known(ct_node)
    change(ct_node)
    assert not is_known(ct_node)
    after = found(ct_node)
    assert after == fresh(ct_node) != before
    assert is_known(ct_node)


def test_what_became_of_a_transform_is_noticed(ct_node):
    move_below_a_transform(ct_node)
    before = found(ct_node)
    move_transform(ct_node.GetParentTransformNode(), -7.5)
    assert found(ct_node) == fresh(ct_node) != before


def test_another_node_with_the_id_of_one_that_is_gone_has_its_own(scene):
    told = []
    for number in range(20):
        node = add_ct(scene)
        assert node.GetID() == "vtkMRMLScalarVolumeNode1"
        voxels(node)[0, 0, 0] = number
        told.append((found(node), fresh(node)))
        scene.Clear(False)
        del node
        gc.collect()  # VTK may use the memory again
    assert all(known == true for known, true in told) and len(set(told)) == 20


def test_an_image_that_two_nodes_share_has_one_for_each_grid(scene, ct_node):
    other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    other.SetAndObserveImageData(ct_node.GetImageData())
    other.SetSpacing(0.7, 0.9, 2.5)
    assert [found(ct_node), found(other)] == [fresh(ct_node), fresh(other)]
    assert found(ct_node) != found(other)


def test_those_who_ask_at_the_same_time_share_the_work(scene):
    from COVIDLesionSegLib.scene.made_from import ct_fingerprint, volume_and_fingerprint

    alone = len(list(ct_fingerprint(add_ct(scene))))
    node = add_ct(scene)
    works = [Work(ct_fingerprint(node)) for _ in range(3)]
    steps = 0
    for work in (*works * alone,):
        if work.result is None:
            steps += 1
            work.go_on(0)
    assert {work.result for work in works} == {fresh(node)}
    assert steps <= alone + 2 * len(works)
    volume, known = finish(volume_and_fingerprint(node))
    assert known == fresh(node) and np.array_equal(volume.array, voxels(node))


def test_one_who_waits_ends_what_another_gave_up(ct_node):
    from COVIDLesionSegLib.scene import made_from

    first, second = (Work(made_from.ct_fingerprint(ct_node)) for _ in range(2))
    first.go_on(0)
    second.go_on(0)
    first.close()
    assert second.go_on(60) and second.result == fresh(ct_node)
    edit_in_place(ct_node)
    third = Work(made_from.ct_fingerprint(ct_node))
    third.go_on(0)
    assert len(made_from._under_way) == 1
    third.close()
    del third
    gc.collect()
    assert not made_from._under_way, "voxels of a CT that nobody asks about any more are held"


def test_a_ct_that_changes_meanwhile_gets_no_fingerprint(ct_node):
    from COVIDLesionSegLib.scene.made_from import ct_fingerprint

    works = [Work(ct_fingerprint(ct_node)) for _ in range(2)]
    for work in works:
        work.go_on(0)
    edit_in_place(ct_node)
    for work in works:
        with pytest.raises(InputError, match="changed while it was being read"):
            work.go_on(60)
    assert found(ct_node) == fresh(ct_node)


def test_a_copy_and_its_fingerprint_are_of_the_same_place(ct_node):
    from COVIDLesionSegLib.scene.made_from import volume_and_fingerprint

    work = Work(volume_and_fingerprint(ct_node))
    for _ in range(4):
        work.go_on(0)
    move_grid(ct_node)
    with pytest.raises(InputError, match="changed while it was being read"):
        work.go_on(60)


def test_a_result_is_refused_where_its_ct_holds_other_voxels_or_none_in_hu(ct_node):
    from COVIDLesionSegLib.scene.made_from import check_made_from
    from COVIDLesionSegLib.scene.volumes import local_ijk_to_ras, set_voxels, voxel_state

    made_from = {"input": {FINGERPRINT: fresh(ct_node)}}
    assert finish(check_made_from(ct_node, made_from)) == voxel_state(ct_node)
    move_below_a_transform(ct_node)  # moved with its result
    finish(check_made_from(ct_node, made_from))
    edit_in_place(ct_node)
    with pytest.raises(InputError, match="moved or replaced"):
        finish(check_made_from(ct_node, made_from))
    finish(check_made_from(ct_node, {}))  # does not say from which CT
    empty = np.full(make_geometry().shape, np.nan, np.float32)
    set_voxels(ct_node, empty, local_ijk_to_ras(ct_node))
    for _ in range(2):
        with pytest.raises(InputError, match="moved or replaced"):
            finish(check_made_from(ct_node, made_from))
