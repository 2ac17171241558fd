"""The trainer node's work: train, export, add to the registry, promote. No ROS."""

from pathlib import Path
import tempfile

from synth_nodes.export.registry import Registry
from synth_nodes.nodes.parameters import TrainerParameters
from synth_nodes.train.progress import Cancelled, Report
from synth_nodes.train.samples import Samples
from synth_nodes.types import GridMap


def training_maps(settings: TrainerParameters) -> list[GridMap]:
    """
    Give the map to train in, with the generated buildings, or nothing for those alone.

    :raises InputError: when the map cannot be read.
    """
    from synth_nodes.world.building import generate_building
    from synth_nodes.world.map_io import load_map

    if not settings.map:
        return []
    bc = settings.bc
    return [load_map(settings.map),
            *(generate_building(1000 * bc.seed + k) for k in range(bc.buildings))]


def learn(settings: TrainerParameters, samples: Samples | None, report: Report,
          cancelled: Cancelled) -> str:
    """
    Train a policy and put it into the registry.

    :param samples: recorded ones to learn from as well.
    :return: the new version's id.
    :raises InputError: when maps or samples cannot be used.
    :raises WorkCancelled: when told to stop; then the registry is as it was.
    """
    # Imported here: torch takes seconds, and the node shall answer before that.
    from synth_nodes.export.pipeline import train_and_export

    maps = training_maps(settings)
    with tempfile.TemporaryDirectory(prefix='synth_nodes_') as folder:
        out = Path(folder) / 'policy'
        train_and_export(settings.bc, maps, settings.robot, settings.lidar, out, report,
                         cancelled, samples, 'trainer_node')
        registry = Registry(settings.registry)
        version = registry.add(out)
    if settings.promote:
        registry.promote(version)
    return version
