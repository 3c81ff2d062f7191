from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from COVIDLesionSegLib.engine.labels import class_style
from COVIDLesionSegLib.engine.result import OVERLAY_FROM
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.text import percent
from COVIDLesionSegLib.engine.volume import AxialOrder, Geometry, Volume
from COVIDLesionSegLib.report.slices_figure import AxialViews, write_slices_figure

pytestmark = pytest.mark.slow


def draw(volume, result, path) -> np.ndarray:
    """RGB picture, 0 to 1."""
    write_slices_figure(volume, result, path)
    return imread(path)[..., :3]


def restored(volume, result, axes: str):
    """The same patient, stored along other axes."""
    directions = {"L": (1, 0, 0), "P": (0, 1, 0), "S": (0, 0, 1)}
    directions |= {"R": (-1, 0, 0), "A": (0, -1, 0), "I": (0, 0, -1)}
    columns = np.array([directions[axis] for axis in axes], float).T
    grid_of_patient = [int(np.flatnonzero(columns[n])[0]) for n in range(3)]  # for L, P, S
    z, y, x = volume.axial.shape
    spacing = np.zeros(3)
    size = np.zeros(3, int)
    for patient, (n, mm) in enumerate(zip((x, y, z), reversed(volume.axial_spacing), strict=True)):
        size[grid_of_patient[patient]] = n
        spacing[grid_of_patient[patient]] = mm
    corner = np.array([0.0, 0.0, -300.0])
    extent = np.array([x - 1, y - 1, z - 1]) * np.array(volume.axial_spacing[::-1])
    backwards = columns.sum(axis=1) < 0
    origin = corner + np.where(backwards, extent, 0)
    geometry = Geometry(
        tuple(size.tolist()), tuple(spacing), tuple(origin), tuple(columns.ravel().tolist())
    )
    order = AxialOrder.of(geometry)

    def store(array):
        return np.ascontiguousarray(order.to_stored(volume.order.to_axial(array)))

    arrays = {name: store(getattr(result, name)) for name in ("lungs", "lesions", "probability")}
    severity = measure_severity(arrays["lungs"], arrays["lesions"], result.classes, geometry)
    moved = replace(result, geometry=geometry, severity=severity, **arrays)
    return Volume(store(volume.array), geometry), moved


@pytest.mark.parametrize("axes", ["RAS", "SPL", "PSL", "IRA"])
def test_the_picture_is_the_same_however_the_ct_is_stored(phantom, result, axes, tmp_path):
    expected = draw(*restored(phantom.volume, result, "LPS"), tmp_path / "axial.png")
    picture = draw(*restored(phantom.volume, result, axes), tmp_path / "other.png")
    assert picture.shape == expected.shape
    np.testing.assert_array_equal(picture, expected)


def test_the_patients_right_is_on_the_left_of_the_picture(phantom, result, tmp_path):
    picture = draw(phantom.volume, result, tmp_path / "both.png")
    # The outline of the right lung is blue, of the left green.
    large = picture[:, : picture.shape[1] * 46 // 100]
    blue = np.argwhere((large[..., 2] > 0.8) & (large[..., 0] < 0.35) & (large[..., 1] < 0.75))
    green = np.argwhere((large[..., 1] > 0.65) & (large[..., 0] < 0.35) & (large[..., 2] < 0.55))
    assert len(blue) > 50 and len(green) > 50
    assert blue[:, 1].mean() < green[:, 1].mean()


def test_a_slice_that_was_not_segmented_has_no_share_of_lesion(phantom, result):
    views = AxialViews(phantom.volume, result)
    one = result.severity.slices[0]
    for segmented, text in ((True, percent(one.ratio)), (False, "not segmented")):
        axes = Figure().subplots()
        views.draw(axes, replace(one, segmented=segmented), 1.0, 8.0)
        assert text in [drawn.get_text() for drawn in axes.texts]


def near(picture: np.ndarray, color: tuple[float, float, float]) -> int:
    """Number of pixels of about this colour."""
    return int((np.abs(picture - np.array(color)).max(axis=-1) < 0.08).sum())


def test_each_class_is_outlined_in_its_own_colour_and_named_in_it(
    phantom, result, single_class, tmp_path
):
    none = np.zeros_like(result.probability)
    several = draw(phantom.volume, replace(result, probability=none), tmp_path / "several.png")
    single = draw(phantom.volume, replace(single_class, probability=none), tmp_path / "single.png")
    ground_glass, consolidation = (class_style(name).color for name in result.classes)
    foot = several.shape[0] - 40
    for color in (ground_glass, consolidation):
        assert near(several[:foot], color) > 200
        assert near(several[foot:], color) > 20, "no legend"
        assert near(single, color) < 5
    # A single class is white, and needs no legend.
    assert near(single[:foot], (1, 1, 1)) > near(several[:foot], (1, 1, 1)) + 200


def test_a_picture_of_an_untrained_networks_result_says_so(
    phantom, result, untrained_ensemble, tmp_path
):
    amber = (1.0, 0.75, 0.0)
    trained = draw(phantom.volume, result, tmp_path / "trained.png")
    untrained = draw(phantom.volume, untrained_ensemble, tmp_path / "untrained.png")
    head = slice(0, 44)
    assert near(untrained[head], amber) > 400
    assert near(trained[head], amber) < 5


def test_a_certain_lesion_is_coloured_and_a_weak_suspicion_is_not(phantom, result, tmp_path):
    none = np.zeros_like(result.lesions)
    plain = replace(
        result,
        lesions=none,
        severity=measure_severity(result.lungs, none, result.classes, result.geometry),
    )

    def with_probability(value: float) -> np.ndarray:
        probability = np.where(phantom.lesions > 0, value, 0).astype(np.float32)
        return draw(
            phantom.volume, replace(plain, probability=probability), tmp_path / f"{value}.png"
        )

    without = with_probability(0.0)
    np.testing.assert_array_equal(with_probability(OVERLAY_FROM - 0.01), without)
    changed = (with_probability(0.95) != without).any(axis=-1)
    assert changed.mean() > 0.005


def test_a_single_slice_of_lung_is_drawn(phantom, result, tmp_path):
    slices = result.severity.slices
    one = replace(result, severity=replace(result.severity, slices=slices[20:21]))
    assert draw(phantom.volume, one, tmp_path / "one.png").std() > 0.1


def test_a_tiny_share_of_a_slice_is_not_shown_as_none(phantom, result, tmp_path):
    one_slice = result.severity.slices[20]

    def with_ratio(ratio: float) -> np.ndarray:
        severity = replace(result.severity, slices=(replace(one_slice, ratio=ratio),))
        return draw(phantom.volume, replace(result, severity=severity), tmp_path / "one.png")

    assert (with_ratio(0.0004) != with_ratio(0.0)).any()
