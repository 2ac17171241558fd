"""Policy networks that see by a camera: normaliser inside, outputs within the robot's limits."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.types import FloatArray, RobotSpec


class CameraEncoder(nn.Module):
    """
    From images to features: strided convolutions, then one dense layer.

    Every image is brought to mean 0 and spread 1 of its own, so brightness and contrast do not
    matter; nothing of that is learned, and it is a part of the exported graph.
    """

    def __init__(self, width: int, height: int, channels: Sequence[int] = (16, 24, 32, 32),
                 features: int = 64) -> None:
        """
        Build.

        :param width: columns of the images; height: their rows [px].
        :param channels: of each convolution; every one halves the image.
        :param features: how many come out.
        """
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for k, count in enumerate(channels):
            size = 5 if k == 0 else 3
            layers += [nn.Conv2d(before, count, size, 2, size // 2), nn.ReLU()]
            before = count
        self.convs = nn.Sequential(*layers)
        shrink = 2 ** len(channels)
        flat = before * -(-width // shrink) * -(-height // shrink)
        self.squeeze = nn.Sequential(nn.Linear(flat, features), nn.ReLU())

    def forward(self, image: Tensor) -> Tensor:
        """
        Encode.

        :param image: 0 to 255, shape (B, H, W, 3), red first, as `sensor_msgs/Image` has rgb8.
        :return: shape (B, features).
        """
        return cast(Tensor, self.squeeze(self.convs(normalised(image)).flatten(1)))


def normalised(image: Tensor) -> Tensor:
    """Bring images (B, H, W, 3) to mean 0 and spread 1 each, shape (B, 3, H, W)."""
    pixels = image.permute(0, 3, 1, 2).float() / 255.0
    middle = pixels.mean(dim=(1, 2, 3), keepdim=True)
    shifted = pixels - middle
    spread = shifted.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return shifted / (spread + 0.02)


class CameraPolicy(nn.Module):
    """From an image to a command."""

    centre: Tensor
    half_span: Tensor

    def __init__(self, camera: CameraSpec, robot: RobotSpec, hidden: int = 64) -> None:
        """
        Build.

        :param camera: size of its images.
        :param robot: whose limits bound the commands.
        :param hidden: width of the dense layers.
        """
        super().__init__()
        self.encoder = CameraEncoder(camera.width, camera.height, features=hidden)
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))
        low, high = (torch.tensor(v) for v in command_limits(robot))
        self.register_buffer('centre', (high + low) / 2)
        self.register_buffer('half_span', (high - low) / 2)

    def forward(self, image: Tensor) -> Tensor:
        """
        Decide.

        :param image: 0 to 255, shape (B, H, W, 3), red first.
        :return: vx [m/s], wz [rad/s], shape (B, 2), within the robot's limits.
        """
        out = self.head(self.encoder(image)).float().clamp(-1.0, 1.0)
        return cast(Tensor, self.centre + self.half_span * out)

    def error(self, inputs: Mapping[str, Tensor], command: Tensor) -> Tensor:
        """
        Compare with the right commands, as a share of half the limits' span, shape (B, 2).

        Taken before the limits cut off, so that what lies beyond them is still corrected.
        """
        out = self.head(self.encoder(inputs['image'])).float()
        return cast(Tensor, out - (command - self.centre) / self.half_span)

    @staticmethod
    def mirrored(inputs: Mapping[str, Tensor], command: Tensor,
                 ) -> tuple[dict[str, Tensor], Tensor]:
        """Swap left and right: as valid a sample as the original, for robots so symmetric."""
        return {'image': inputs['image'].flip(2)}, command * torch.tensor([1.0, -1.0])

    def fit_normaliser(self, inputs: Mapping[str, NDArray[np.generic]]) -> None:
        """Do nothing: every image is normalised by itself."""

    @torch.no_grad()
    def act(self, observation: Mapping[str, FloatArray]) -> FloatArray:
        """Decide on numpy images; returns vx [m/s], wz [rad/s], shape (B, 2)."""
        image = torch.from_numpy(np.ascontiguousarray(observation['image'], np.float32))
        return cast(FloatArray, self(image).numpy())
