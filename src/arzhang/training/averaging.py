"""What averaged weights need besides: networks measure their own activations, and those of an average are others'."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from arzhang.contracts import Batch, Task

SETTLING = 16
"""Batches on which averaged networks measure themselves: those of the last steps."""


@torch.no_grad()
def settle(task: Task, averaged: nn.Module, batches: Iterable[Batch]) -> None:
    """Measure anew on these batches what networks keep of themselves beside their weights: the means and variances of
    batch normalisation, and the directions by which spectral normalisation knows the largest singular value.

    Those of the last step's networks do not fit: an average of weights that fluctuate is smaller than each of them,
    and its images would come out pale. (Izmailov et al. 2018 do the same at the end of a training.)
    """
    networks, task.networks = task.networks, averaged
    for own, kept in zip(averaged.buffers(), networks.buffers(), strict=True):
        own.copy_(kept)
    norms = [module for module in averaged.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
    averaged.train()
    for batch in batches:
        shared = task.prepare(batch)
        for turn in task.turns:
            turn.loss(batch, shared)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    task.networks = networks
