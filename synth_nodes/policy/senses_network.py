"""A policy over camera, lidar and odometry that decides with whichever of them there are."""

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from synth_nodes.policy.camera_networks import CameraEncoder
from synth_nodes.policy.flat import Features
from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import FloatArray, RobotSpec

NAMES = ('image', 'scan', 'marker', 'goal', 'velocity', 'present')
"""Inputs, in their order."""
_SUBSETS = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)[1:]
"""All that may be present, shape (7, 3)."""
_DROPPED = 0.5
"""Share of the samples of a batch that learn with other sensors than they were taken with."""


class SensesPolicy(nn.Module):
    """
    One encoder for each sensor, and dense layers over what is there.

    What is missing is replaced by zeros before its encoder and after it, so that not even a NaN
    gets through; with nothing there the command is zero. While training, sensors are dropped at
    random (sensor dropout; Neverova et al., ModDrop, 2016).
    """

    centre: Tensor
    half_span: Tensor

    def __init__(self, camera: CameraSpec, observation: ObservationSpec, robot: RobotSpec,
                 hidden: int = 64) -> None:
        """
        Build with unfitted normalisers.

        :param camera: size of its images; observation: layout of scans.
        :param robot: whose limits bound the commands.
        :param hidden: features of each sensor.
        """
        super().__init__()
        self.camera = CameraEncoder(camera.width, camera.height, features=hidden)
        self.lidar_features = Features({'scan': (observation.history, observation.sectors),
                                        'dock': (5,)})
        self.pose_features = Features({'dock': (5,), 'velocity': (3,)})
        self.lidar = _dense(self.lidar_features.width, hidden)
        self.pose = _dense(self.pose_features.width, hidden)
        self.head = nn.Sequential(nn.Linear(3 * hidden + 3, 2 * hidden), nn.ReLU(),
                                  nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))
        low, high = (torch.tensor(v) for v in command_limits(robot))
        self.register_buffer('centre', (high + low) / 2)
        self.register_buffer('half_span', (high - low) / 2)

    def forward(self, image: Tensor, scan: Tensor, marker: Tensor, goal: Tensor,
                velocity: Tensor, present: Tensor) -> Tensor:
        """
        Decide.

        :param image: 0 to 255, shape (B, H, W, 3), red first.
        :param scan: [m], shape (B, 1, sectors); marker: where the dock was when seen, (B, 5).
        :param goal: where localisation says it is, (B, 4); velocity: (B, 3).
        :param present: above 0.5 where camera, lidar, odometry are there, shape (B, 3).
        :return: vx [m/s], wz [rad/s], shape (B, 2), within the robot's limits; 0 with nothing.
        """
        out = self._raw(image, scan, marker, goal, velocity, present).clamp(-1.0, 1.0)
        some = (present > 0.5).any(dim=1, keepdim=True)
        return torch.where(some, self.centre + self.half_span * out, torch.zeros_like(out))

    def _raw(self, image: Tensor, scan: Tensor, marker: Tensor, goal: Tensor, velocity: Tensor,
             present: Tensor) -> Tensor:
        there = present > 0.5
        eye, lidar, pose = there[:, 0:1], there[:, 1:2], there[:, 2:3]
        seen = self.camera(_only(image, eye[:, :, None, None]))
        ranged = self.lidar(self.lidar_features(_only(scan, lidar[:, :, None]),
                                                _only(marker, lidar)))
        told = self.pose(self.pose_features(_aged(_only(goal, pose)), _only(velocity, pose)))
        parts = (_only(seen, eye), _only(ranged, lidar), _only(told, pose), there.float())
        return cast(Tensor, self.head(torch.cat(parts, dim=1))).float()

    def error(self, inputs: Mapping[str, Tensor], command: Tensor) -> Tensor:
        """
        Compare with the right commands, as a share of half the limits' span, shape (B, 2).

        Taken before the limits cut off, so that what lies beyond them is still corrected.
        """
        present = inputs['present']
        if self.training:
            count = len(present)
            other = _SUBSETS[torch.randint(len(_SUBSETS), (count,))]
            present = torch.where(torch.rand(count, 1) < _DROPPED, other, present)
        out = self._raw(**{**inputs, 'present': present})
        return out - (command - self.centre) / self.half_span

    @staticmethod
    def mirrored(inputs: Mapping[str, Tensor], command: Tensor,
                 ) -> tuple[dict[str, Tensor], Tensor]:
        """Swap left and right: as valid a sample as the original, for robots so symmetric."""
        signs = {'marker': (1.0, -1.0, -1.0, 1.0, 1.0), 'goal': (1.0, -1.0, -1.0, 1.0),
                 'velocity': (1.0, -1.0, -1.0)}
        return ({'image': inputs['image'].flip(2), 'scan': inputs['scan'].flip(2),
                 'present': inputs['present'],
                 **{name: inputs[name] * torch.tensor(s) for name, s in signs.items()}},
                command * torch.tensor([1.0, -1.0]))

    def fit_normaliser(self, inputs: Mapping[str, NDArray[np.generic]]) -> None:
        """Set the normalisers by a training set; images are each normalised by themselves."""
        scan, marker, goal, velocity = (
            torch.from_numpy(np.asarray(inputs[n], np.float32)) for n in NAMES[1:5])
        self.lidar_features.fit_normaliser(scan, marker)
        self.pose_features.fit_normaliser(_aged(goal), velocity)

    @torch.no_grad()
    def act(self, observation: Mapping[str, FloatArray]) -> FloatArray:
        """Decide on numpy observations; returns vx [m/s], wz [rad/s], shape (B, 2)."""
        parts = (torch.from_numpy(np.ascontiguousarray(observation[n], np.float32))
                 for n in NAMES)
        return cast(FloatArray, self(*parts).numpy())


def _dense(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, hidden),
                         nn.ReLU())


def _only(part: Tensor, there: Tensor) -> Tensor:
    """Keep rows of sensors that are there; zeros for the others, whatever they hold."""
    return torch.where(there, part, torch.zeros_like(part))


def _aged(goal: Tensor) -> Tensor:
    """Give a pose (B, 4) the age of something just seen, shape (B, 5)."""
    return torch.cat((goal, torch.zeros_like(goal[:, :1])), dim=1)
