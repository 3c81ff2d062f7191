"""Slicer's extensions, of which some are installed."""

from __future__ import annotations


class PyTorchExtension:
    """Stands for the PyTorch extension: notes what it is asked to do."""

    def __init__(self, install=lambda: None) -> None:
        self.asked: list[tuple] = []
        self._install = install

    def __call__(self) -> PyTorchExtension:
        """Stands for ``PyTorchUtilsLogic()``."""
        return self

    def installTorch(self, askConfirmation=False, torchVersionRequirement=None):
        self.asked.append(("install", askConfirmation, torchVersionRequirement))
        self._install()

    def uninstallTorch(self) -> None:
        self.asked.append(("uninstall",))
