"""Results: the severity category large, then flags, lungs and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.flags import UNTRAINED_MARK, Flag, flagged_slices, is_untrained
from ...engine.severity.report import SeverityReport
from ...engine.text import percent
from ...scene.slice_views import slice_seen
from .. import views
from ..choices import SeverityRule
from ..region_names import region_text
from ..results.changed_ct import ChangedCt
from ..results.clean_copy import CleanCopy
from ..results.flag_list import FlagList
from ..results.lesion_list import LesionList
from ..results.lobe_table import LobeTable
from ..results.severity_tables import column_title, region_rows, rule_rows, with_earlier
from ..results.slice_chart import SliceChart
from ..section import Panel, Section
from ..shortcuts import NEXT_FLAGGED, PREVIOUS_FLAGGED, with_shortcut
from ..widgets import fill_table, fit_rows, signals_blocked

if TYPE_CHECKING:
    from ..parameter_node import COVIDLesionSegParameterNode

# Background and text colour by category, light to dark with severity, each pair with a contrast of
# at least 4.5:1 (WCAG AA). The category is always written too: colour is never the only sign.
CATEGORY_COLORS = {
    "CT-0": ("#1b7837", "#ffffff"),
    "CT-1": ("#d9ef8b", "#1a1a1a"),
    "CT-2": ("#fee08b", "#1a1a1a"),
    "CT-3": ("#f46d43", "#1a1a1a"),
    "CT-4": ("#a50026", "#ffffff"),
}
UNDEFINED_COLORS = ("#6b6b6b", "#ffffff")
UNTRAINED_COLORS = ("#b00020", "#ffffff")


class ResultsSection(Section):
    """Shows the severity of the case, and whether the user corrected it since."""

    UI_FILE = "Results"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self._rule = SeverityRule.WORSE_LUNG
        panel.corrections.on_change(self._show_corrected)
        self._flag_list = FlagList(ui.flagsList, self._go_to_slice)
        self._changed_ct = ChangedCt(panel, ui.changedCtLabel)
        self.clean_copy = CleanCopy(ui.cleanCopyButton, panel)
        self._chart = SliceChart(self._go_to_slice, self._press_chart_button)
        self._lobes = LobeTable(panel, ui)
        self._lesions = LesionList(panel, ui, self._chart.show)
        for table in (ui.regionsTable, ui.rulesTable):
            fit_rows(table)
        register = panel.shortcuts.register
        self._next = register(NEXT_FLAGGED, _("Next flagged slice"), self._on_next_flagged)
        self._previous = register(
            PREVIOUS_FLAGGED, _("Previous flagged slice"), self._on_previous_flagged
        )
        ui.nextFlaggedButton.connect("clicked()", self._on_next_flagged)
        ui.previousFlaggedButton.connect("clicked()", self._on_previous_flagged)
        ui.chartButton.connect("toggled(bool)", self._on_chart_toggled)

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        self._lobes.show_parameters(node)
        if node is not None and node.severityRule is not self._rule:
            self._rule = node.severityRule
            if self.panel.result is not None:
                self._show_headline(self.panel.result.severity, self.panel.result.flags)
                self._show_corrected()

    def show_result(self, in_views: bool, new: bool) -> None:
        result = self.panel.result
        if result is not None:
            self.show(result.severity, result.flags, result.original)
            self._show_corrected()
        self._changed_ct.show_case()
        self._show_chart_of_case()
        self._lobes.show_case()
        self._lesions.show_case()

    def nodes_changed(self) -> None:
        self._lobes.nodes_changed()
        self._lesions.nodes_changed()

    def models_changed(self) -> None:
        self._lesions.detector.models_changed()

    def scene_importing(self, node: COVIDLesionSegParameterNode) -> None:
        self._lobes.scene_importing(node)

    def scene_closing(self) -> None:
        self._changed_ct.stop()
        self._chart.hide()
        self._lesions.scene_closing()
        self._lobes.scene_closing()

    def palette_changed(self) -> None:
        self._changed_ct.palette_changed()
        self._lobes.palette_changed()

    def show_state(self) -> None:
        running = self.panel.is_segmenting(self.panel.ct)
        self.root.visible = not running and self.panel.result is not None

    def close(self) -> None:
        self._changed_ct.stop()
        self.clean_copy.run.stop_now()
        self._lesions.close()
        self._chart.forget()
        self._lobes.stop()

    def _show_corrected(self) -> None:
        """Say whether the figures are those of the run."""
        corrections, result = self.panel.corrections, self.panel.result
        flags = result is not None and bool(result.flags)
        self.ui.flagsOfRunLabel.visible = flags and bool(corrections.corrected)
        label = self.ui.correctedLabel
        measuring = corrections.pending and not corrections.looking
        label.visible = bool(measuring or corrections.problem or corrections.corrected)
        if corrections.problem:
            label.text = corrections.problem
        elif measuring:
            label.text = _("The segmentation was edited: measuring it again.")
        elif corrections.corrected and result is not None and result.original is not None:
            before = result.original.by_rule(self._rule.value)
            label.text = _("Corrected by the user. By the run: {category}, {ratio}.").format(
                category=before.category or _("n/a"), ratio=percent(before.ratio)
            )

    def show(
        self,
        severity: SeverityReport,
        flags: tuple[Flag, ...],
        original: SeverityReport | None = None,
    ) -> None:
        """Show one result; below each figure that a correction changed, that of the run."""
        self._show_headline(severity, flags)
        self._show_flags(flags)
        earlier, graded = original or severity, not is_untrained(flags)
        calibrated = earlier.confidence is not None
        fill_table(
            self.ui.regionsTable,
            ["", *(column_title(region_text(region.region)) for region in severity.regions)],
            with_earlier(
                region_rows(severity, graded, calibrated), region_rows(earlier, graded, calibrated)
            ),
            long_names=False,
        )
        fill_table(
            self.ui.rulesTable,
            [_("Rule"), _("Infected"), _("Category")],
            with_earlier(rule_rows(severity), rule_rows(earlier)),
        )

    def _show_headline(self, severity: SeverityReport, flags: tuple[Flag, ...]) -> None:
        """The category large, by the chosen rule."""
        rule = severity.by_rule(self._rule.value)
        category, beside = rule.category or _("n/a"), percent(rule.ratio)
        background, text = CATEGORY_COLORS.get(category, UNDEFINED_COLORS)
        if is_untrained(flags):
            category, beside = _("n/a"), UNTRAINED_MARK
            background, text = UNTRAINED_COLORS
        label = self.ui.severityLabel
        label.text = f"{category}   {beside}"
        label.styleSheet = (
            f"background-color: {background}; color: {text}; border-radius: 6px; padding: 8px;"
            " font-size: 22pt; font-weight: bold;"
        )
        label.accessibleDescription = rule.title

    # Quality flags and their slices

    def _show_flags(self, flags: tuple[Flag, ...]) -> None:
        self._flag_list.show(flags)
        any_slice = bool(flagged_slices(flags))
        why_not = _("No quality flag of this result names a slice.")
        for button, shortcut, does in (
            (
                self.ui.nextFlaggedButton,
                self._next,
                _("Show the next slice, towards the head, that a quality flag names."),
            ),
            (
                self.ui.previousFlaggedButton,
                self._previous,
                _("Show the next slice, towards the feet, that a quality flag names."),
            ),
        ):
            button.enabled = any_slice
            button.toolTip = with_shortcut(does, shortcut) if any_slice else why_not

    def _on_next_flagged(self) -> None:
        self._step_to_flagged(up=True)

    def _on_previous_flagged(self) -> None:
        self._step_to_flagged(up=False)

    def _step_to_flagged(self, up: bool) -> None:
        """From the slice that is seen to the next flagged one; past the last to the first."""
        if self.panel.ct is None or self.panel.result is None:
            return
        flagged = flagged_slices(self.panel.result.flags)
        if not flagged:
            return
        ordered = flagged if up else flagged[::-1]
        with slicer.util.tryWithErrorDisplay(_("The slice could not be shown.")):
            seen = slice_seen(self.panel.ct)
            beyond = [one for one in ordered if seen is None or (one > seen if up else one < seen)]
            views.go_to_slice(self.panel.ct, (beyond or ordered)[0])

    def _go_to_slice(self, index: int) -> None:
        with slicer.util.tryWithErrorDisplay(_("The slice could not be shown.")):
            if self.panel.ct is not None:
                views.go_to_slice(self.panel.ct, index)

    # The chart

    def _show_chart_of_case(self) -> None:
        """Where a chart is seen, it is that of the case; another CT's is never left there."""
        result = self.panel.result
        chart = result.chartNode if result is not None else None
        if self._chart.shown:
            self._chart.show(chart) if chart is not None else self._chart.hide()
        elif chart is not None:
            self._chart.take_over(chart)
        self.ui.chartButton.enabled = chart is not None
        self.ui.chartButton.toolTip = (
            _(
                "Show the infected part of the lungs slice by slice in a plot view. Click a point "
                "to see its slice."
            )
            if chart is not None
            else _("The chart or its table was deleted, or never made: run again to get a chart.")
        )
        self._press_chart_button()

    def _on_chart_toggled(self, visible: bool) -> None:
        result = self.panel.result
        if visible and result is not None and result.chartNode is not None:
            self._chart.show(result.chartNode)
        else:
            self._chart.hide()
        self._press_chart_button()

    def _press_chart_button(self) -> None:
        button = self.ui.chartButton
        with signals_blocked(button):
            button.checked = self._chart.shown
