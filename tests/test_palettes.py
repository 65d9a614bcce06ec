"""Colours to classes."""

import torch

from arzhang import palettes
from arzhang.palettes import CITYSCAPES, nearest

TABLE = torch.tensor([colour for _, colour in CITYSCAPES])


def test_every_colour_is_its_own_class():
    assert len({colour for _, colour in CITYSCAPES}) == len({name for name, _ in CITYSCAPES}) == 19
    assert nearest(TABLE).tolist() == list(range(19))
    assert nearest(TABLE.to(torch.uint8).view(1, 19, 3)).tolist() == [list(range(19))]


def test_nearest_is_the_least_distance_whatever_the_chunks(monkeypatch):
    colours = torch.randint(0, 256, (50, 41, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    distance = (colours.double()[:, :, None] - TABLE.double()).square().sum(-1)
    expected = distance.argmin(-1)
    assert torch.equal(nearest(colours), expected)
    monkeypatch.setattr(palettes, "CHUNK", 7)
    assert torch.equal(nearest(colours), expected)
    assert nearest(colours[:0]).shape == (0, 41)


def test_of_equally_near_colours_the_first():
    assert nearest(torch.tensor([5, 0, 0]), [("a", (0, 0, 0)), ("b", (10, 0, 0))]).item() == 0
