"""A program that trains a tiny network without batch normalisation: FOLDER DEVICES [what else].

Lightning starts it again for the other processes. ``cancelled`` cancels at step 5, ``resumed`` goes
on, ``broken`` lets the loss become no number, and ``nodes`` is on one of two nodes.
"""

import sys
from pathlib import Path

from torch import nn

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.errors import CovidLesionSegError
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.training.trainer import fit

sys.path.insert(0, str(Path(__file__).parents[1]))
from engine.training_slices import TinyNetwork, labelled, tiny_recipe  # noqa: E402


class TwoConvolutions(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))


def trained(folder, devices, *how):
    """A loss whose sums run over the batch, and validation that decides."""
    networks._NETWORKS |= {"TwoConvolutions": TwoConvolutions, "TinyNetwork": TinyNetwork}
    recipe = tiny_recipe(
        network="TinyNetwork" if "broken" in how else "TwoConvolutions",
        loss="EamcFocalTverskyLoss",
        validation_steps=4,
        keep="best",
        learning_rate=1e30 if "broken" in how else 1e-2,
    )
    slices = [labelled("p1", seed=1, shape=(64, 64)), labelled("p2", False, seed=2, shape=(64, 64))]
    token = CancelToken()

    def report(progress):
        if "cancelled" in how and progress.message.startswith("step 5 "):
            token.cancel()

    return fit(
        recipe,
        slices,
        folder,
        token,
        validation=[labelled("p3", seed=3, shape=(48, 64))],
        devices=devices,
        nodes=2 if "nodes" in how else 1,
        resume="resumed" in how,
        progress=report,
    )


if __name__ == "__main__":
    try:
        trained(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
        print("Done.")
    except CovidLesionSegError as error:
        print(f"{type(error).__name__}: {error}")
