"""Run inside a second Slicer: reviews a case and edits it on and on, until somebody kills it.

Writes one line for every edit, its number and the time, into the file that EDITS_LOG names, right
after the edit.
"""

import os
import time

import qt
import slicer

CASE_SEED = 3
EDIT_EVERY_MS = 150
FIRST_EDIT_MS = 5000
"""After the result is on show: nobody edits what they have not looked at."""


def main() -> None:
    slicer.util.selectModule("COVIDLesionSeg")
    from known_results import known_result

    from COVIDLesionSegLib.engine.phantom import generate_chest_ct
    from COVIDLesionSegLib.scene.show import show_result
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel = slicer.util.getModuleWidget("COVIDLesionSeg")
    # Larger than elsewhere: the copy of a large CT takes its time.
    phantom = generate_chest_ct(seed=CASE_SEED, size=(320, 320, 80), spacing=(1.1, 1.1, 4.0))
    ct = volume_to_node(phantom.volume, "CT")
    panel.ui.ctSelector.setCurrentNode(ct)
    panel.show_result(
        ct, show_result(ct, known_result(phantom), surfaces=False), in_views=True, new=True
    )
    panel.ui.keepCheckBox.checked = True
    log = os.open(os.environ["EDITS_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    node = panel.result.segmentationNode
    number = 0

    def edit() -> None:
        nonlocal number
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", ct).copy()
        array[0, 0, : number + 1] = 1  # how many voxels are set tells the number of the edit
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "lesion", ct)
        os.write(log, f"{number} {time.time():.3f}\n".encode())
        number += 1

    timer = qt.QTimer()
    timer.setInterval(EDIT_EVERY_MS)
    timer.connect("timeout()", edit)
    qt.QTimer.singleShot(FIRST_EDIT_MS, timer.start)
    main.timer = timer  # kept alive


main()
