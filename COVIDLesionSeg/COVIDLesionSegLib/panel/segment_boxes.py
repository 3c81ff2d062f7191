"""Which segment of a segmentation is which structure: a box for each, and the choice as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from ..scene.segmentation import segment_ids
from .region_names import region_text
from .widgets import signals_blocked

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode


class SegmentBoxes:
    """A row for each structure, in which its segment is chosen; by its code unless one is.

    Args:
        names: Of the structures, as people read them.
        layout: Gets the rows.
        on_chosen: Hears the choice as JSON, segment id by name; "" where all are known by code.

    Attributes:
        boxes: By name.
    """

    def __init__(
        self, names: Iterable[str], layout: qt.QFormLayout, on_chosen: Callable[[str], None]
    ) -> None:
        self._on_chosen = on_chosen
        self.boxes = {name: self._add_row(name, layout) for name in names}

    def fill(
        self,
        node: vtkMRMLSegmentationNode,
        coded: Mapping[str, list[str]],
        chosen: Mapping[str, str],
    ) -> None:
        """Offer the segments of ``node``.

        Args:
            node: A segmentation.
            coded: Ids of the segments that are the structure by their code, by its name.
            chosen: Segment id by name, as the user chose; one that is not there chooses nothing.
        """
        segmentation = node.GetSegmentation()
        titles = {id_: segmentation.GetSegment(id_).GetName() for id_ in segment_ids(node)}
        for name, box in self.boxes.items():
            by_code = ", ".join(titles[id_] for id_ in coded.get(name, [])) or _("none")
            with signals_blocked(box):
                box.clear()
                box.addItem(_("By code: {segment}").format(segment=by_code), "")
                for id_, title in titles.items():
                    box.addItem(title, id_)
                box.currentIndex = max(0, box.findData(chosen.get(name, "")))

    def _add_row(self, name: str, layout: qt.QFormLayout) -> qt.QComboBox:
        box = qt.QComboBox()
        box.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        shown = region_text(name)
        box.accessibleName = shown
        box.toolTip = _("Segment that is the {name}.").format(name=shown)
        label = qt.QLabel(f"{shown}:")
        label.setBuddy(box)
        layout.addRow(label, box)
        box.connect("currentIndexChanged(int)", self._on_index_changed)
        return box

    def _on_index_changed(self, index: int) -> None:
        ids = {name: box.itemData(box.currentIndex) for name, box in self.boxes.items()}
        chosen = {name: id_ for name, id_ in ids.items() if id_}
        self._on_chosen(json.dumps(chosen) if chosen else "")


def read_choice(text: str) -> dict[str, str]:
    """Segment id by name; what is no such thing chooses nothing."""
    try:
        chosen = json.loads(text or "{}")
    except ValueError:
        return {}
    return chosen if isinstance(chosen, dict) else {}
