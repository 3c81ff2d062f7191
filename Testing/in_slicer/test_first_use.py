"""Before the first run: licence, packages, PyTorch, weights; the real dialogs, pressed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

import case
import slicer
import worker_python
from first_questions import forget_approvals, forget_torch_works

from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL

LICENCE = "CC-BY-NC-SA-4.0"
DEPENDENCIES = "COVIDLesionSegLib.panel.preparing.dependencies"


class FirstUseCase(case.Case):
    """Nothing was ever asked, installed or checked on this computer."""

    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        forget_approvals()
        forget_torch_works()
        self.load_ct()
        self.nodes = slicer.mrmlScene.GetNumberOfNodes()

    def approve_licence(self) -> None:
        from COVIDLesionSegLib.panel.preparing import licences

        licences.approve(LICENCE)

    def skip_check_of_torch(self) -> None:
        from COVIDLesionSegLib.panel.preparing import first_use

        first_use.remember_torch_works()

    def assert_refused(self, sentence: str) -> None:
        """Nothing runs, nothing was changed, and the panel says so."""
        self.assertFalse(self.busy)
        self.assertIn(sentence, self.ui.statusLabel.text)
        self.assertEqual(self.ui.applyButton.text, "Apply")
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), self.nodes)

    def wait_for_the_run(self) -> None:
        """The run itself has begun, and is cancelled."""
        from COVIDLesionSegLib.panel.running.run import RunState

        self.wait_until(
            lambda: self.panel.run.state is RunState.RUNNING or not self.busy,
            120,
            "The run did not begin",
        )
        self.assertIs(self.panel.run.state, RunState.RUNNING, self.ui.statusLabel.text)
        self.click(self.ui.applyButton)
        self.wait_until_idle()


class LicenceTest(FirstUseCase):
    def setUp(self) -> None:
        super().setUp()
        self.skip_check_of_torch()

    def test_declined_nothing_runs_and_the_question_comes_again(self) -> None:
        title = re.escape(load_catalogue().get(DEFAULT_MODEL).title)
        self.dialogs.answer(rf"{title}.*{LICENCE}", "Cancel")
        self.click(self.ui.applyButton)
        self.assert_refused("was not accepted")

        self.dialogs.answer(LICENCE, "Cancel")
        self.click(self.ui.applyButton)
        self.assertEqual(len(self.dialogs.seen), 2)

    def test_accepted_it_is_not_asked_again(self) -> None:
        self.dialogs.answer(LICENCE, "OK")
        for _ in range(2):
            self.click(self.ui.applyButton)
            self.wait_for_the_run()
        self.assertEqual(len(self.dialogs.seen), 1)


class PackagesTest(FirstUseCase):
    def setUp(self) -> None:
        super().setUp()
        self.approve_licence()
        self.skip_check_of_torch()
        from packaging.requirements import Requirement

        self.missing = [Requirement("torch>=2.6"), Requirement("monai>=1.4")]
        self.installed: list[str] = []
        for patch in (
            mock.patch(f"{DEPENDENCIES}.missing_requirements", lambda *_: list(self.missing)),
            mock.patch("slicer.packaging.pip_ensure", self._install_packages),
            mock.patch(f"{DEPENDENCIES}.installed_version", lambda name: "9"),
            mock.patch("COVIDLesionSegLib.panel.preparing.first_use._was_checked", lambda: True),
            mock.patch.dict(
                sys.modules, {"PyTorchUtils": types.SimpleNamespace(PyTorchUtilsLogic=self._torch)}
            ),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def _torch(self) -> types.SimpleNamespace:
        """The PyTorch extension."""

        def install(askConfirmation: bool, torchVersionRequirement: str) -> None:
            self.assertFalse(askConfirmation)
            self.installed.append(f"torch{torchVersionRequirement}")

        return types.SimpleNamespace(installTorch=install)

    def _install_packages(self, requirements: list, **options: object) -> None:
        self.installed += [str(one) for one in requirements]
        self.missing.clear()

    def test_declined_nothing_is_installed_and_nothing_runs(self) -> None:
        self.dialogs.answer(r"torch>=2\.6: 200 MB.*monai>=1\.4: 2 MB", "Cancel")
        self.click(self.ui.applyButton)

        self.assert_refused("try again to be asked again")
        self.assertEqual(self.installed, [])

    def test_accepted_they_are_installed_after_one_question_and_the_run_begins(self) -> None:
        self.dialogs.answer("Install them now", "OK")
        self.click(self.ui.applyButton)
        self.wait_for_the_run()

        self.assertEqual(self.installed, ["torch>=2.6", "monai>=1.4"])
        self.assertEqual(len(self.dialogs.seen), 1)

    def test_from_the_open_module_to_an_accepted_case_in_five_clicks_and_two_questions(
        self,
    ) -> None:
        """To open the module takes two more: the list of modules, and its name there."""
        from COVIDLesionSegLib.panel.review.saving import CONSENT_SETTING

        shutil.rmtree(os.environ["COVIDLESIONSEG_REVIEWS"], ignore_errors=True)
        forget_approvals()
        settings = slicer.app.userSettings()
        settings.remove(CONSENT_SETTING)
        self.addCleanup(settings.setValue, CONSENT_SETTING, "false")
        slicer.mrmlScene.Clear(False)
        self.process_events()
        self.dialogs.answer(rf"torch>=2\.6.*{LICENCE}.*accept these terms, and install", "OK")

        self.click(self.ui.sampleButton)  # 1
        self.wait_until(lambda: self.panel.ct is not None, case.RUN_SECONDS)
        self.click(self.ui.applyButton)  # 2, and 3 in the dialog
        self.wait_until(lambda: self.panel.result is not None, case.RUN_SECONDS)
        self.wait_until_idle()
        self.click(self.ui.acceptButton)  # 4
        self.click(self.ui.keepCasesButton)  # 5
        self.wait_until(lambda: self.ui.keptLabel.text.startswith("Saved at"), 120)
        self.assertTrue(self.ui.acceptButton.checked)
        self.assertEqual(len(self.dialogs.seen), 1)  # the other question is in the panel
        self.assertLessEqual(self.ui.reviewTable.rowCount, 12)
        self.assertIn("Not listed", self.ui.slicesLabel.text)


class WeightsTest(FirstUseCase):
    def setUp(self) -> None:
        super().setUp()
        self.approve_licence()
        self.skip_check_of_torch()
        from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
        card |= {"id": "mine", "title": "Mine"}
        card["weights"]["file"] = "mine.safetensors"
        (Path(folder.name) / "mine.json").write_text(json.dumps(card), "utf-8")
        patch = mock.patch.dict(os.environ, {"COVIDLESIONSEG_MODELS": folder.name})
        patch.start()
        self.addCleanup(self.panel.models_changed)
        self.addCleanup(patch.stop)

    def test_weights_that_are_absent_are_told_before_anything_runs(self) -> None:
        self.panel.models_changed()
        self.panel.parameter_node.model = "mine"
        self.click(self.ui.applyButton)

        self.assert_refused("The weights of Mine are not on this computer")


@unittest.skipIf(sys.platform == "win32", "A launcher of another Python is a shell script.")
class TorchTest(FirstUseCase):
    def setUp(self) -> None:
        super().setUp()
        self.approve_licence()
        patch = mock.patch(f"{DEPENDENCIES}.missing_requirements", lambda *_: [])
        patch.start()
        self.addCleanup(patch.stop)

    def break_torch(self) -> None:
        """Background processes end in a crash, as of a half-installed PyTorch."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        launcher = Path(folder.name) / worker_python.FILE_NAME
        launcher.write_text("#!/bin/sh\nkill -ABRT $$\n")
        launcher.chmod(0o755)
        path = os.pathsep.join([folder.name, os.environ["PATH"]])
        self.broken = mock.patch.dict(os.environ, {"PATH": path})
        self.broken.start()
        self.addCleanup(self.broken.stop)

    def test_a_working_torch_is_checked_once_and_the_window_stays_live(self) -> None:
        self.click(self.ui.applyButton)
        self.assertTrue(self.busy)
        self.assertIn("Checking PyTorch", self.ui.statusLabel.text)
        self.assertEqual(self.ui.progressBar.maximum, 0)
        self.wait_for_the_run()

        self.click(self.ui.applyButton)
        self.assertNotIn("Checking PyTorch", self.ui.statusLabel.text)
        self.wait_for_the_run()
        self.assertEqual(self.dialogs.seen, [])

    def test_a_torch_that_crashes_leaves_slicer_alone_and_a_repair_is_offered(self) -> None:
        self.break_torch()
        self.dialogs.answer(r"does not work.*Repair it now", "Cancel")
        self.click(self.ui.applyButton)
        self.wait_until_idle()

        self.assert_refused("does not work")

    def test_a_repair_goes_on_to_the_run(self) -> None:
        self.break_torch()
        self.dialogs.answer("Repair it now", "OK")
        with mock.patch(
            "COVIDLesionSegLib.panel.preparing.first_use.repair_torch", self.broken.stop
        ):
            self.click(self.ui.applyButton)
            self.wait_for_the_run()
        self.broken.start()  # so that it can be stopped once more
