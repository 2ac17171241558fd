"""Data-parallel training: processes that share each batch and average their gradients."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
import os
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
import torch
from torch import distributed, nn

T = TypeVar('T')


class Group:
    """The processes that train together; one alone where there is no process group."""

    def __init__(self) -> None:
        """Ask torch who is there."""
        there = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if there else 0
        self.size = distributed.get_world_size() if there else 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and speaks to people."""
        return self.rank == 0

    def share(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Give the rows of a batch that are this process's: every `size`-th."""
        return rows[self.rank::self.size]

    def average(self, parameters: Iterable[nn.Parameter], weight: float) -> None:
        """
        Make gradients those of the whole batch, in every process the same numbers.

        :param weight: share of the batch that this process's gradients are the mean of; the
            shares of all add up to 1.
        """
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients]) * weight
        distributed.all_reduce(flat)
        parts = torch.split(flat, [g.numel() for g in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def sum(self, value: float, device: torch.device) -> float:
        """Add a number up over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        return float(total)

    def from_first(self, value: T) -> T:
        """Give every process what the first one has; small things alone."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]


def launched() -> bool:
    """Whether torchrun started this process."""
    return 'LOCAL_RANK' in os.environ and 'MASTER_ADDR' in os.environ


@contextmanager
def joined(device: str = 'cpu') -> Iterator[Group]:
    """
    Join the other processes where torchrun started this one; NCCL on GPUs, gloo elsewhere.

    :param device: 'cpu', or 'cuda' for a GPU to each process of a machine.
    """
    if not launched():
        yield Group()
        return
    on_gpu = torch.device(device).type == 'cuda'
    if on_gpu:
        torch.cuda.set_device(int(os.environ['LOCAL_RANK']))
    distributed.init_process_group('nccl' if on_gpu else 'gloo')
    try:
        yield Group()
        # None takes its connections down while another still talks.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
