"""What a run of the panel is to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ...engine.models.catalogue import load_catalogue
from ...engine.models.speed import read_speeds, speed_of
from ...engine.parameters import NO_OPINION, Parameters
from ...scene.given_lungs import given_lungs
from ...scene.prepared import PreparedResult, load_prepared
from ...scene.volumes import ct_matrix, volume_from_node_in_steps
from ...worker.job import WorkerJob
from ...worker.segmentation import segment_in_background

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode


@dataclass(frozen=True, eq=False)
class SegmentationTask:
    """One segmentation of one CT.

    Attributes:
        ct: The CT.
        parameters: Everything else that decides the result.
        only_lungs: Whether only the lungs are looked for.
        lungs: Segmentation with the lungs, which are then not looked for; or None.
        lung_segments: Label of the lung of each of its segments, by segment id.
    """

    ct: vtkMRMLScalarVolumeNode
    parameters: Parameters
    only_lungs: bool = False
    lungs: vtkMRMLSegmentationNode | None = None
    lung_segments: dict[str, int] = field(default_factory=dict)

    @property
    def needed(self) -> Parameters:
        """Parameters of what the run computes with: lungs that are given need nothing."""
        if self.lungs is None:
            return self.parameters
        return replace(self.parameters, lungs=Parameters.lungs, second_opinion=NO_OPINION)

    def job(self) -> WorkerJob[PreparedResult]:
        """What :meth:`.run.Run.start` takes.

        Raises:
            InputError: There is no CT, or it has no voxels.
        """
        lungs = None
        if self.lungs is not None:
            lungs = given_lungs(self.lungs, self.lung_segments, self.ct)
        return segment_in_background(
            volume_from_node_in_steps(self.ct),
            self.parameters,
            partial(load_prepared, self.ct),
            surfaces_on=ct_matrix(self.ct),
            lungs=lungs,
            only_lungs=self.only_lungs,
        )

    def expected_seconds(self) -> float | None:
        """How long it takes on this computer; None if that is not known yet."""
        image = self.ct.GetImageData()
        if self.only_lungs or image is None:
            return None
        models = load_catalogue().expand(self.parameters.members)
        speed = speed_of(read_speeds(), models, self.parameters.device)
        return None if speed is None else speed.seconds_for(image.GetDimensions()[2])
