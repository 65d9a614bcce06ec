"""The optimizer of every task."""

from collections.abc import Mapping

import torch
from torch import nn

from arzhang.recipes import Training


def adam(
    network: nn.Module, recipe: Training, beta1: float = 0.9, shares: Mapping[nn.Module, float] | None = None
) -> torch.optim.Adam:
    """Adam over what a network trains, in one fused pass where the device has it."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    # Fused updates cannot have their gradients unscaled first, as 16-bit training with clipping wants.
    fused = trained[0].device.type in ("cpu", "cuda") and recipe.precision != "16-mixed"
    if not shares:
        return torch.optim.Adam(trained, lr=recipe.lr, betas=(beta1, 0.999), fused=fused)
    # Parts of the network that learn at a share of the rate.
    rates = {p: recipe.lr * share for module, share in shares.items() for p in module.parameters()}
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in trained:
        groups.setdefault(rates.get(parameter, recipe.lr), []).append(parameter)
    by_rate = [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]
    return torch.optim.Adam(by_rate, lr=recipe.lr, betas=(beta1, 0.999), fused=fused)
