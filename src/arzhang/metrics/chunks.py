"""Features a chunk at a time, so that memory does not grow with the number of pairs, and their products."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

CHUNK = 1_024


def chunk(features: np.ndarray | Tensor, start: int, size: int = CHUNK) -> Float[Tensor, "B D"]:
    """So many rows from `start` on, of a memory map perhaps: in float64 if they are so, else in float32."""
    part = features[start : start + size]
    rows = torch.from_numpy(np.array(part)) if isinstance(part, np.ndarray) else part
    return rows if rows.dtype == torch.float64 else rows.float()


def chunks(features: np.ndarray | Tensor, since: int = 0) -> Iterator[tuple[int, Float[Tensor, "B D"]]]:
    """All chunks from row `since` on, each with the number of its first row."""
    for start in range(since, len(features), CHUNK):
        yield start, chunk(features, start)


def products(x: Float[Tensor, "A D"], y: Float[Tensor, "B D"]) -> Float64[Tensor, "A B"]:
    """x·y of all pairs, multiplied in the rows' own type and handed out in float64.

    Float32 takes half the time; its rounding is 10⁻⁷ of |x||y| at most, and averages out over pairs.
    """
    return (x @ y.T).double()


def distances(x: Float[Tensor, "A D"], y: Float[Tensor, "B D"]) -> Float64[Tensor, "A B"]:
    """|x − y| of all pairs, as √(|x|² + |y|² − 2x·y)."""
    squares = [rows.double().square().sum(1) for rows in (x, y)]
    return products(x, y).mul_(-2).add_(squares[0][:, None]).add_(squares[1]).clamp_min_(0).sqrt_()
