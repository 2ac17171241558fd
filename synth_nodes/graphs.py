"""The graphs of the package, as plain data: nodes, launch arguments, parameter files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Argument:
    """A launch argument, `name:=value` on the command line."""

    name: str
    help: str
    default: str = ''
    """Empty leaves the matter to the parameter files."""
    kind: type = str


@dataclass(frozen=True)
class NodeEntry:
    """One node of a graph; its executable has the same name."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()
    """Pairs of a parameter and the launch argument that overrides it where it is given."""
    remaps: tuple[tuple[str, str], ...] = ()
    needs: str = ''
    """A launch argument that leaves this node out where it is false; empty: never left out."""
    nice: int = 0
    """How far it steps back for the control loop when processors are short, 0 to 19."""
    ends_graph: bool = False
    """Whether the graph has done its work when this node exits with 0."""


@dataclass(frozen=True)
class Graph:
    """Nodes that start and end together."""

    name: str
    help: str
    nodes: tuple[NodeEntry, ...]
    arguments: tuple[Argument, ...]
    base: tuple[str, ...]
    """Packaged parameter files read before the profile."""
    localhost: bool
    """Whether its topics stay on this machine unless the user says otherwise."""


NAMESPACE = Argument('namespace', 'Namespace of every node, such as robot1.')
PARAMS_FILE = Argument('params_file', 'Your parameter file, read after the packaged ones.')
MAP = Argument('map', 'Nav2 map or scene (YAML) to drive in; layout:NAME, a generated scene, such '
               'as layout:learned or layout:learned:4:walls=0.15; or plans:DIR, a scene by a plan '
               'generator of yours; a generated building when not given.')
RATE = Argument('rate', 'Speed of simulated time against real time; 1.0 when not given.',
                kind=float)
NOISE = Argument('noise', "Noise of the lidar: 'model', that of its settings, or 'learned' from "
                 'recorded drives.')
CAMERA_NOISE = Argument('camera_noise', "Flaws of the camera: 'model', those of its settings, or "
                        "'learned'.")
CAMERA = Argument('camera', 'Start the RGB and depth camera too.', 'false', bool)

MONITOR = Argument('monitor', 'Say in diagnostics whether scans are sound and drift.', 'false',
                   bool)


def _sim_time(default: bool) -> Argument:
    return Argument('use_sim_time', 'Take the time from /clock.', str(default).lower(), bool)


def _profile(default: str) -> Argument:
    return Argument('profile', 'Packaged parameter file to start from: config/PROFILE.yaml.',
                    default)


SIMULATED = 5
"""Niceness of what stands in for the world, so that it does not delay the control loop."""
WORLD = (
    NodeEntry('world_node', (('map', 'map'), ('rate', 'rate'), ('with_camera', 'camera')),
              nice=SIMULATED),
    NodeEntry('lidar_node', (('noise', 'noise'),), nice=SIMULATED),
    NodeEntry('imu_node', nice=SIMULATED),
    NodeEntry('odometry_node', nice=SIMULATED),
    NodeEntry('planner_node', nice=SIMULATED),
    NodeEntry('camera_node', (('noise', 'camera_noise'),), needs='camera', nice=SIMULATED),
)
DRIVING = (NodeEntry('policy_node'), NodeEntry('safety_monitor_node'))
WATCHING = NodeEntry('monitor_node', needs='monitor', nice=SIMULATED)

SIM = Graph(
    'sim', 'A simulated robot, its sensors, the policy and the safety monitor.',
    (*WORLD, *DRIVING, WATCHING),
    (NAMESPACE, _sim_time(True), PARAMS_FILE, _profile('sim'), MAP, RATE, CAMERA,
     NOISE, CAMERA_NOISE, MONITOR),
    base=('safety', 'sim'), localhost=True)
TRAIN = Graph(
    'train', 'The graph sim with the trainer, which learns and swaps in new policies.',
    (*WORLD, *DRIVING, NodeEntry('trainer_node')),
    (NAMESPACE, _sim_time(True), PARAMS_FILE, _profile('train'), MAP, RATE, CAMERA,
     NOISE, CAMERA_NOISE),
    base=('safety', 'sim'), localhost=True)
ROBOT = Graph(
    'robot', 'The policy and the safety monitor on a real robot, whose drivers give the topics.',
    (*DRIVING, WATCHING),
    (NAMESPACE, _sim_time(False), PARAMS_FILE, _profile('robot'), MONITOR),
    base=('safety',), localhost=False)
DEMO = Graph(
    'demo', 'The graph sim with a mission of several goals, measured and recorded.',
    (NodeEntry('world_node', (*WORLD[0].parameters, ('seed', 'seed'), ('building_seed', 'seed')),
               nice=SIMULATED),
     *WORLD[1:], DRIVING[0], NodeEntry('safety_monitor_node', (('log.folder', 'safety_log'),)),
     NodeEntry('mission_node', (('goals', 'goals'), ('seed', 'seed'), ('out', 'out')),
               nice=2 * SIMULATED, ends_graph=True)),
    (*(a for a in SIM.arguments if a.name not in ('profile', 'monitor')), _profile('demo'),
     Argument('goals', 'Goals to drive to.', kind=int),
     Argument('seed', 'Seed of the building, the start, the people and the goals.', kind=int),
     Argument('out', 'Folder for the figures and the recording.'),
     Argument('safety_log', 'Folder for the log of every verdict.')),
    base=('safety', 'sim'), localhost=True)
GRAPHS = {graph.name: graph for graph in (SIM, TRAIN, ROBOT, DEMO)}
PUBLIC_GRAPHS = ('sim', 'train', 'robot')
"""The graphs with a launch file."""
