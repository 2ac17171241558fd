"""
Every node's parameters, one settings class a node.

No rclpy here: the launcher checks parameter files against :data:`NODE_PARAMETERS` before it
starts anything. The groups `robot`, `wheels`, `lidar`, `camera` and `imu`, and `stamped`, are
shared by several nodes and belong under ``/**:`` in a parameter file. The layout of observations
is no parameter of the policy node: it comes with each model, in its contract.
"""

from dataclasses import dataclass, field

from synth_nodes.safety.log_files import SafetyLogSettings
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.zone_settings import ExclusionSettings, SourceSettings, ZoneSettings
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.sensors.fault_settings import FaultSettings
from synth_nodes.sensors.imu_settings import ImuSettings
from synth_nodes.sensors.scan_settings import PointsSpec, ScanEffects
from synth_nodes.sensors.wheels import OdometrySettings, WheelSpec
from synth_nodes.settings import Groups, named, setting
from synth_nodes.tasks.detour_settings import DetourSettings
from synth_nodes.tasks.dock_marker import DockSpec
from synth_nodes.train.settings import BcSettings, METHODS
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.dressing import DressSettings
from synth_nodes.world.people import ActorSettings, CartSettings
from synth_nodes.world.randomisation import Randomisation

STAMPED_HELP = 'Velocity commands are TwistStamped (true) or Twist (false).'


@dataclass(frozen=True)
class WorldParameters:
    """Parameters of `world_node`; of lidar, camera and IMU it takes the rates."""

    robot: RobotSpec = field(default_factory=RobotSpec)
    wheels: WheelSpec = field(default_factory=WheelSpec)
    lidar: LidarSpec = field(default_factory=LidarSpec)
    camera: CameraSpec = field(default_factory=CameraSpec)
    imu: ImuSettings = field(default_factory=ImuSettings)
    actors: ActorSettings = field(default_factory=ActorSettings)
    carts: CartSettings = field(default_factory=CartSettings)
    randomisation: Randomisation = field(default_factory=Randomisation)
    dress: DressSettings = field(default_factory=DressSettings)
    map: str = setting(
        '', 'Where to drive: a Nav2 map or scene file (YAML); layout:NAME or layout:NAME:SEED for '
        'a generated scene, such as layout:learned for one of learned floor plans; plans:DIR or '
        'plans:DIR:SEED for one by a plan generator of your own; of plans, '
        'layout:learned:SEED:walls=0.15,clearance=0.7,along=0.8 or some of them ask for the share '
        'of walls, the mean distance to them [m] and the share of the floor that is longer along '
        'x; empty: a generated building.')
    building_seed: int = setting(
        1, 'Which building, or layout or plans without a seed, to generate.',
        low=0, high=2**31 - 1)
    scene_seed: int = setting(
        1, 'Seed of colours, textures, light, lines and things that a bare map is dressed with, '
        'where there is a camera or `dress` has boxes or cylinders.', low=0, high=2**31 - 1)
    seed: int = setting(
        1, 'Seed of the start pose and of the people.', low=0, high=2**31 - 1)
    random_start: bool = setting(True, 'Start at a random free pose instead of `start_pose`.')
    start_pose: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), 'Pose in map to start and reset at: x, y, yaw.',
        unit='m, m, rad', low=-1e5, high=1e5)
    rate_hz: float = setting(
        40.0, 'Ground truth messages a second of simulated time, beside those at moments of a '
        'lidar or camera; for motion there are as many as `imu.rate` says.',
        unit='Hz', low=5.0, high=500.0)
    with_camera: bool = setting(False, 'Whether there is a camera to give ground truth to.')
    rate: float = setting(
        1.0, 'Speed of simulated time against the wall clock.', low=0.01, high=100.0)
    throttle: bool = setting(
        True, 'Wait for the commands of a slow graph instead of running ahead of them.')
    max_lead: float = setting(
        0.1, 'Simulated time the world may run ahead of the newest command.',
        unit='s', low=0.02, high=10.0)
    throttle_timeout: float = setting(
        0.5, 'Wall time without a command after which the world goes on alone.',
        unit='s', low=0.05, high=60.0)
    command_timeout: float = setting(
        0.5, 'Simulated time without a command after which the drive stops.',
        unit='s', low=0.05, high=60.0)
    stamped: bool = setting(True, STAMPED_HELP)


