"""The optimizer of every task."""

import torch
from torch import nn

from arzhang.recipes import Training


def adam(network: nn.Module, recipe: Training, beta1: float = 0.9) -> torch.optim.Adam:
    """Adam over what a network trains, in one fused pass where the device has it."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    # Fused updates cannot have their gradients unscaled first, as 16-bit training with clipping wants.
    fused = trained[0].device.type in ("cpu", "cuda") and recipe.precision != "16-mixed"
    return torch.optim.Adam(trained, lr=recipe.lr, betas=(beta1, 0.999), fused=fused)
