"""Generated chests of every kind; whether their lungs are right, or flagged where they are not."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.lobes import LOBES
from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.phantom import Opening, Variation, generate_chest_ct
from COVIDLesionSegLib.engine.phantom.variation import POSITIONS

SIDES = {1: "right", 2: "left"}
SPACING = (3.0, 3.0, 5.0)
SIZE = (112, 88, 56)
RIGHT_ENOUGH = 0.05
PLACES = (
    "lung-aerated-left-out",
    "lung-airways-included",
    "lung-gap",
    "lung-piece-apart",
    "lung-rim-dense",
    "lung-sides-unclear",
    "lung-soft-tissue",
    "lung-wall-apart",
    "lungs-asymmetric",
    "lungs-cut-off",
)
"""Codes of the flags that say in which slices a lung is wrong."""


def chest(variation=None, size=SIZE, seed=1, spacing=SPACING, **lesions):
    return generate_chest_ct(seed=seed, size=size, spacing=spacing, variation=variation, **lesions)


def extract(phantom):
    return get_extractor().extract(phantom.volume.axial, phantom.volume.axial_spacing)


def codes(found):
    return {flag.code for flag in found.flags}


def flags_on(found, side, codes=PLACES):
    """Flags with a place that are about this lung, or about both."""
    both = ("lung-sides-unclear", "lungs-cut-off")
    name = f"{SIDES[side]} lung"
    return [
        flag
        for flag in found.flags
        if flag.code in codes
        and (flag.code in both or name in flag.message.partition("volume of the")[0])
    ]


def is_missing(found, side):
    """Whether the flag says that there is no such lung."""
    missing = [flag.message for flag in found.flags if flag.code == "lung-missing"]
    return any(f"No {SIDES[side]} lung" in message for message in missing)


def relative_error(phantom, found, side):
    truth = np.count_nonzero(phantom.lungs == side)
    return np.count_nonzero(found.labels == side) / truth - 1 if truth else np.inf


def assert_right_or_flagged(phantom, found, enough=RIGHT_ENOUGH):
    """Each lung's volume is right to 5 %, or a flag on it names most of what is wrong."""
    for side in SIDES:
        truth = np.count_nonzero(phantom.lungs == side, axis=(1, 2))
        area = np.count_nonzero(found.labels == side, axis=(1, 2))
        if abs(area.sum() - truth.sum()) <= enough * truth.sum():
            continue
        if is_missing(found, side) and not area.any():
            continue
        if not truth.any() and flags_on(found, side, ("lungs-asymmetric",)):
            continue  # the whole lung is in question
        flags = flags_on(found, side)
        assert flags, (SIDES[side], area.sum() / truth.sum(), found.flags)
        named = np.isin(np.arange(len(area)), [index for flag in flags for index in flag.slices])
        wrong = np.abs(area - truth)
        assert wrong[named].sum() > 0.6 * wrong.sum(), (SIDES[side], flags)


@st.composite
def variations(draw):
    """An unusual wall, table, position, gas or field of view, and at most one disease."""
    openings = st.builds(
        Opening,
        side=st.sampled_from((1, 2)),
        height=st.floats(-30, 60),
        size=st.tuples(st.floats(2, 13), st.floats(5, 80)),
        hu=st.floats(-1000, -400),
    )
    depth = st.tuples(st.floats(0, 25), st.floats(0, 25))
    diseases = st.one_of(
        st.just({}),
        st.builds(lambda lobe: {"consolidated": (lobe,)}, st.sampled_from(LOBES)),
        st.builds(lambda mm: {"consolidated_rim": mm}, depth),
        st.builds(lambda mm: {"effusion": mm}, st.tuples(st.floats(0, 100), st.floats(0, 100))),
        st.builds(lambda side: {"removed": side}, st.sampled_from((1, 2))),
    )
    usually = st.sampled_from((False, False, True))
    return Variation(
        position=draw(st.sampled_from(tuple(POSITIONS))),
        wall=draw(st.floats(3, 30)) if draw(usually) else None,
        openings=(draw(openings),) if draw(usually) else (),
        table=draw(st.booleans()),
        stomach_gas=draw(st.floats(-1000, -820)),
        gas_level=draw(st.floats(-24, 40)),
        bowel_gas=draw(st.floats(-1000, -820)) if draw(usually) else None,
        field_of_view=draw(st.floats(220, 330)) if draw(usually) else None,
        padding=draw(st.sampled_from((-1024, -2000, -3024))),
        **draw(diseases),
    )


def sizes():
    """Voxels along (x, y, z): whole, or cropped tightly in the plane."""
    return st.tuples(st.integers(72, 130), st.integers(48, 112), st.sampled_from((56, 64)))