@dataclass(frozen=True)
class LidarParameters:
    """Parameters of `lidar_node`."""

    lidar: LidarSpec = field(default_factory=LidarSpec)
    effects: ScanEffects = field(default_factory=ScanEffects)
    points: PointsSpec = field(default_factory=PointsSpec)
    faults: FaultSettings = field(default_factory=FaultSettings)
    noise: str = setting(
        'model', "Noise of 'lidar' and 'effects', or what a real sensor made of ideal scans: "
        "'learned' takes the place of both.", choices=('model', 'learned'))
    learned_sensor: str = setting(
        '', "Folder of the learned sensor ('synth-nodes train generator'); the one that ships "
        'with the package where empty.')
    learned_ungated: bool = setting(
        False, 'Use the learned sensor even if it failed its quality gate.')
    seed: int = setting(2, 'Seed of noise and dropout.', low=0, high=2**31 - 1)
    frame_id: str = setting('laser', 'Frame of the scans.')
    points_frame: str = setting('laser_points', 'Frame of the points: the origin of the rays.')
    base_frame: str = setting(
        'base_link', 'Frame of the robot, from which the frame of the points is broadcast where '
        'tf2_msgs is installed.')


@dataclass(frozen=True)
class CameraParameters:
    """Parameters of `camera_node`."""

    camera: CameraSpec = field(default_factory=CameraSpec)
    faults: FaultSettings = field(default_factory=FaultSettings)
    noise: str = setting(
        'model', "Flaws of the images as 'camera' says, or as a camera learned them: 'learned' "
        'takes the place of all that lens, shutter and sensor do to colours.',
        choices=('model', 'learned'))
    learned_sensor: str = setting(
        '', "Folder of the learned camera ('synth-nodes train generator --of camera'); the one "
        'that ships with the package where empty.')
    learned_ungated: bool = setting(
        False, 'Use the learned camera even if it failed its quality gate.')
    seed: int = setting(5, 'Seed of noise, and of which learned camera it is.',
                        low=0, high=2**31 - 1)
    frame_id: str = setting('camera_optical', 'Frame of the images: z ahead, x right, y down.')
    segmentation: bool = setting(False, 'Publish true labels of the pixels.')


@dataclass(frozen=True)
class ImuParameters:
    """Parameters of `imu_node`."""

    imu: ImuSettings = field(default_factory=ImuSettings)
    faults: FaultSettings = field(default_factory=FaultSettings)
    seed: int = setting(3, 'Seed of noise and bias.', low=0, high=2**31 - 1)
    frame_id: str = setting('imu', 'Frame of the readings.')


@dataclass(frozen=True)
class OdometryParameters:
    """Parameters of `odometry_node`."""

    odometry: OdometrySettings = field(default_factory=OdometrySettings)
    robot: RobotSpec = field(default_factory=RobotSpec)
    wheels: WheelSpec = field(default_factory=WheelSpec)
    lidar: LidarSpec = field(default_factory=LidarSpec)
    camera: CameraSpec = field(default_factory=CameraSpec)
    imu: ImuSettings = field(default_factory=ImuSettings)
    faults: FaultSettings = field(default_factory=FaultSettings)
    seed: int = setting(4, 'Seed of wheel slip.', low=0, high=2**31 - 1)
    odom_frame: str = setting('odom', 'Frame that the odometry is given in.')
    base_frame: str = setting('base_link', 'Frame of the robot.')
    publish_tf: bool = setting(
        True, 'Broadcast odom to base_link, and the sensor mounts, where tf2_msgs is installed.')


@dataclass(frozen=True)
class PlannerParameters:
    """Parameters of `planner_node`; of the lidar it takes the mount."""

    robot: RobotSpec = field(default_factory=RobotSpec)
    lidar: LidarSpec = field(default_factory=LidarSpec)
    detour: DetourSettings = field(default_factory=DetourSettings)
    margin: float = setting(
        0.05, 'Distance kept from walls beyond the footprint.', unit='m', low=0.0, high=2.0)
    publish_rate: float = setting(
        2.0, 'Times a second of wall time that the path is sent again with the newest map to odom '
        'correction.', unit='Hz', low=0.1, high=50.0)
    replan_distance: float = setting(
        1.0, 'Distance from the path at which a new one is planned.', unit='m', low=0.2, high=20.0)
    odom_frame: str = setting('odom', 'Frame that the path is given in.')
    publish_tf: bool = setting(
        True, 'Broadcast map to odom where tf2_msgs is installed.')


