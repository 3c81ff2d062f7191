"""The real CTs of development, as files of SimpleITK, and their lungs."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.volume import Geometry, Volume


def as_volume(image):
    geometry = Geometry(
        image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()
    )
    return Volume(sitk.GetArrayFromImage(image).astype(np.int16), geometry)


def lungs_of(volume):
    result = get_extractor().extract(volume.axial, volume.axial_spacing)
    ml = np.bincount(result.labels.ravel(), minlength=3) * volume.geometry.voxel_volume_ml
    return result, ml


def read_case(data_folder, name):
    """A patient with COVID-19, or a control."""
    if name == "control":
        return as_volume(sitk.ReadImage(str(data_folder / "LIDC-IDRI-0001.nii.gz")))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(data_folder / "covid_ct_md_P001")))
    return as_volume(reader.Execute())
