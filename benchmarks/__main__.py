"""``python -m benchmarks [CT] --out DIR``: every comparison in one run on one volume."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console

from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.user_models import default_model

from .command import time_command
from .inputs import GENERATED, prepare
from .memory import memory_growth
from .report import Measurement, write_report

_FAST = "unet-lite0,unet,attention-unet,msu-net,amc-net,r2unet,xception-unet,drsegunet"
_CEILING_SHAPES = ((32, 512), (64, 256), (128, 128), (256, 64))
_console = Console(stderr=True, highlight=False)


def benchmark(
    out: Annotated[Path, typer.Option("--out", help="Folder for table, plot and JSON.")],
    ct: Annotated[
        Path | None, typer.Argument(help="CT file or DICOM folder; a generated CT by default.")
    ] = None,
    models: Annotated[
        str, typer.Option(help="Model ids, separated by commas; 'all' for every lesion model.")
    ] = _FAST,
    slices: Annotated[int, typer.Option(min=1, help="Slices for the comparison of networks.")] = 12,
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of each case.")] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    memory: Annotated[
        bool, typer.Option(help="Compare peak memory on 148 and 1,000 slices, too.")
    ] = True,
) -> None:
    """Time this software beside the same networks called naively, and beside other packages."""
    if device == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter("PyTorch finds no NVIDIA GPU here.")
    out.mkdir(parents=True, exist_ok=True)
    chosen = _models(models)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _console.print("Reading the CT and finding its lungs ...")
        facts = prepare(ct, folder)

        def measure(
            case: str, label: str, tuned: bool, runs: int, warm_ups: int = 1, **arguments: Any
        ) -> Measurement:
            _console.print(f"{label} ...")
            options = {
                "case": case,
                "tuned": tuned,
                "warm_ups": warm_ups,
                "repeats": runs,
                "arguments": {"device": device, **arguments},
            }
            return Measurement(label=label, case=case, **_child(folder, options))

        results = [
            measure(
                "ceiling",
                f"ceiling {precision} {channels}x{size}x{size}",
                True,
                5 * repeats,
                precision=precision,
                channels=channels,
                size=size,
            )
            for precision in ("float32", "bfloat16")
            for channels, size in _CEILING_SHAPES
        ]
        for model in chosen:
            common = {"model": model, "slices": slices}
            results += [
                measure("naive", f"{model}, naive", False, repeats, **common),
                *(
                    measure(
                        "pipeline",
                        f"{model}, ours {precision}",
                        True,
                        repeats,
                        precision=precision,
                        **common,
                    )
                    for precision in ("float32", "bfloat16")
                ),
            ]
        results += [
            measure("basic-unet", "MONAI BasicUNet", False, repeats, slices=slices),
            # Minutes, beside which a first run that is slower is nothing.
            measure("lungmask", "lungmask's network, every slice", False, 1, warm_ups=0, slices=0),
        ]
        for model in dict.fromkeys((default_model(), "amc-net")):
            label = f"{model}, whole job"
            results.append(
                measure("whole-job", label, True, repeats, ct=str(ct or ""), model=model)
            )
            _console.print(f"{model}, from command to result ...")
            file = ct or folder / GENERATED
            results += time_command(file, model, device, facts.shape[0], repeats)
    growth = memory_growth(device) if memory else None
    write_report(results, facts, growth, _machine(), out)


def _models(names: str) -> list[str]:
    catalogue = load_catalogue()
    if names == "all":
        return [model.id for model in catalogue.models if model.card.task == "lesions"]
    return [model.id for name in names.split(",") for model in catalogue.members((name.strip(),))]


def _child(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.child", str(folder), json.dumps(options)]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        _console.print(f"  failed: {finished.stderr.strip().splitlines()[-1]}", style="red")
        return {}
    return json.loads(finished.stdout.splitlines()[-1])


def _machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        names = [line for line in information.read_text().splitlines() if "model name" in line]
        processor = names[0].partition(":")[2].strip() if names else processor
    return {
        "processor": processor,
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }


if __name__ == "__main__":
    typer.run(benchmark)
