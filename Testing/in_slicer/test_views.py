"""The views' pixels against references that are worked out from the arrays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import known_results
import numpy as np
import slicer
from case import Case

TOLERANCE = 14  # of 255; views round positions and colours
OBLIQUE = (0.9, -0.42, 0.12, 0.43, 0.86, -0.27, 0.01, 0.295, 0.955)


def rotated(chest: Any) -> Any:
    """The same patient on a table that is turned: an oblique grid, flipped along k."""
    direction = np.linalg.qr(np.reshape(OBLIQUE, (3, 3)))[0] @ np.diag([1.0, 1.0, -1.0])
    turned = tuple(float(value) for value in direction.ravel())
    geometry = replace(chest.volume.geometry, direction=turned)
    return replace(chest, volume=replace(chest.volume, geometry=geometry))


class ViewsTest(Case):
    def show(self, chest: Any) -> None:
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        self.chest = chest
        self.ct = volume_to_node(chest.volume, "Chest")
        self.process_events(0.3)
        self.ui.ctSelector.setCurrentNode(self.ct)
        self.result = known_results.known_result(chest)
        # Smooth, so that interpolation between voxels and between colours agree.
        self.shown = known_results.show(self.panel, self.ct, self.result)
        self.shown.segmentationNode.GetDisplayNode().SetVisibility2D(False)
        # As numpy interpolates: linear for the CT, nearest for the overlay.
        self.ct.GetDisplayNode().InterpolateOn()
        self.process_events(0.3)

    def expected(self, name: str) -> tuple[Any, Any]:
        """What a slice view should show, and where that is certain: all but borders of values."""
        from scipy.ndimage import map_coordinates

        from COVIDLesionSegLib.engine.labels import LUNG_WINDOW_HU
        from COVIDLesionSegLib.scene.colors import jet_colors

        node = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode()
        columns, rows = node.GetDimensions()[:2]
        to_ras = slicer.util.arrayFromVTKMatrix(node.GetXYToRAS())
        x, y = np.meshgrid(np.arange(columns), np.arange(rows)[::-1])  # the top row first
        points = np.stack([x, y, np.zeros_like(x), np.ones_like(x)], -1) @ to_ras.T
        ijk = points @ np.linalg.inv(self.chest.volume.geometry.ijk_to_ras).T
        at = [ijk[..., axis] for axis in (2, 1, 0)]
        inside = np.ones(x.shape, bool)
        for place, length in zip(at, self.chest.volume.array.shape, strict=True):
            inside &= (place > 0) & (place < length - 1)
        hu = map_coordinates(self.chest.volume.array.astype(float), at, order=1)
        low, high = LUNG_WINDOW_HU
        grey = 255 * np.clip((hu - low) / (high - low), 0, 1)
        probability = map_coordinates(self.result.probability, at, order=0)
        colour = 255 * jet_colors()[np.rint(255 * probability).astype(int)]
        opacity = np.where(probability >= 0.25, 0.5, 0.0)[..., None]
        picture = grey[..., None] * (1 - opacity) + colour * opacity
        fractions = [np.abs(place - np.floor(place) - 0.5) for place in at]
        certain = inside & np.all([fraction > 0.06 for fraction in fractions], axis=0)
        # Annotations, rulers and the legend are at the borders.
        border = np.zeros(x.shape, bool)
        border[rows // 8 : -rows // 8, columns // 8 : -columns // 6] = True
        return picture, certain & border

    def compare(self, name: str) -> None:
        self.process_events(0.2)
        picture, certain = self.expected(name)
        pixels = self.slice_pixels(name).astype(float)
        self.assertEqual(pixels.shape, picture.shape, "The screen scales the views")
        self.assertGreater(certain.mean(), 0.02)
        off = np.abs(pixels - picture).max(axis=-1)[certain]
        self.assertLess((off > TOLERANCE).mean(), 0.03, f"{name}: {np.percentile(off, 95):.0f}")

    def overlay_is_there(self, name: str) -> bool:
        picture, certain = self.expected(name)
        spread = picture.max(axis=-1) - picture.min(axis=-1)
        return bool((spread[certain] > 40).sum() > 20)

    def go_to_the_lesions(self) -> None:
        """All three views through the middle of the largest lesion."""
        k, j, i = np.nonzero(self.result.lesions)
        most = np.bincount(k).argmax()
        middle = [np.median(i[k == most]), np.median(j[k == most]), most, 1]
        ras = self.chest.volume.geometry.ijk_to_ras @ middle
        for name in ("Red", "Yellow", "Green"):
            node = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode()
            node.JumpSliceByCentering(*ras[:3])
        self.process_events(0.3)

    def test_slice_views_show_the_ct_and_the_probability_where_they_are(self) -> None:
        self.show(known_results.phantom(size=(96, 96, 24), spacing=(3.4, 3.4, 10.0)))
        self.go_to_the_lesions()
        for name in ("Red", "Yellow", "Green"):
            self.assertTrue(self.overlay_is_there(name), name)
            self.compare(name)

    def test_an_oblique_and_flipped_ct_is_shown_where_it_is(self) -> None:
        self.show(rotated(known_results.phantom(size=(96, 96, 24), spacing=(3.4, 3.4, 10.0))))
        self.go_to_the_lesions()
        for name in ("Red", "Yellow", "Green"):
            self.compare(name)

    def test_go_to_slice_shows_that_slice_of_an_oblique_ct(self) -> None:
        from COVIDLesionSegLib.panel import views
        from COVIDLesionSegLib.scene.slice_views import slice_seen

        self.show(rotated(known_results.phantom(size=(96, 96, 24), spacing=(3.4, 3.4, 10.0))))
        for index in (3, 20, 11):
            views.go_to_slice(self.ct, index)
            self.assertEqual(slice_seen(self.ct), index)
            self.compare("Red")

    def test_the_surfaces_are_drawn_where_the_lungs_are(self) -> None:
        self.show(known_results.phantom(size=(96, 96, 24), spacing=(3.4, 3.4, 10.0)))
        self.ui.lungsOpacitySlider.value = 1.0
        self.process_events(0.5)
        with_lungs = self.three_d_pixels().astype(int)
        self.ui.threeDComboBox.setCurrentIndex(2)
        self.process_events(0.5)
        without = self.three_d_pixels().astype(int)
        drawn = np.abs(with_lungs - without).max(axis=-1) > 15
        expected = self.silhouette(self.result.lungs > 0, drawn.shape)
        overlap = (drawn & expected).sum() / (drawn | expected).sum()
        self.assertGreater(overlap, 0.85)

    def silhouette(self, mask: Any, shape: tuple[int, int]) -> Any:
        """Pixels of the 3D view on which a mask's voxels lie, gaps between them closed."""
        from scipy import ndimage

        k, j, i = np.nonzero(mask)
        fine = [
            np.stack([i + a, j + b, k + c, np.ones(len(i))], -1)
            for a in (-0.25, 0.25)
            for b in (-0.25, 0.25)
            for c in (-0.4, 0.0, 0.4)
        ]
        ras = np.concatenate(fine) @ self.chest.volume.geometry.ijk_to_ras.T
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()
        renderer = view.renderWindow().GetRenderers().GetFirstRenderer()
        camera = renderer.GetActiveCamera()
        matrix = camera.GetCompositeProjectionTransformMatrix(
            renderer.GetTiledAspectRatio(), 0.0, 1.0
        )
        clip = ras @ slicer.util.arrayFromVTKMatrix(matrix).T
        x, y = clip[:, 0] / clip[:, 3], clip[:, 1] / clip[:, 3]
        rows, columns = shape
        column = np.clip((x + 1) / 2 * columns, 0, columns - 1).astype(int)
        row = np.clip((1 - y) / 2 * rows, 0, rows - 1).astype(int)
        picture = np.zeros(shape, bool)
        picture[row, column] = True
        return ndimage.binary_closing(np.pad(picture, 8), iterations=6)[8:-8, 8:-8]
