"""A CT from Slicer's DICOM database: where results go, what they say, and how they leave."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import case
import dicom_series
import slicer

CLEAN_COPY_SECONDS = 120


class DicomTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        from DICOMLib import DICOMUtils

        self.folder = Path(tempfile.mkdtemp())
        files = self.folder / "files"
        files.mkdir()
        phantom = case.phantom(**case.SMALL)
        series, self.identifiers = dicom_series.write_series(phantom.volume, files)
        self.previous = DICOMUtils.openTemporaryDatabase(str(self.folder / "database"))
        self.addCleanup(DICOMUtils.closeTemporaryDatabase, self.previous)
        DICOMUtils.importDicom(str(files), slicer.dicomDatabase)
        with self.logging_expected():
            (node_id,) = DICOMUtils.loadSeriesByUID([series])
        slicer.util.selectModule(case.MODULE)
        self.ct = slicer.mrmlScene.GetNodeByID(node_id)
        self.ui.ctSelector.setCurrentNode(self.ct)
        self.process_events(0.3)

    def assert_silent(self, text: str, what: str) -> None:
        for identifier in self.identifiers:
            self.assertNotIn(identifier, text, f"{what} tells {identifier}")

    def test_results_lie_under_the_study_of_the_ct_and_tell_no_identifier(self) -> None:
        log = Path(slicer.app.errorLogModel().filePath)
        before = log.stat().st_size
        self.apply()
        self.process_events(0.5)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        study = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(self.ct))
        self.assertIn(dicom_series.STUDY_DESCRIPTION, hierarchy.GetItemName(study))
        for node in self.panel.result.nodes:
            item = hierarchy.GetItemByDataNode(node)
            self.assertEqual(hierarchy.GetItemParent(item), study, node.GetName())
            said = [node.GetName(), node.GetDescription() or ""]
            said += [node.GetAttribute(name) for name in node.GetAttributeNames()]
            self.assert_silent("\n".join(said), node.GetName())
        with log.open("rb") as file:
            file.seek(before)
            self.assert_silent(file.read().decode("utf-8", "replace"), "the log")

    def test_the_panel_shows_no_identifier(self) -> None:
        self.apply()
        texts = [label.text for label in self.panel.parent.findChildren("QLabel")]
        self.assert_silent("\n".join(texts), "the panel")

    def test_a_clean_copy_tells_no_identifier_and_the_scene_stays(self) -> None:
        import scene_state

        self.apply()
        self.process_events(0.5)
        before = scene_state.facts()
        path = self.folder / "copy.mrb"
        section = next(one for one in self.panel.sections if one.UI_FILE == "Results")
        section.clean_copy.ask_path = lambda: path
        self.click(self.ui.cleanCopyButton)
        self.wait_until(path.exists, CLEAN_COPY_SECONDS, "The copy was not saved")
        self.process_events(0.5)

        self.assertEqual(self.ui.statusLabel.text, "The copy without patient data was saved.")
        self.assertEqual(scene_state.facts(), before)
        with zipfile.ZipFile(path) as bundle:
            everything = b"\n".join(bundle.read(name) for name in bundle.namelist())
        self.assertGreater(len(everything), 10_000)
        self.assert_silent(everything.decode("latin-1"), "the copy")

        slicer.mrmlScene.Clear(False)
        slicer.util.loadScene(str(path))
        self.process_events(0.5)
        self.assertEqual(self.ui.ctSelector.currentNode().GetName(), "CT")
        self.assertTrue(self.ui.severityLabel.text.startswith("CT-"))

    def test_an_ordinary_scene_keeps_what_slicer_keeps(self) -> None:
        """What the documentation says, and proof that the test above can fail."""
        self.apply()
        path = self.folder / "ordinary.mrb"
        self.assertTrue(slicer.util.saveScene(str(path)))
        with zipfile.ZipFile(path) as bundle:
            everything = b"\n".join(bundle.read(name) for name in bundle.namelist())
        for keyword in ("PatientName", "PatientID", "PatientBirthDate"):
            self.assertIn(dicom_series.PATIENT[keyword].encode(), everything)

    def test_the_segmentation_is_exported_as_dicom_seg(self) -> None:
        import pydicom

        plugins = slicer.modules.dicomPlugins
        if "DICOMSegmentationPlugin" not in plugins:
            self.skipTest("This Slicer has no plugin for DICOM SEG.")
        if not hasattr(slicer, "qSlicerDICOMExportable"):
            self.skipTest("This Slicer was built without the export of DICOM.")
        self.load_lesions()
        plugin = plugins["DICOMSegmentationPlugin"]()
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        node = self.panel.result.segmentationNode
        exportables = plugin.examineForExport(hierarchy.GetItemByDataNode(node))
        out = self.folder / "out"
        out.mkdir()
        for exportable in exportables:
            exportable.directory = str(out)
        self.assertEqual(plugin.export(exportables), "")

        (file,) = out.glob("*.dcm")
        exported = pydicom.dcmread(file)
        self.assertEqual(exported.Modality, "SEG")
        codes = {
            one.SegmentedPropertyTypeCodeSequence[0].CodeValue for one in exported.SegmentSequence
        }
        self.assertEqual(
            len(exported.SegmentSequence), len(codes) + 1, codes
        )  # two lungs, one code
        uid = exported.ReferencedSeriesSequence[0].SeriesInstanceUID
        self.assertIn(uid, self.identifiers)

    def load_lesions(self) -> None:
        """A result with every segment filled, as empty ones cannot be exported."""
        self.panel.parameter_node.threshold = 0.02
        self.apply()
