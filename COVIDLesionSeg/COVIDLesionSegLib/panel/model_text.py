"""What the panel says about a model: a line for the list, a page of details, and of its file."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..engine.errors import ModelError
from ..engine.models.catalogue import WeightsPlace
from ..engine.models.lineage import lineage_of
from ..engine.text import printable
from .region_names import region_text

if TYPE_CHECKING:
    from ..engine.models.card import ModelCard, Score
    from ..engine.models.catalogue import Catalogue, Model
    from ..engine.models.development_scores import DevelopmentScore
    from ..engine.models.listing import ListedModel
    from ..engine.models.scores import ScoreSummary
    from ..engine.models.speed import Speed

_DOI = re.compile(r"doi:(10\.\d{4,9}/[^\s,;]+)")


def short_line(listed: ListedModel) -> str:
    """State, classes, licence and paper of a model, the most important first."""
    parts = []
    if not listed.trained:
        parts.append(_("not trained"))
    elif not listed.weights_present:
        parts.append(_("weights not installed"))
    if len(listed.classes) > 1:
        parts.append(", ".join(map(region_text, listed.classes)))
    papers = (_DOI.sub("", paper).strip(" ,;") for paper in listed.papers)
    return printable(" · ".join([*parts, *listed.licences, *papers]))


def dice_text(dice: ScoreSummary | None) -> str:
    """Measured Dice, whether it is a mean, and the number of patients, for a narrow column."""
    if dice is None:
        return str(_("not\nmeasured"))
    text = _("{value}\nn = {patients}") if dice.pooled else _("mean {value}\nn = {patients}")
    return str(text).format(value=f"{dice.value:.2f}", patients=dice.patients)


def dice_sentence(dice: ScoreSummary | None) -> str:
    """Measured Dice with the data it was measured on."""
    if dice is None:
        return str(_("The Dice of this model was not measured."))
    if dice.pooled:
        return str(
            _(
                "Pooled Dice {value} on {data}: all {slices} slices of {patients} patients, "
                "from which no model that ships learned; {protocol}."
            )
        ).format(
            value=f"{dice.value:.3f}",
            data=printable(dice.data),
            slices=dice.slices,
            patients=dice.patients,
            protocol=printable(dice.protocol),
        )
    return str(
        _(
            "Dice {value}: mean over {patients} patients of {data}, weighted by their {slices} "
            "slices, which does not compare with pooled Dice; {protocol}."
        )
    ).format(
        value=f"{dice.value:.3f}",
        patients=dice.patients,
        data=printable(dice.data) or _("several sources"),
        slices=dice.slices,
        protocol=printable(dice.protocol),
    )


def seconds_text(speed: Speed | None, slices: int) -> str:
    """Expected time for a CT with so many slices; ``n/a`` until it was measured here."""
    if speed is None:
        return str(_("n/a"))
    seconds = speed.seconds_for(slices)
    if seconds < 90:
        return str(_("{seconds} s")).format(seconds=max(1, round(seconds)))
    return str(_("{minutes} min")).format(minutes=round(seconds / 60))


def speed_sentence(speed: Speed | None) -> str:
    """What was measured, on which device and when."""
    if speed is None:
        return str(_("Not measured on this computer yet: the first run does."))
    return str(_("{seconds} s for {slices} slices on {hardware}, measured here on {day}.")).format(
        seconds=f"{speed.seconds:.0f}",
        slices=speed.slices,
        hardware=printable(speed.hardware),
        day=printable(speed.measured),
    )


def details_html(listed: ListedModel, speed: Speed | None) -> str:
    """Everything that a user may ask about a model, as HTML."""
    rows = "".join(
        f"<tr><td><b>{html.escape(name)}</b>&nbsp;</td><td>{text}</td></tr>"
        for name, text in _details(listed, speed)
    )
    return f"<table>{rows}</table>"


def _details(listed: ListedModel, speed: Speed | None) -> Iterator[tuple[str, str]]:
    yield _("Model"), _escaped(f"{listed.title} ({listed.id})")
    if listed.is_ensemble:
        yield _("Members"), _escaped(", ".join(model.title for model in listed.models))
    for paper in listed.papers:
        yield _("Paper"), linked_paper(paper)
    yield _("Finds"), _escaped(", ".join(map(region_text, listed.classes)))
    for licence, note in listed.licences.items():
        yield _("Licence"), _escaped(f"{licence}. {note}")
    yield _("Training"), _escaped(_training(listed.models[0].card))
    yield _("Dice"), _escaped(dice_sentence(listed.dice))
    if listed.development:
        rows = (_escaped(_development(row)) for row in listed.development)
        yield _("Development sets"), "<br>".join(rows)
    yield _("Time"), _escaped(speed_sentence(speed))
    if listed.scores:
        yield _("Scores"), "<br>".join(_escaped(_score(score)) for score in listed.scores)
    for note in listed.notes:
        yield _("Note"), _escaped(note)


def _training(card: ModelCard) -> str:
    if card.weights is None:
        return str(
            _("Not trained. To run it all the same, check Run untrained networks under Advanced.")
        )
    patients = card.learned_from
    if not patients:
        return str(_("The training data are not recorded."))
    return str(_("{slices} slices of {patients} patients: {names}")).format(
        slices=sum(patients.values()), patients=len(patients), names=", ".join(patients)
    )


def _development(row: DevelopmentScore) -> str:
    if row.learned == "outside":
        learned = _("not learned from")
    else:
        learned = _("learned from: {which}").format(which=row.learned)
    return str(
        _(
            "{data}: pooled Dice {pooled}, median patient {median} ({patients} patients, {slices} "
            "slices; {learned})"
        )
    ).format(
        data=row.data,
        pooled=f"{row.pooled_dice:.3f}",
        median=f"{row.median_dice:.3f}",
        patients=row.patients,
        slices=row.slices,
        learned=learned,
    )


def _score(score: Score) -> str:
    return str(_("{metric} {value} on {data}; {protocol}")).format(
        metric=score.metric,
        value=f"{score.value:.3f}",
        data=score.data,
        protocol=score.protocol,
    )


def linked_paper(paper: str) -> str:
    """A citation whose DOI is a link."""
    return _DOI.sub(r'<a href="https://doi.org/\1">doi:\1</a>', _escaped(paper))


def _escaped(text: str) -> str:
    return html.escape(printable(text))


def place_text(place: WeightsPlace) -> str:
    """Where the weights are, in one word."""
    words: dict[WeightsPlace, str] = {
        WeightsPlace.PACKAGED: _("packaged"),
        WeightsPlace.OWN: _("yours"),
        WeightsPlace.DOWNLOADED: _("downloaded"),
        WeightsPlace.MISSING: _("missing"),
        WeightsPlace.NOT_TRAINED: _("not trained"),
    }
    return words[place]


def stored_model_html(catalogue: Catalogue, model: Model) -> str:
    """Id, checksum, licence, address and lineage, as HTML."""
    weights = model.card.trained_weights
    lines = [
        (_("Id"), model.id),
        (_("SHA-256"), weights.sha256),
        (_("Licence"), f"{weights.licence}. {weights.licence_note}"),
    ]
    if weights.url:
        lines.append((_("Address"), weights.url))
    lines += [(_("Lineage"), line) for line in _lineage(catalogue, model)]
    return "<br>".join(
        f"<b>{html.escape(name)}</b> {html.escape(printable(text))}" for name, text in lines
    )


def _lineage(catalogue: Catalogue, model: Model) -> list[str]:
    try:
        line = lineage_of(catalogue, model.id)
    except ModelError as error:
        return [str(error)]
    return [f"{one.id}: {'; '.join(one.facts())}" if one.facts() else one.id for one in line]
