"""A chest CT as a DICOM series of an invented patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

PATIENT = {
    "PatientName": "Quimby^Zebedee",
    "PatientID": "MRN-0047-1182",
    "PatientBirthDate": "19530817",
    "StudyID": "ACC-77310",
    "AccessionNumber": "ACC-77310",
    "ReferringPhysicianName": "Ferreira^Odalys",
    "InstitutionName": "Saint Elsewhere Hospital",
}
STUDY_DESCRIPTION = "Thorax low dose"
SERIES_DESCRIPTION = "Lung 5.0"


def write_series(volume: Any, folder: Path) -> tuple[str, list[str]]:
    """Write an axial CT (``Volume``, LPS axes) as one file for each slice.

    Returns:
        SeriesInstanceUID, and all identifiers that must not leave the scene.
    """
    import pydicom
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    uids = [study, series, frame]
    spacing, origin = volume.geometry.spacing, volume.geometry.origin
    for index, pixels in enumerate(volume.array):
        uid = generate_uid()
        uids.append(uid)
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = uid
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one = pydicom.Dataset()
        one.file_meta = meta
        for keyword, value in PATIENT.items():
            setattr(one, keyword, value)
        one.PatientSex = "M"
        one.StudyDate = one.SeriesDate = "20210304"
        one.StudyTime = one.SeriesTime = "101500"
        one.StudyDescription, one.SeriesDescription = STUDY_DESCRIPTION, SERIES_DESCRIPTION
        one.Modality, one.Manufacturer = "CT", "Generated"
        one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, uid
        one.StudyInstanceUID, one.SeriesInstanceUID = study, series
        one.FrameOfReferenceUID = frame
        one.SeriesNumber, one.InstanceNumber = 3, index + 1
        one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        one.ImagePositionPatient = [origin[0], origin[1], origin[2] + index * spacing[2]]
        one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.SliceThickness = [spacing[1], spacing[0]], spacing[2]
        one.Rows, one.Columns = pixels.shape
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit = 16, 16, 15
        one.PixelRepresentation, one.RescaleIntercept, one.RescaleSlope = 1, 0, 1
        one.KVP = 120
        one.PixelData = pixels.astype(np.int16).tobytes()
        one.save_as(folder / f"{index:03}.dcm", enforce_file_format=True)
    return series, [*PATIENT.values(), *PATIENT["PatientName"].split("^"), *uids]
