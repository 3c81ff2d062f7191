"""Names, labels, colours and codes of lungs and lesion classes agree wherever they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib.engine import labels
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.volume import Geometry

LIBRARY = Path(labels.__file__).parents[2]


def test_lungs_and_classes_are_named_coloured_and_coded_apart():
    styles = [*labels.LUNG_STYLES.values(), *map(labels.class_style, labels.CLASSES)]
    styles.append(labels.class_style(labels.LESION))
    for part in ("id", "color", "terminology"):
        assert len({getattr(style, part) for style in styles}) == len(styles)
    assert all(0 <= channel <= 1 for style in styles for channel in style.color)


def test_a_class_without_a_code_of_its_own_is_coded_as_a_lesion_and_keeps_its_name():
    unknown = labels.class_style("Crazy paving")
    assert (unknown.id, unknown.name) == ("crazy-paving", "Crazy paving")
    assert unknown.terminology == labels.class_style(labels.LESION).terminology


def test_severity_measures_the_lungs_under_the_same_names_and_labels():
    geometry = Geometry((4, 2, 2), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    lungs = np.zeros(geometry.shape, np.uint8)
    lungs[..., 0], lungs[..., 1:] = labels.RIGHT_LUNG, labels.LEFT_LUNG
    severity = measure_severity(lungs, np.zeros_like(lungs), (labels.LESION,), geometry)
    assert [severity.region(name).lung_ml for name in labels.LUNG_LABELS] == [4.0, 12.0]
    assert severity.region(labels.BOTH_LUNGS).lung_ml == 16.0


def test_the_lung_window_is_the_same_by_width_and_level_and_by_its_ends():
    width, level = labels.LUNG_WINDOW
    low, high = labels.LUNG_WINDOW_HU
    assert (width, level) == (high - low, (high + low) / 2) == (1500.0, -600.0)


def test_labels_need_no_numpy():
    code = "import sys; sys.modules['numpy'] = None; import COVIDLesionSegLib.engine.labels"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=LIBRARY, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_labels_of_classes_stay_and_a_single_class_is_boolean(dtype):
    array = np.array([[0, 1], [2, 1]], dtype)
    several = labels.lesions_of_labels(array, labels.CLASSES, "mask.png", "255")
    single = labels.lesions_of_labels(array, (labels.LESION,), "mask.png", "255")
    assert (several.dtype, single.dtype) == (np.uint8, bool)
    np.testing.assert_array_equal(several, array)
    np.testing.assert_array_equal(single, array > 0)


@pytest.mark.parametrize("label", [3, 0.5])
def test_a_label_of_no_class_is_refused_with_the_meanings_of_the_others(label):
    array = np.array([0, 1, label], np.float32)
    with pytest.raises(InputError, match=r"label .*1 for ground-glass opacity, 2 for consol"):
        labels.lesions_of_labels(array, labels.CLASSES, "mask.png", "255")
