"""f at one draw less f at another, for every coordinate of an event and every entry of a parameter, in chunks.

What measure-valued and finite-difference gradients have in common. Coordinates of an `Independent` are replaced one at
a time, the others being as they were drawn: 2·D evaluations of f for D coordinates, never more in memory than `limit`.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

Function = Callable[[Tensor], Tensor]


def difference(
    f: Function, dist: Distribution, positive: Tensor, negative: Tensor, z: Tensor | None, limit: int
) -> Tensor:
    """f(z⁺) − f(z⁻), (n, *batch, entries): one for each pair of draws, entries = coordinates × what a parameter has.

    positive, negative: (n, *batch, *event, entries), or for `Independent` (n, *batch, coordinates × entries), each to
    be put in its coordinate's place in z. limit: elements of z held at once.
    """
    entries = positive.shape[-1]
    n, batch = dist.batch_shape[0], dist.batch_shape[1:]
    step = max(1, limit // max(1, (positive[..., 0] if z is None else z).numel()))
    blocks = []
    with torch.no_grad():
        for start in range(0, entries, step):
            rows = torch.arange(start, min(start + step, entries), device=positive.device)
            sides = []
            for drawn in (positive, negative):
                moved = drawn[..., start : start + step].movedim(-1, 0)  # (rows, n, *batch, *event)
                if z is not None:
                    moved = _in_place(z, moved, rows // (entries // dist.event_shape.numel()), len(dist.event_shape))
                sides.append(f(moved.flatten(0, 1)).unflatten(0, (len(rows), n)))
            blocks.append((sides[0] - sides[1]).movedim(0, -1))
    assert blocks[0].shape[:-1] == (n, *batch)
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks, -1)


def _in_place(z: Tensor, drawn: Tensor, coordinate: Tensor, events: int) -> Tensor:
    """z once for each row, with the drawn value at the row's coordinate: (rows, n, *batch, *event)."""
    flat = z.flatten(-events)
    here = coordinate.unsqueeze(-1) == torch.arange(flat.shape[-1], device=z.device)  # rows, coordinates
    here = here.reshape(len(coordinate), *(1,) * (flat.ndim - 1), -1)
    return torch.where(here, drawn.unsqueeze(-1), flat).unflatten(-1, z.shape[z.ndim - events :])


def flat_entries(values: Tensor, dist: Distribution, whole: bool = False) -> Tensor:
    """(n, *batch, …) → (n, *batch, entries), or with `whole` events (n, *batch, *event, entries)."""
    keep = len(dist.batch_shape) + (len(dist.event_shape) if whole else 0)
    return values.reshape((*values.shape[:keep], -1))


def coordinates(dist: Distribution) -> int:
    """How many coordinates are replaced one at a time: those of an `Independent`; 1 where there is none."""
    return dist.event_shape.numel() if isinstance(dist, Independent) else 1
