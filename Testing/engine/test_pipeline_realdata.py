"""The main job on real CTs: lesions where experts saw them, hardly any where there are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.volume import read_volume

pytestmark = pytest.mark.realdata
CPU = Parameters(device="cpu")


def test_a_covid_ct_shows_lesions_in_the_slices_its_experts_marked(data_folder):
    folder = data_folder / "covid_ct_md_P001"
    volume = read_volume(folder)
    result = segment(volume, CPU)
    infected = set(json.loads((folder / "labels.json").read_text(encoding="utf-8"))["infected"])
    positive = {slice_.index for slice_ in result.severity.slices if slice_.lesion_mm2 > 0}
    assert len(positive & infected) / len(infected) >= 0.9

    lungs = volume.order.to_axial(result.lungs)
    right, left = (np.argwhere(lungs == label)[:, 2].mean() for label in (1, 2))
    assert right < left  # columns run to the patient's left
    for side in ("right lung", "left lung"):
        assert 2000 < result.severity.region(side).lung_ml < 4000
    assert result.severity.category == "CT-1"


@pytest.mark.slow
def test_a_ct_without_covid_is_called_lesion_in_less_than_one_percent_of_the_lungs(data_folder):
    result = segment(read_volume(data_folder / "LIDC-IDRI-0001.nii.gz"), CPU)
    assert result.severity.region("both lungs").ratio < 0.01
