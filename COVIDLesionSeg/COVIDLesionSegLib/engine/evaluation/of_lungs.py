"""Models that find lungs, scored on the lungs of experts (cascade, Table 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..data.labelled import LabelledData, LabelledImage, evaluation_slice
from ..errors import ParameterError
from ..models.catalogue import Catalogue
from ..parameters import Parameters
from ..progress import CancelToken


class LungData:
    """Labelled data with the lungs in the place of the lesions; see ``LabelledData``.

    Args:
        data: A slice folder with the lungs of experts.

    Raises:
        ParameterError: Its lungs are not those of experts.
    """

    mask_by_default = False

    def __init__(self, data: LabelledData):
        if data.lungs != "experts":
            raise ParameterError(
                "Models that find lungs are scored on lungs that experts marked: give a slice "
                "folder with their masks in lung/."
            )
        self.lungs: str | None = None
        self.samples_of = data.samples_of
        self.classes = data.classes
        self.unit = data.unit
        self._data = data

    def read(self, patient: str, cancel: CancelToken) -> Iterator[LabelledImage]:
        """The slices of one patient."""
        for item in self._data.read(patient, cancel):
            yield replace(evaluation_slice(item, "lungs"), lungs=None, slice_class="")


def find_lungs_of_data(names: Sequence[str], parameters: Parameters, catalogue: Catalogue) -> bool:
    """Whether these models find lungs.

    Raises:
        ModelError: There is no such model.
        ParameterError: Some do, and others find lesions.
    """
    tasks = {
        catalogue.get(id_).card.task
        for name in names
        for id_ in catalogue.expand(replace(parameters, model=name).members)
    }
    if "lungs" in tasks and len(tasks) > 1:
        raise ParameterError(
            "Models for lungs are scored on lungs, and others on lesions: evaluate them apart."
        )
    return tasks == {"lungs"}
