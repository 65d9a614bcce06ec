"""Colours that stand for classes in label maps, and the class of a colour that is nearly one of them."""

from collections.abc import Sequence

import torch
from jaxtyping import Int64, Num
from torch import Tensor

Palette = Sequence[tuple[str, tuple[int, int, int]]]

CITYSCAPES: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("road", (128, 64, 128)),
    ("sidewalk", (244, 35, 232)),
    ("building", (70, 70, 70)),
    ("wall", (102, 102, 156)),
    ("fence", (190, 153, 153)),
    ("pole", (153, 153, 153)),
    ("traffic light", (250, 170, 30)),
    ("traffic sign", (220, 220, 0)),
    ("vegetation", (107, 142, 35)),
    ("terrain", (152, 251, 152)),
    ("sky", (70, 130, 180)),
    ("person", (220, 20, 60)),
    ("rider", (255, 0, 0)),
    ("car", (0, 0, 142)),
    ("truck", (0, 0, 70)),
    ("bus", (0, 60, 100)),
    ("train", (0, 80, 100)),
    ("motorcycle", (0, 0, 230)),
    ("bicycle", (119, 11, 32)),
)
"""The 19 classes on which Cityscapes is scored, in the order of their numbers (Cordts et al., CVPR 2016)."""
CHUNK = 1 << 18
"""Colours that are compared with a palette at once."""


def nearest(colours: Num[Tensor, "*batch 3"], palette: Palette = CITYSCAPES) -> Int64[Tensor, " *batch"]:
    """The class whose colour is nearest (Euclidean, in 0…255) to each colour; of equally near ones the first.

    >>> nearest(torch.tensor([[70, 130, 180], [130, 60, 120]])).tolist()
    [10, 0]
    """
    flat = colours.reshape(-1, 3).float()
    table = torch.tensor([colour for _, colour in palette], dtype=torch.float32, device=flat.device)
    # |c − p|² without |c|², which is the same for every class; whole numbers below 2²⁴, hence exact in float32.
    offsets = (table * table).sum(1)
    classes = torch.empty(len(flat), dtype=torch.int64, device=flat.device)
    for start in range(0, len(flat), CHUNK):
        part = flat[start : start + CHUNK]
        classes[start : start + CHUNK] = (offsets - 2 * part @ table.T).argmin(1)
    return classes.view(colours.shape[:-1])