@dataclass(frozen=True)
class PolicyParameters:
    """Parameters of `policy_node`."""

    robot: RobotSpec = field(default_factory=RobotSpec)
    lidar: LidarSpec = field(default_factory=LidarSpec)
    camera: CameraSpec = field(default_factory=CameraSpec)
    model: str = setting(
        '', "ONNX file, folder with policy.onnx, or model registry; empty: the shipped policy; "
        "'line': the shipped one that follows lines by camera; 'dock': the one that docks by "
        "lidar and odometry; 'dock_senses': the one that docks by camera, lidar and odometry, or "
        'by what is left of them.')
    dock: DockSpec = field(default_factory=DockSpec)
    registry: str = setting(
        '', 'Model registry whose current version runs instead of `model` once it has one.')
    goal_source: str = setting(
        'path', 'Drive along `path`, or straight towards `goal_pose`.',
        choices=('path', 'goal_pose'))
    goal_tolerance: float = setting(
        0.25, 'Distance from the goal at which the robot stops.', unit='m', low=0.02, high=5.0)
    scan_timeout: float = setting(
        0.3, 'Age from which a scan is stale.', unit='s', low=0.01, high=10.0)
    image_timeout: float = setting(
        0.3, 'Age from which an image is stale.', unit='s', low=0.01, high=10.0)
    odom_timeout: float = setting(
        0.3, 'Age from which odometry is stale.', unit='s', low=0.01, high=10.0)
    odom_frame: str = setting('odom', 'Frame of the odometry.')
    stamped: bool = setting(True, STAMPED_HELP)
    autostart: bool = setting(True, 'Configure and activate at start.')


@dataclass(frozen=True)
class SafetyMonitorParameters:
    """Parameters of `safety_monitor_node`."""

    robot: RobotSpec = field(default_factory=RobotSpec)
    lidar: LidarSpec = field(default_factory=LidarSpec)
    safety: SafetyRules = field(default_factory=SafetyRules)
    zones: Groups = named(ZoneSettings)
    sources: Groups = named(SourceSettings)
    exclusions: Groups = named(ExclusionSettings)
    log: SafetyLogSettings = field(default_factory=SafetyLogSettings)
    risk_model: str = setting(
        '', "Learned collision predictor (an .onnx file with its .json, their folder, or "
        "'shipped'), which can only slow the robot down; empty: none.")
    base_frame: str = setting(
        'base_link', 'Frame of the robot: commands must be in it, or name none.')
    stamped: bool = setting(True, STAMPED_HELP)
    autostart: bool = setting(True, 'Configure and activate at start.')


@dataclass(frozen=True)
class MonitorParameters:
    """Parameters of `monitor_node`."""

    lidar: LidarSpec = field(default_factory=LidarSpec)
    model: str = setting(
        '', 'Policy to compare with: ONNX file, folder or registry; empty: the shipped one.')
    drift_window: int = setting(
        3000, 'Newest scans compared with what the policy learned from.', low=50, high=100000)
    drift_limit: float = setting(
        0.5, 'Population stability index of a feature from which diagnostics warn.',
        low=0.01, high=100.0)
    quality_window: int = setting(
        100, 'Newest scans that rate, age and shares are taken over.', low=2, high=100000)
    quality_limit: float = setting(
        0.2, 'Share of broken beams, or of repeated scans, from which diagnostics warn.',
        low=0.0, high=1.0)


