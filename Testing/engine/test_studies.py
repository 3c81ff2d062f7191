"""The papers' comparisons: every row is a real training; scores are taken as its columns say."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import torch

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.evaluation.counts import SliceCount
from COVIDLesionSegLib.engine.losses import build_loss
from COVIDLesionSegLib.engine.metrics.overlap import Confusion
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.networks import build_network
from COVIDLesionSegLib.engine.studies import Column, read_study, study_names
from COVIDLesionSegLib.engine.studies.results import (
    FoldResult,
    RowResult,
    compare_with_paper,
    read_row,
    scores_of,
    write_row,
)
from COVIDLesionSegLib.engine.training.recipe_settings import choose_recipe

ROWS = [(name, row) for name in study_names() for row in read_study(name).rows if not row.not_run]


def recipe_of(row):
    card = load_catalogue().get(row.network).card
    return choose_recipe(card, recipe=row.recipe, settings=list(row.settings.items()))


@cache
def build(network, arguments):
    """Once for each network, as lungs and lesions have the same."""
    with torch.device("meta"):
        return build_network(network, json.loads(arguments))


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda one: getattr(one, "id", one))
def test_a_row_trains_a_real_network_with_a_real_loss(name, row):
    recipe = recipe_of(row)
    build(recipe.network, json.dumps(recipe.network_arguments))
    build_loss(recipe.loss, recipe.loss_arguments)
    assert recipe.epochs is not None  # so that trained epochs can be told beside the paper's


@pytest.mark.parametrize("name", study_names())
def test_rows_of_a_study_are_different_trainings_of_one_seed(name):
    study = read_study(name)
    rows = [row for row in study.rows if not row.not_run]
    assert len({row.id for row in study.rows}) == len(study.rows)
    recipes = [recipe_of(row) for row in rows]
    assert len({recipe.seed for recipe in recipes}) == 1
    assert len({str(recipe.to_dict()) for recipe in recipes}) == len(recipes)
    for row in study.rows:
        assert len(row.printed) == len(study.columns)
        for column, (figure, _) in zip(study.columns, row.printed, strict=True):
            assert figure is None or 0 < figure <= (100 if column.percent else 1)


def test_figures_are_the_papers():
    """Quoted: EAMC Tables 3 and 4, COVID-Rate Tables 2 and 4, thesis Table 12, cascade Table 6."""
    losses, dilation = read_study("eamc-losses"), read_study("eamc-dilation")
    assert losses.row("focal").printed == dilation.row("1-2-3-5").printed
    assert losses.row("focal").printed[3] == (0.9513, 0.096)
    assert losses.row("cross-entropy-dice").printed[3] == (None, None)  # not readable in our copy
    hybrid = read_study("covid-rate-losses").row("hybrid").printed
    assert hybrid == read_study("covid-rate-networks").row("covid-rate").printed
    assert [figure for figure, _ in hybrid] == [0.8036, 0.9968, 0.834, 0.0053]
    grid = read_study("drsegunet-grid").row("40-epochs-9.8e-6")
    assert [figure for figure, _ in grid.printed] == [0.98, 0.96, 0.94]
    best = read_study("cascade-networks").row("fpn-densenet201")
    assert best.printed == ((99.81, 0.19), (91.85, 0.76), (94.13, 0.62))


def test_the_terms_of_covid_rates_loss_alone_add_up_to_the_hybrid():
    study = read_study("covid-rate-losses")
    logits = torch.linspace(-2, 2, 16).reshape(1, 1, 4, 4)
    target = (torch.arange(16).reshape(1, 1, 4, 4) % 3 == 0).float()
    value = {}
    for row in study.rows:
        recipe = recipe_of(row)
        value[row.id] = build_loss(recipe.loss, recipe.loss_arguments)(logits, target)
    torch.testing.assert_close(value["hybrid"], value["cross-entropy"] + value["focal-tversky"])
    assert value["cross-entropy"] > 0 and value["focal-tversky"] > 0


def test_unknown_studies_and_rows_are_named_with_what_may_be_meant():
    with pytest.raises(ParameterError, match="did you mean eamc-losses"):
        read_study("eamc-loses")
    with pytest.raises(ParameterError, match="no row 'dilate'"):
        read_study("eamc-losses").row("dilate")
    with pytest.raises(ParameterError, match="not run: It learns from CTs without masks"):
        read_study("covid-rate-networks").row("enhanced")


def counted(tp, fp, fn):
    return SliceCount(Confusion(tp, fp, fn, 100 - tp - fp - fn), tp + fp > 0, None, None)


FOLDS = [[counted(10, 0, 0), counted(5, 5, 5), counted(0, 4, 0)], [counted(1, 1, 1)]]
"""Dice 1 and 0.5 beside a slice without lesion; and 0.5."""


def test_scores_are_taken_over_slices_folds_or_all_pixels():
    columns = [Column("Dice", "dice", over) for over in ("slices", "folds", "pooled")]
    scores = scores_of(columns, FOLDS)
    assert scores["dice over slices"] == pytest.approx((2 / 3, 0.288675), abs=1e-6)
    assert scores["dice over folds"] == pytest.approx((0.625, 0.176777), abs=1e-6)
    assert scores["dice"] == (pytest.approx(32 / (32 + 10 + 6)), None)


def test_a_score_without_an_infected_slice_is_undefined_not_zero():
    columns = [Column("Dice", "dice", over) for over in ("slices", "folds")]
    scores = scores_of(columns, [[counted(0, 4, 0)]])
    assert set(scores.values()) == {(None, None)}


def result(**values):
    return RowResult(
        **{
            "id": "focal",
            "asked": {"network": "amc-net"},
            "scores": {"dice over slices": (0.5, 0.1), "iou": (0.25, None)},
            "slices": 7,
            "folds": (FoldResult(("p1", "p2"), 20, 7.0),),
            "paper_epochs": 70,
            "parameters": 3,
            "stopped_early": False,
            "machine": "CPU",
            "software": {},
        }
        | values
    )


def test_a_figure_beside_ours_is_in_the_papers_unit():
    dice = Column("DSC", "dice", "slices", percent=True)
    beside = compare_with_paper(dice, (87.06, 12.9), result())
    assert (beside.ours, beside.spread) == (50.0, 10.0)
    assert beside.difference == pytest.approx(-37.06)
    assert compare_with_paper(dice, (None, None), result()).difference is None
    missing = compare_with_paper(dice, (87.06, None), None)
    assert missing.ours is None and missing.difference is None


def test_a_training_of_few_epochs_is_called_far_below_the_papers():
    short = result()
    assert short.far_below
    assert short.length == "trained 7 of the paper's 70 epochs (20 steps)"
    assert not result(folds=(FoldResult(("p1",), 200, 70.0),)).far_below
    early = result(stopped_early=True)
    assert not early.far_below and "stopped early" in early.length
    unknown = result(folds=(FoldResult(("p1",), 20, None),))
    assert not unknown.far_below and unknown.length == "trained 20 steps"


def test_a_row_survives_its_file_and_a_damaged_file_is_no_row(tmp_path: Path):
    write_row(result(), tmp_path)
    assert read_row(tmp_path) == result()
    (tmp_path / "row.json").write_text('{"id": "focal"', encoding="utf-8")
    assert read_row(tmp_path) is None and read_row(tmp_path / "absent") is None
