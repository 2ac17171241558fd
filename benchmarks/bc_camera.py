"""
Samples a second of cloning the 64x64 camera policy: a plain torch loop and ours, side by side.

    python benchmarks/bc_camera.py [--samples 8192] [--passes 3]

The plain loop is what a tutorial writes: float32 tensors in a TensorDataset, a shuffling
DataLoader of batch 64, Adam. Ours is `synth_nodes.train.clone.CloneFitter`, with that batch so
that both take as many steps, and at its default batch. All train the same network, from the same
weights, on the same images of painted lines, on one thread. CPU time is counted, so other work
on the machine matters little. Prints the loss that each reaches on images held back, in full
precision.
"""

import argparse
import time

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from synth_nodes.envs.line_camera import LineCameraTask
from synth_nodes.envs.settings import LineCameraSettings
from synth_nodes.policy.camera_networks import CameraPolicy
from synth_nodes.train.clone import CloneFitter, CloneSettings, Lesson
from synth_nodes.train.evaluate_line import tracks
from synth_nodes.train.progress import never, silent


def images(task: LineCameraSettings, count: int) -> Lesson:
    """Take images from random places beside lines, with the expert's commands."""
    made = LineCameraTask(task, tracks(8, 0, paint=True))
    robots = made.robots(np.arange(128, dtype=np.int64) % 8, 0)
    seen = {'image': np.zeros((128, task.camera.height, task.camera.width, 3), np.float32)}
    parts = []
    for _ in range(-(-count // 128)):
        robots.begin(np.arange(128))
        robots.observe(seen)
        parts.append(Lesson({'image': seen['image'].astype(np.uint8)},
                            robots.expert().astype(np.float32)))
    return Lesson.join(parts)


def part(lesson: Lesson, rows: slice) -> Lesson:
    """Take some of the samples."""
    return Lesson({'image': lesson.inputs['image'][rows]}, lesson.command[rows])


def plain(net: CameraPolicy, train: Lesson, passes: int) -> None:
    """Train as a tutorial does."""
    data = TensorDataset(torch.from_numpy(train.inputs['image']).float(),
                         torch.from_numpy(train.command))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(passes):
        for image, command in loader:
            error = net.error({'image': image}, command)
            loss = functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--samples', type=int, default=8192)
    parser.add_argument('--passes', type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    task = LineCameraSettings()
    lesson = images(task, args.samples + 1024)
    train, hold = part(lesson, slice(1024, None)), part(lesson, slice(1024))
    rates = {}
    for name, batch, half in (('plain torch loop', 64, False), ('ours, float32', 64, False),
                              ('ours', 64, True), ('ours, batch 256', 256, True)):
        torch.manual_seed(0)
        net = CameraPolicy(task.camera, task.line.robot)
        fitter = CloneFitter(net, CloneSettings(half=half, batch_size=batch))
        begin = time.process_time()
        if name.startswith('plain'):
            net.to(memory_format=torch.contiguous_format)
            plain(net, train, args.passes)
        else:
            fitter.fit(train, part(hold, slice(1)), args.passes, name, silent, never)
        rates[name] = args.passes * len(train) / (time.process_time() - begin)
        print(f'{name:17s} {rates[name]:7.0f} samples/s   loss {fitter.loss(hold):.5f}')
    print(f'ours / plain: {rates["ours"] / rates["plain torch loop"]:.2f}')


if __name__ == '__main__':
    main()