@dataclass(frozen=True)
class TrainerParameters:
    """Parameters of `trainer_node`."""

    robot: RobotSpec = field(default_factory=RobotSpec)
    lidar: LidarSpec = field(default_factory=LidarSpec)
    bc: BcSettings = field(default_factory=BcSettings)
    registry: str = setting(
        '', 'Model registry that new models go to; needed to train.')
    promote: bool = setting(True, 'Make a new model the current one.')
    reload_service: str = setting(
        'policy_node/reload', 'Service called after a promotion; empty: none.')
    map: str = setting(
        '', 'Nav2 map file (YAML) to train in, beside the generated buildings; empty: none.')
    record: bool = setting(
        False, 'Record scan, odom, path and the cmd_vel let through as further samples.')
    replay: str = setting(
        '', 'Folder where recordings outlive the process and a loss of power; empty: in memory.')
    replay_chunks: int = setting(
        200, 'Chunks of 100 samples kept there of each kind, ordinary ones and interventions.',
        low=2, high=100000)
    intervention_weight: int = setting(
        3, 'How often a sample counts where the safety monitor changed the command.',
        low=1, high=100)
    tune: bool = setting(
        True, 'Learn on from the current policy where there is one, instead of anew.')
    tune_method: str = setting(
        'lora', "What learning on changes: 'full' all weights, 'lora' a correction of low rank "
        "to each, 'adapter' layers beside them, 'head' the last layers.", choices=METHODS)
    tune_rate: float = setting(
        1e-3, "Largest step size of learning on; 3e-4 suits 'full'.", low=1e-7, high=1.0)
    tune_epochs: int = setting(10, 'Passes over the samples of learning on.', low=1, high=1000)
    gate_episodes: int = setting(
        50, 'Errands in each map held back on which a new policy must be no worse.',
        low=1, high=10000)
    gate_slack: float = setting(
        0.0, 'How much worse a gated figure may be: success, contacts, efficiency, F1; of the '
        'loss that share.', low=0.0, high=1.0)
    gate_samples: int = setting(
        100, 'Samples that a fine-tuned policy must be tested on to be promoted.',
        low=1, high=1_000_000)
    drift_window: int = setting(
        1500, 'Newest samples compared with what the policy learned from.', low=50, high=100000)
    drift_limit: float = setting(
        0.5, 'Population stability index of a feature from which diagnostics warn.',
        low=0.01, high=100.0)
    on_drift: bool = setting(
        False, 'Begin to train by itself when there is drift, once for each full window.')
    duty: float = setting(
        1.0, 'Share of its time that the learning process may compute.', low=0.01, high=1.0)
    gpu_memory: float = setting(
        0.5, "Share of the GPU's memory that it may take, where bc.device is cuda.",
        low=0.01, high=1.0)
    stamped: bool = setting(True, STAMPED_HELP)
    nice: int = setting(
        10, 'How far the learning process steps back for others.', low=0, high=19)


@dataclass(frozen=True)
class MissionParameters:
    """Parameters of `mission_node`."""

    robot: RobotSpec = field(default_factory=RobotSpec)
    lidar: LidarSpec = field(default_factory=LidarSpec)
    goals: int = setting(5, 'Goals to drive to.', low=1, high=10000)
    seed: int = setting(1, 'Seed of the goals.', low=0, high=2**31 - 1)
    goal_tolerance: float = setting(
        0.35, 'Distance from the goal at which it counts as reached.',
        unit='m', low=0.02, high=5.0)
    min_length: float = setting(
        4.0, 'Shortest way to a goal.', unit='m', low=0.1, high=10000.0)
    max_length: float = setting(
        30.0, 'Longest way to a goal.', unit='m', low=0.2, high=10000.0)
    goal_timeout: float = setting(
        180.0, 'Simulated time allowed for a goal.', unit='s', low=1.0, high=86400.0)
    ready_timeout: float = setting(
        240.0, 'Wall time in which the graph must be ready: the first start compiles kernels.',
        unit='s', low=1.0, high=3600.0)
    out: str = setting('', 'Directory for mission.json and the recording; empty: neither.')
    record: bool = setting(True, 'Record the topics to MCAP.')
    stamped: bool = setting(True, STAMPED_HELP)


NODE_PARAMETERS: dict[str, type] = {
    'world_node': WorldParameters,
    'lidar_node': LidarParameters,
    'camera_node': CameraParameters,
    'imu_node': ImuParameters,
    'odometry_node': OdometryParameters,
    'planner_node': PlannerParameters,
    'policy_node': PolicyParameters,
    'safety_monitor_node': SafetyMonitorParameters,
    'monitor_node': MonitorParameters,
    'trainer_node': TrainerParameters,
    'mission_node': MissionParameters,
}
"""Settings class of each node, by the name of its executable."""
