"""The segmenter's network: any size that halves three times, and a picture's place kept."""

import pytest
import torch

from arzhang.errors import UsageError
from arzhang.networks.segmenter import Segmenter


def test_shapes_and_parameters():
    network = Segmenter(19)
    assert sum(p.numel() for p in network.parameters()) == 587_411
    for size in [(8, 8), (64, 64), (24, 40)]:
        assert network(torch.rand(2, 3, *size)).shape == (2, 19, *size)
    assert Segmenter(20, channels=1)(torch.rand(1, 1, 16, 16)).shape == (1, 20, 16, 16)


def test_an_untrained_one_moves_with_the_picture():
    """Eight pixels to the right in, eight to the right out, away from the borders: no pixel is mistaken for another."""
    torch.manual_seed(0)
    network = Segmenter(5).double().eval()
    images = torch.rand(1, 3, 160, 160, dtype=torch.float64)
    with torch.no_grad():
        here, there = network(images), network(images.roll(8, 3))
    middle = slice(72, 88)
    assert torch.allclose(here[..., middle, middle], there[..., middle, 80:96], atol=1e-12)
    assert not torch.allclose(here[..., middle, middle], there[..., middle, middle], atol=1e-3)


def test_every_weight_learns():
    network = Segmenter(4)
    network(torch.rand(2, 3, 16, 16)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


def test_sizes_that_do_not_fit():
    with pytest.raises(UsageError, match=r"12×16 pixels: the segmenter takes multiples of 8"):
        Segmenter()(torch.rand(1, 3, 12, 16))
