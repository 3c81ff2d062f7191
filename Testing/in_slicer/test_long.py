"""Twenty runs in a row: neither nodes nor memory grow after the first."""

from __future__ import annotations

import gc
import unittest
from pathlib import Path

import case
import slicer

TIMEOUT_SECONDS = 3600
RUNS = 20
ALLOWED_GROWTH = 1.05


@unittest.skipUnless(Path("/proc/self/statm").exists(), "memory is read from /proc")
class LongTest(case.Case):
    def test_nodes_and_memory_stay_within_five_percent_of_the_first_runs(self) -> None:
        self.needs_packages()
        self.load_ct()
        nodes, memory = [], []
        for _ in range(RUNS):
            self.apply()
            self.assertEqual(self.ui.statusLabel.text, "Done.")
            self.process_events(0.5)
            gc.collect()
            nodes.append(slicer.mrmlScene.GetNumberOfNodes())
            memory.append(_resident_mb())
        print(f"Nodes: {nodes}\nMemory in MB: {memory}")
        self.assertLessEqual(nodes[-1], nodes[0] * ALLOWED_GROWTH)
        self.assertLessEqual(memory[-1], memory[0] * ALLOWED_GROWTH)


def _resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 >> 20
