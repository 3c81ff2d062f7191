"""A model, or an ensemble, whose predictions are scored."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from ..data.labelled import LabelledImage
from ..data.splits import learned_patients
from ..errors import ParameterError
from ..flags import Flag
from ..inference.ensemble import LabelledSlices, decide
from ..inference.predictor import Predictor
from ..inference.provenance import describe_model
from ..inference.small_lesions import remove_small_lesions
from ..inference.volume_prediction import predict_volume
from ..models.card import ModelCard
from ..models.catalogue import Catalogue, Ensemble
from ..models.preprocessing import Preprocessing
from ..models.weights import load_network
from ..parameters import Parameters
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress


class EvaluatedModel:
    """One of the models that are compared.

    Args:
        members: Card and network of the model, or of each member of an ensemble.
        parameters: Device, precision, tiling, threshold and combination.
        held_out: Predict every patient only by the members that were not trained on them, as to
            evaluate the members of a cross-validation.
        ensemble: The ensemble of the catalogue that the members are.

    Raises:
        ParameterError: A card does not record its training patients, so that no patient is known to
            be held out.

    Attributes:
        cards: Cards of the members.
        parameters: As given.
        flags: Resampling and steps down so far, each once.
    """

    def __init__(
        self,
        members: list[tuple[ModelCard, nn.Module]],
        parameters: Parameters,
        held_out: bool = False,
        ensemble: Ensemble | None = None,
    ):
        self.cards = tuple(card for card, _ in members)
        if held_out and (unknown := [card.id for card in self.cards if card.learned_from is None]):
            raise ParameterError(
                f"The card of model {unknown[0]} does not record whom it learned from, so no "
                "patient is known to be held out: leave the model out, or evaluate it on all "
                "patients."
            )
        self.parameters = parameters
        self._held_out = held_out
        self._ensemble = ensemble
        self._members = members
        self._pixel_mm: tuple[float, float] | None = None
        self._ready: list[Predictor] | None = None
        self._voted = False
        self.flags: list[Flag] = []

    @property
    def name(self) -> str:
        """The ensemble's id, or those of the members, joined by ``+``."""
        if self._ensemble:
            return self._ensemble.id
        return "+".join(card.id for card in self.cards)

    @property
    def title(self) -> str:
        """The ensemble's title, or those of the members, each once, with how many have it."""
        if self._ensemble:
            return self._ensemble.title
        counts = Counter(card.title for card in self.cards)
        return " + ".join(f"{n} x {title}" if n > 1 else title for title, n in counts.items())

    def own_protocol(self, lungs: str | None) -> str:
        """What a protocol must add for this model; ``lungs``: where its lungs come from."""
        parts = []
        if any(card.preprocessing.lung_mask for card in self.cards):
            parts.append(f"; the network sees the lungs ({lungs}) only")
        if len(self.cards) > 1:
            parts.append(f"; ensemble by {self.parameters.combination}")
        if self._held_out:
            parts.append("; each patient by the members that never learned from them")
        if self.cards[0].task == "lungs":
            parts.append("; lungs in place of lesions")
        if len(self.cards[0].classes) > 1:
            parts.append("; all classes taken together")
        if any(network.plan.bfloat16 for network in self._ready or ()):
            parts.append("; bfloat16")
        return "".join(parts)

    @property
    def decides_by_probability(self) -> bool:
        """Whether lesion is where the probability exceeds the threshold, of all predictions so far.

        Not where members voted, or classes were decided one by one: see
        :func:`~..inference.ensemble.decide`.
        """
        if self.parameters.combination == "mean-by-class":
            return len(self.cards[0].classes) == 1
        return not self._voted

    def describe(self) -> dict[str, Any]:
        """Networks, weights and device of the members, for provenance; after the first sample."""
        return {
            card.id: describe_model(card, predictor.plan)
            for card, predictor in zip(self.cards, self._ready or (), strict=False)
        }

    def learned_from(self, *patients: str) -> bool | None:
        """Whether a member that predicts these was trained on one of them; None if unknown."""
        if self._held_out:
            return False
        records = [card.learned_from for card in self.cards]
        if any(
            learned_patients(record) & set(patients) for record in records if record is not None
        ):
            return True
        return None if None in records else False

    def predict(
        self,
        sample: LabelledImage,
        lung_mask: bool,
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> LabelledSlices:
        """Probability and labels of a slice or CT, (z, y, x) of both.

        With ``lung_mask`` a CT is predicted just as by the main job. Otherwise networks see whole
        slices, and without a lung mask what they find outside the lungs stays.

        Raises:
            ParameterError: The lungs are needed, but not known; or every member was trained on a
                patient that is to be held out.
            DeviceError: Out of memory, with no smaller step left.
            Cancelled: The token was set.
        """
        cancel = cancel or CancelToken()
        sample = sample.as_stack()
        networks = self._held_out_networks(sample)
        self._voted |= len(networks) > 1 and self.parameters.combination == "majority-vote"
        if sample.lungs is None and (lung_mask or any(network.needs_lungs for network in networks)):
            raise ParameterError(
                f"Model {self.name} needs the lungs, but the data have none: add a folder lung/ "
                "with their masks, or choose another model."
            )
        if lung_mask and sample.spacing_mm is not None:
            decision = predict_volume(
                sample.image,
                sample.known_lungs(),
                sample.spacing_mm[1:],
                networks,
                self.parameters.threshold,
                self.parameters.combination,
                progress,
                cancel,
            )
            voxel_ml = float(np.prod(sample.spacing_mm)) / 1000
            remove_small_lesions(decision.labels, self.parameters.smallest_lesion_ml, voxel_ml)
        else:
            decision = self._predict_whole_slices(sample, networks, progress, cancel)
            if lung_mask:
                inside = sample.known_lungs() > 0
                decision = LabelledSlices(
                    decision.probability * inside, decision.labels * inside, None
                )
        flags = [*self.flags, *(flag for network in networks for flag in network.flags)]
        self.flags = list(dict.fromkeys(flags))
        return decision

    def _predict_whole_slices(
        self,
        sample: LabelledImage,
        networks: list[Predictor],
        progress: ProgressCallback,
        cancel: CancelToken,
    ) -> LabelledSlices:
        count, rows, columns = sample.image.shape
        probability = np.empty(sample.image.shape, dtype=np.float32)
        labels = np.empty(sample.image.shape, dtype=np.uint8)
        step = min(network.slices_at_once((rows, columns)) for network in networks)
        for start in range(0, count, step):
            cancel.raise_if_cancelled()
            part = slice(start, start + step)
            predicted = [
                network.probabilities(
                    _unit(sample, part, network.preprocessing),
                    sample.known_lungs()[part] if network.needs_lungs else None,
                )
                for network in networks
            ]
            decision = decide(predicted, self.parameters.threshold, self.parameters.combination)
            probability[part], labels[part] = decision.probability, decision.labels
            progress(Progress("Finding lesions", min(start + step, count) / count))
        return LabelledSlices(probability, labels, None)

    def _held_out_networks(self, sample: LabelledImage) -> list[Predictor]:
        networks = self._networks(sample.spacing_mm)
        if not self._held_out:
            return networks
        shown = {sample.patient, *sample.patients}
        held_out = [
            network
            for card, network in zip(self.cards, networks, strict=True)
            if learned_patients(card.learned_from or ()).isdisjoint(shown)
        ]
        if not held_out:
            raise ParameterError(
                f"Every member of {self.name} learned from {sample.patient}: add the member that "
                "did not, or evaluate other patients."
            )
        return held_out

    def _networks(self, spacing_mm: tuple[float, float, float] | None) -> list[Predictor]:
        """The networks, set up for the sample's pixels; pixels of unknown size stay as they are."""
        pixel_mm = None if spacing_mm is None else spacing_mm[1:]
        if self._ready is None or pixel_mm != self._pixel_mm:
            self._pixel_mm = pixel_mm
            self._ready = [
                Predictor.of_model(
                    card,
                    network,
                    self.parameters,
                    pixel_mm or (card.preprocessing.resample_mm,) * 2,
                )
                for card, network in self._members
            ]
        return self._ready


def _unit(sample: LabelledImage, part: slice, preprocessing: Preprocessing) -> np.ndarray:
    """Some slices of a stack, windowed for a network: float32 in 0..1."""
    image = sample.image[part]
    return image if sample.windowed else preprocessing.to_unit(image)


def load_evaluated_models(
    names: list[str],
    parameters: Parameters,
    catalogue: Catalogue,
    cancel: CancelToken,
    held_out: bool = False,
    of_lungs: bool = False,
) -> list[EvaluatedModel]:
    """Load the models to compare; a name with ``+`` is that of an ensemble, given by its members.

    A network that several of them share is loaded once. With ``of_lungs`` they find lungs.

    Raises:
        ParameterError: A name is no model's, or is given twice; or as for :class:`EvaluatedModel`.
        ModelError: A model is unknown, has no trained weights, or cannot be loaded.
    """
    if len(set(names)) < len(names):
        raise ParameterError("A model is given twice: name each once.")
    networks: dict[str, nn.Module] = {}
    evaluated = []
    for name in names:
        own = replace(parameters, model=name)
        if of_lungs:
            models = tuple(catalogue.get(id_) for id_ in catalogue.expand(own.members))
        else:
            models = catalogue.members(own.members)
        for model in models:
            cancel.raise_if_cancelled()
            if model.id not in networks:
                networks[model.id] = load_network(model)
        members = [(model.card, networks[model.id]) for model in models]
        evaluated.append(EvaluatedModel(members, own, held_out, catalogue.ensemble(name)))
    return evaluated
