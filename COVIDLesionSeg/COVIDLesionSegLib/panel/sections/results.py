"""Results: the severity category large, then flags, lungs and rules."""

from __future__ import annotations

import html

import qt
from slicer.i18n import tr as _

from ...engine.flags import UNTRAINED_MARK, Flag, is_untrained
from ...engine.severity.report import SeverityReport
from ...engine.text import millilitres, percent
from ..correction_watch import CorrectionWatch
from ..section import Panel, Section

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
        self._correction_watch = CorrectionWatch(self._on_corrected)
        for table in (ui.regionsTable, ui.rulesTable):
            table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
            table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)

    def show_result(self, in_views: bool, new: bool) -> None:
        result = self.panel.result
        self._correction_watch.watch(result.segmentationNode if result else None)
        if result is not None:
            self.show(result.severity, result.flags)

    def show_state(self) -> None:
        self.root.visible = not self.panel.busy and self.panel.result is not None

    def close(self) -> None:
        self._correction_watch.stop()

    def _on_corrected(self, corrected: bool) -> None:
        self.ui.correctedLabel.visible = corrected

    def show(self, severity: SeverityReport, flags: tuple[Flag, ...]) -> None:
        """Show one result."""
        if is_untrained(flags):
            self._show_headline(_("n/a"), UNTRAINED_MARK, UNTRAINED_COLORS, severity)
        else:
            category = severity.category or _("n/a")
            colors = CATEGORY_COLORS.get(category, UNDEFINED_COLORS)
            self._show_headline(category, percent(severity.ratio), colors, severity)
        self._show_flags(flags)
        regions = severity.regions
        # A single class is all lesions.
        classes = severity.classes if len(severity.classes) > 1 else ()
        _fill_table(
            self.ui.regionsTable,
            ["", *(region.region for region in regions)],
            [
                [_("Lung (ml)"), *(millilitres(one.lung_ml) for one in regions)],
                *(
                    [
                        _("{name} (ml)").format(name=name),
                        *(millilitres(one.lesion_class_ml.get(name)) for one in regions),
                    ]
                    for name in classes
                ),
                [_("Lesions (ml)"), *(millilitres(one.lesion_ml) for one in regions)],
                [_("Infected"), *(percent(one.ratio) for one in regions)],
            ],
        )
        _fill_table(
            self.ui.rulesTable,
            [_("Rule"), _("Infected"), _("Category")],
            [
                [rule.title, percent(rule.ratio), rule.category or _("n/a")]
                for rule in severity.rules
            ],
        )

    def _show_headline(
        self, category: str, beside: str, colors: tuple[str, str], severity: SeverityReport
    ) -> None:
        background, text = colors
        label = self.ui.severityLabel
        label.text = f"{category}   {beside}"
        label.styleSheet = (
            f"background-color: {background}; color: {text}; border-radius: 6px; padding: 8px;"
            " font-size: 22pt; font-weight: bold;"
        )
        label.accessibleDescription = severity.rules[0].title
        self.ui.severityRuleLabel.text = severity.rules[0].title

    def _show_flags(self, flags: tuple[Flag, ...]) -> None:
        signs = {"warning": "⚠", "note": "ℹ"}
        lines = [f"{signs.get(flag.level, '')} {html.escape(flag.message)}" for flag in flags]
        self.ui.flagsLabel.text = "<br>".join(lines)
        self.ui.flagsLabel.visible = bool(flags)


def _fill_table(table: qt.QTableWidget, header: list[str], rows: list[list[str]]) -> None:
    table.setColumnCount(len(header))
    table.setRowCount(len(rows))
    table.setHorizontalHeaderLabels(header)
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            if column:
                item.setTextAlignment(qt.Qt.AlignCenter)
            table.setItem(row, column, item)
