"""The console API says what is missing in one sentence."""

from __future__ import annotations

import sys

import pytest

from COVIDLesionSegLib.engine.errors import DependencyError

pytest.importorskip("slicer")


def test_a_missing_package_is_named_with_the_way_to_get_it(ct_node, scene, monkeypatch):
    from COVIDLesionSegLib.logic import COVIDLesionSegLogic

    monkeypatch.setitem(sys.modules, "COVIDLesionSegLib.engine.pipeline", None)
    with pytest.raises(DependencyError, match="press Apply"):
        COVIDLesionSegLogic().segment(ct_node)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
