"""The optimizer of every task."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from arzhang.recipes import Training


class Adam(torch.optim.Adam):
    """torch's fused Adam on a CPU, bit for bit, without what stands around its one pass over the weights: a search for
    accelerators in each step, sorting by device and type, a count wrapped anew for each tensor. For networks of small
    layers that takes many times as long as the pass."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        moved = [[p for p in group["params"] if p.grad is not None] for group in self.param_groups]
        if closure is not None or not all(self.state.get(p) for some in moved for p in some):
            return super().step(closure)  # which makes the moments
        for group, weights in zip(self.param_groups, moved, strict=True):
            gradients = [p.grad for p in weights]
            means, squares, steps = ([self.state[p][of] for p in weights] for of in ("exp_avg", "exp_avg_sq", "step"))
            if not weights:
                continue
            torch._foreach_add_(steps, torch.ones((), device="cpu"), alpha=1)
            torch._fused_adam_(
                weights, gradients, means, squares, [], steps,
                lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1], eps=group["eps"],
                weight_decay=0.0, amsgrad=False, maximize=False,
            )  # fmt: skip
        return None


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
    kind = Adam if trained[0].device.type == "cpu" and fused else torch.optim.Adam
    return kind(by_rate, lr=recipe.lr, betas=(beta1, 0.999), fused=fused)
