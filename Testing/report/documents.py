"""Small made-up contents for every file that the report package writes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import nn

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.evaluation.examples import Example
from COVIDLesionSegLib.engine.evaluation.measures import MEASURES
from COVIDLesionSegLib.engine.evaluation.run import Evaluation
from COVIDLesionSegLib.engine.evaluation.scores import ModelScores, PatientScores
from COVIDLesionSegLib.engine.explain import BlockMaps, SliceExplanation
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.self_training.self_learning import Level, LevelSettings, SelfLearned
from COVIDLesionSegLib.engine.synthesis.synthesize import Synthesis, SyntheticSlice
from COVIDLesionSegLib.engine.training.cross_validation import Member


def explanation(title: str = "AMC-Net", gates: int = 4) -> SliceExplanation:
    """Slice 7 of 40, with three blocks."""
    rng = np.random.default_rng(0)
    shape = (60, 90)
    lungs = np.zeros(shape, np.uint8)
    lungs[10:50, 10:40], lungs[10:50, 50:80] = 1, 2
    model = load_catalogue().get("amc-net")
    maps = rng.random((4, *shape), np.float32)
    return SliceExplanation(
        model=replace(model, card=replace(model.card, title=title)),
        index=7,
        slice_count=40,
        position_mm=-123.5,
        pixel_mm=(4.0, 4.0),
        hu=np.where(lungs > 0, -850, 40).astype(np.float32),
        lungs=lungs,
        probability=np.where(lungs > 0, maps[0], 0),
        blocks=tuple(
            BlockMaps(f"block {n}, {title}"[:18], (16, 30, 45), maps[0], maps[1:], (0, 1, 2))
            for n in range(3)
        ),
        attention=tuple((f"gate {n + 1}", maps[0]) for n in range(gates)),
        flags=(),
    )


def synthesis(name: str = "sick_001") -> Synthesis:
    """Two slices."""
    lungs, lesion = np.zeros((2, 60, 90), bool)
    lungs[10:50, 10:80] = True
    lesion[20:30, 20:40] = True
    image = np.where(lungs, -850, 40).astype(np.float32)
    sick = LabelledImage(name, "sick", image, False, lesion, lungs)
    well = LabelledImage("well_001", "well", image, False, np.zeros_like(lesion), lungs)
    made = SyntheticSlice(replace(sick, name="synthetic_00001"), sick, well, 0.07)
    return Synthesis((made, made), wanted=2, infected=1, healthy=1, too_small=0)


def patient_scores(dice: float | None, learned_from: bool | None = False) -> PatientScores:
    values = {measure.key: 0.5 for measure in MEASURES} | {"dice": dice}
    return PatientScores(3, learned_from, windowed=False, values=values)


def evaluation(patient: str = "patient", model: str = "amc-net") -> Evaluation:
    """One model on one patient of its training set."""
    values = {measure.key: 0.5 for measure in MEASURES}
    scores = ModelScores(
        model=model,
        title=f"Title of {model}",
        protocol="whole slices",
        patients={patient: patient_scores(0.5, learned_from=True)},
        slices=3,
        pooled=values,
        intervals={measure.key: (0.4, 0.6) for measure in MEASURES},
        means=values,
        sds=values,
        seconds_per_slice=0.5,
        flags=(),
    )
    mask = np.eye(8, dtype=bool)
    image = np.full((8, 8), -800.0)
    return Evaluation(
        protocol="whole slices",
        unit="mm",
        slices={patient: 3},
        models=(scores,),
        examples=(Example("one", patient, "most lesion", image, False, mask, (mask,), 1.0),),
        provenance={"software": {"numpy": "2"}},
    )


def self_learned() -> SelfLearned:
    """Three levels, of which the second is the best."""
    levels = (Level(1, 0.5, 0), Level(2, 0.7, 1000), Level(3, 0.6, 1000))
    return SelfLearned(nn.Identity(), 2, LevelSettings(2, 1e-5, 20, ("stem",)), [], levels)


def members() -> list[Member]:
    """Two folds; the Dice of one patient is undefined."""
    return [
        Member(1, "m-1", {"a": patient_scores(0.5), "b": patient_scores(0.9)}),
        Member(2, "m-2", {"c": patient_scores(None)}),
    ]
