"""What the panel shows or keeps, and an edit, in the words of tests."""

from __future__ import annotations


def stored(panel):
    from COVIDLesionSegLib.scene.review import read_review

    return read_review(panel.result.segmentationNode)


def edit(panel, bench, segment: str = "lesion") -> None:
    """Edits the result as in Segment Editor, and waits until the panel has measured it."""
    import slicer

    node, ct = panel.result.segmentationNode, panel.ct
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, ct).copy()
    array[1:3, 40:50, 40:50] ^= 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment, ct)
    bench.wait_until(lambda: not panel.corrections.pending, seconds=60)


def measured(panel) -> bool:
    return not panel.corrections.pending


def texts(table):
    return [
        [table.item(row, column).text() for column in range(table.columnCount)]
        for row in range(table.rowCount)
    ]
