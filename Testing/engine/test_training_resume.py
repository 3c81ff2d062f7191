"""A training that was killed goes on as if nothing had happened, and never in a wrong folder."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from COVIDLesionSegLib.engine.errors import Cancelled, InputError, OutputError, TrainingError
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.training.checkpoints import LAST
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.training_slices import labelled, tiny_recipe

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny_network")]

SLICES = [labelled("p1", seed=1, shape=(64, 64)), labelled("p2", False, seed=2, shape=(64, 64))]
VALIDATION = [labelled("p3", seed=3, shape=(48, 64)), labelled("p3", False, seed=4, shape=(64, 64))]
# 33 patches are 8 batches: a second epoch begins at step 9. Validation at 4, 8 and 12, checkpoints
# at 3, 6, 9, 12 besides.
RECIPE = tiny_recipe(
    checkpoint_steps=3, validation_steps=4, plateau=1, plateau_factor=0.5, schedule="constant"
)


class Killed(Exception):
    """Stands for a process that ends without warning."""


def killed_after(step):
    """A progress callback that ends the training within its step ``step``."""

    def report(progress):
        if progress.message.startswith(f"step {step} "):
            raise Killed

    return report


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, tiny_network):
    folder = tmp_path_factory.mktemp("unbroken")
    return fit(RECIPE, SLICES, folder, validation=VALIDATION), folder


def same_weights(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.mark.parametrize("step", [1, 4, 5, 9, 10])
def test_a_training_killed_at_a_step_ends_with_the_weights_and_curve_of_an_unbroken_one(
    step, unbroken, tmp_path
):
    network, folder = unbroken
    with pytest.raises(Killed):
        fit(RECIPE, SLICES, tmp_path, validation=VALIDATION, progress=killed_after(step))
    resumed = fit(RECIPE, SLICES, tmp_path, validation=VALIDATION, resume=True)
    assert same_weights(resumed, network)
    assert (tmp_path / "metrics.csv").read_text() == (folder / "metrics.csv").read_text()


def test_a_finished_training_resumes_to_itself(unbroken):
    network, folder = unbroken
    curve = (folder / "metrics.csv").read_text()
    assert same_weights(fit(RECIPE, SLICES, folder, validation=VALIDATION, resume=True), network)
    assert (folder / "metrics.csv").read_text() == curve


def test_a_training_that_stopped_early_stops_again_when_resumed_and_keeps_its_best(tmp_path):
    # With a learning rate of nothing no validation is better than the first.
    recipe = replace(RECIPE, learning_rate=0.0, early_stop=1, plateau=None, keep="best")
    stopped = fit(recipe, SLICES, tmp_path, validation=VALIDATION)
    curve = (tmp_path / "metrics.csv").read_text()
    assert [row.split(",")[0] for row in curve.splitlines()[1:]] == ["4", "8"]
    resumed = fit(recipe, SLICES, tmp_path, validation=VALIDATION, resume=True)
    assert same_weights(stopped, resumed)
    assert (tmp_path / "metrics.csv").read_text() == curve


def test_workers_change_nothing(unbroken, tmp_path):
    network, _ = unbroken
    assert same_weights(fit(RECIPE, SLICES, tmp_path, validation=VALIDATION, workers=1), network)


@pytest.mark.parametrize("step", [2, 4, 11])
def test_a_cancelled_training_loses_no_step(step, unbroken, tmp_path):
    """Step 4 has a validation, and no step here is one of those with a checkpoint."""
    network, folder = unbroken
    token = CancelToken()

    def cancel(progress):
        if progress.message.startswith(f"step {step} "):
            token.cancel()

    with pytest.raises(Cancelled, match=f"after step {step}: training can resume"):
        fit(RECIPE, SLICES, tmp_path, token, validation=VALIDATION, progress=cancel)
    assert torch.load(tmp_path / LAST, weights_only=True)["global_step"] == step
    resumed = fit(RECIPE, SLICES, tmp_path, validation=VALIDATION, resume=True)
    assert same_weights(resumed, network)
    assert (tmp_path / "metrics.csv").read_text() == (folder / "metrics.csv").read_text()


def test_a_folder_that_holds_a_training_is_not_overwritten(unbroken):
    _, folder = unbroken
    before = (folder / LAST).read_bytes()
    with pytest.raises(OutputError, match="holds a training already"):
        fit(RECIPE, SLICES, folder, validation=VALIDATION)
    assert (folder / LAST).read_bytes() == before


@pytest.mark.parametrize(
    ("recipe", "slices", "validation", "message"),
    [
        (
            replace(RECIPE, learning_rate=0.5),
            SLICES,
            VALIDATION,
            "recipe.* differs in learning_rate",
        ),
        (RECIPE, SLICES[:1], VALIDATION, "other training slices"),
        (RECIPE, SLICES, VALIDATION[:1], "other validation slices"),
    ],
)
def test_a_folder_of_another_recipe_or_other_data_is_not_resumed(
    unbroken, recipe, slices, validation, message
):
    with pytest.raises(InputError, match=message):
        fit(recipe, slices, unbroken[1], validation=validation, resume=True)


def test_the_last_checkpoint_survives_a_full_disk(tmp_path, monkeypatch):
    """The disk is full from the second checkpoint on."""
    written = Path.write_bytes

    def fill_up(path, data):
        if path.suffix == ".ckpt" and (tmp_path / LAST).exists():
            path.touch()
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(path, data)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(OutputError, match="last.ckpt cannot be written: the disk at .* is full"):
        fit(RECIPE, SLICES, tmp_path, validation=VALIDATION)
    monkeypatch.undo()
    assert torch.load(tmp_path / LAST, weights_only=True)["global_step"] == 3
    assert not list(tmp_path.glob(".*"))


def test_a_loss_that_is_no_number_stops_training_and_leaves_the_last_good_checkpoint(tmp_path):
    recipe = replace(RECIPE, learning_rate=1e30, average_decay=0.0, checkpoint_steps=1)
    with pytest.raises(TrainingError, match=r"no(t a| longer) numbers? at step \d+, so training"):
        fit(recipe, SLICES, tmp_path, validation=VALIDATION)
    kept = torch.load(tmp_path / LAST, weights_only=True)
    assert all(tensor.isfinite().all() for tensor in kept["state_dict"].values())


def test_a_training_begins_with_the_weights_it_is_given_and_resumes_with_no_others(
    unbroken, tmp_path
):
    network, _ = unbroken
    still = replace(RECIPE, learning_rate=0.0)
    begun = fit(still, SLICES, tmp_path, validation=VALIDATION, start=network)
    # Averaging rounds; the statistics of batch norm are none of the optimiser's.
    for one, other in zip(begun.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    with pytest.raises(InputError, match="began with other weights"):
        fit(still, SLICES, tmp_path, validation=VALIDATION, resume=True)
