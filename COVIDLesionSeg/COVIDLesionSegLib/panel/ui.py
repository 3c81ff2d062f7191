"""The widgets of ``COVIDLesionSeg.ui`` by their names there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ctk
    import qt
    import slicer


class PanelUi(Protocol):
    """What ``slicer.util.childWidgetVariables`` gives for the ``.ui`` file."""

    inputsWidget: qt.QWidget
    ctSelector: slicer.qMRMLNodeComboBox
    modelComboBox: qt.QComboBox
    lungsComboBox: qt.QComboBox
    deviceComboBox: qt.QComboBox

    advancedCollapsibleButton: ctk.ctkCollapsibleButton
    thresholdSlider: ctk.ctkSliderWidget
    tilingComboBox: qt.QComboBox
    precisionComboBox: qt.QComboBox
    batchSizeSpinBox: qt.QSpinBox
    membersComboBox: ctk.ctkCheckableComboBox
    combinationComboBox: qt.QComboBox
    allowUntrainedCheckBox: qt.QCheckBox

    applyButton: qt.QPushButton
    progressBar: qt.QProgressBar
    statusLabel: qt.QLabel

    resultWidget: qt.QWidget
    severityLabel: qt.QLabel
    severityRuleLabel: qt.QLabel
    flagsLabel: qt.QLabel
    correctedLabel: qt.QLabel
    regionsTable: qt.QTableWidget
    overlayButton: qt.QPushButton
    surfacesButton: qt.QPushButton
    disagreementButton: qt.QPushButton
    volumeRenderingButton: qt.QPushButton
    undoButton: qt.QPushButton
    rulesCollapsibleButton: ctk.ctkCollapsibleButton
    rulesTable: qt.QTableWidget

    noticeLabel: qt.QLabel
