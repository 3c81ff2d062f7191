"""Options of the commands that segment, one for each field of ``Parameters``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..engine.errors import ParameterError
from ..engine.parameters import COMBINATIONS, DEVICES, LUNG_METHODS, PRECISIONS, TILINGS, Parameters

Combination = Literal[COMBINATIONS]
Device = Literal[DEVICES]
Precision = Literal[PRECISIONS]
Tiling = Literal[TILINGS]

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Model id, or several joined by +, which vote: amc-net+unet; eamc is five that do. By "
        "default the promoted one, or amc-net. [bold]covid-lesion-seg models[/bold] lists them.",
    ),
]
CombinationOption = Annotated[
    Combination,
    typer.Option(
        "--combination",
        help="How an ensemble decides: by majority, a tie by the mean probability; or by the mean.",
    ),
]
LungsOption = Annotated[
    str,
    typer.Option(
        "--lungs",
        help=f"How the lungs are found: {', '.join(LUNG_METHODS)}, or the id of a model for lungs.",
    ),
]
DeviceOption = Annotated[
    Device, typer.Option("--device", help="auto takes the first of cuda, mps, cpu that works.")
]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="auto takes bfloat16 where it costs no accuracy.")
]
TilingOption = Annotated[
    Tiling, typer.Option("--tiling", help="How slices are cut into patches for the network.")
]
ThresholdOption = Annotated[
    float, typer.Option("--threshold", help="Probability above which a voxel is lesion, 0 to 1.")
]
BatchSizeOption = Annotated[
    int, typer.Option("--batch-size", min=0, help="Patches at a time; 0 chooses for the device.")
]

AllowUntrainedOption = Annotated[
    bool,
    typer.Option(
        "--allow-untrained",
        help="Run networks without trained weights with random ones; what they find means nothing.",
    ),
]

OutOption = Annotated[
    Path, typer.Option("--out", "-o", help="Result folder; an earlier result is replaced.")
]
JsonProgressOption = Annotated[
    bool,
    typer.Option("--json-progress", help="Progress as JSON lines on standard output."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def parameters_from(**values: Any) -> Parameters:
    """The parameters that options name; what is None keeps its default.

    Raises:
        typer.BadParameter: A value is out of range, which is wrong usage.
    """
    try:
        return Parameters(**{name: value for name, value in values.items() if value is not None})
    except ParameterError as error:
        raise typer.BadParameter(str(error)) from error
