"""Does memory grow with the number of slices beyond what input and output themselves take?

``python -m benchmarks.memory SLICES DEVICE`` runs the whole job on a generated chest of that many
slices, in a process of its own, and prints its peak memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from COVIDLesionSegLib.engine.inference.allocator import tune_allocator
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.volume import Volume

from .child import peak_mib

_COUNTS = (148, 1000)
_GENERATED = 40
_CHEST_MM = 296.0
_MIB = 2**20


@dataclass(frozen=True)
class Growth:
    """Peak memory of the whole job on two volumes that differ in their slices only.

    Attributes:
        slices: Of the two.
        peak_mib: Of the whole process.
        array_mib: Input (int16), lungs, lesions (uint8 each) and probability (float32) together.
    """

    slices: tuple[int, int]
    peak_mib: tuple[float, float]
    array_mib: tuple[float, float]

    @property
    def beyond_arrays_mib(self) -> float:
        """By how much peak memory grew more than the arrays did."""
        peak, arrays = self.peak_mib, self.array_mib
        return (peak[1] - peak[0]) - (arrays[1] - arrays[0])


def memory_growth(device: str) -> Growth:
    """Measure both."""
    measured = []
    for count in _COUNTS:
        command = [sys.executable, "-m", "benchmarks.memory", str(count), device]
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
        measured.append(json.loads(finished.stdout.splitlines()[-1]))
    peaks, arrays = zip(*measured, strict=True)
    return Growth(_COUNTS, peaks, arrays)


def main(slices: str, device: str) -> None:
    """Run the whole job and print peak memory and the size of its arrays, in MiB."""
    tune_allocator()
    volume = _chest(int(slices))
    result = segment(volume, Parameters(device=device))
    arrays = (volume.array, result.lungs, result.lesions, result.probability)
    print(json.dumps([peak_mib(), sum(array.nbytes for array in arrays) / _MIB]))


def _chest(slices: int) -> Volume:
    """A generated chest of 512x400 pixels, its slices repeated.

    Another process generates it: what that takes is not the job's.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        few = other.submit(_few_slices).result()
    array = few.array[np.arange(slices) * _GENERATED // slices]
    spacing = (*few.geometry.spacing[:2], _CHEST_MM / slices)
    return Volume(array, replace(few.geometry, size=array.shape[::-1], spacing=spacing))


def _few_slices() -> Volume:
    spacing = (0.7, 0.7, _CHEST_MM / _GENERATED)
    return generate_chest_ct(size=(512, 400, _GENERATED), spacing=spacing).volume


if __name__ == "__main__":
    main(*sys.argv[1:])
