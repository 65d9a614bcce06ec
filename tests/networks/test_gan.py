"""DCGAN's networks: parameters and shapes by the table, sizes that fit, and that the class is heard."""

import pytest
import torch

from arzhang.errors import UsageError
from arzhang.networks.gan import Discriminator, Generator


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_parameters_by_hand():
    generator = 64 * 128 * 49 + 2 * 128 + 128 * 64 * 16 + 2 * 64 + 64 * 1 * 16 + 1
    discriminator = 64 * 16 + 64 + 64 * 128 * 16 + 128 + 128 * 49 + 1
    assert count(Generator()) == generator == 533_889
    assert count(Discriminator()) == discriminator == 138_561
    assert count(Generator(classes=10)) == generator + 10 * 64 + 64 * 128 * 49  # the class's numbers beside the noise
    assert count(Discriminator(classes=10)) == discriminator + 10 * 128 * 49  # one number a feature
    assert count(Discriminator(norm="batch")) == discriminator - 128 + 2 * 128  # no bias before a normalisation


@pytest.mark.parametrize("size", [8, 14, 16, 28, 32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes(size, channels):
    images = Generator(size, channels, 5, width=2)(torch.randn(2, 5))
    assert images.shape == (2, channels, size, size)
    assert images.abs().max() <= 1
    assert Discriminator(size, channels, width=2)(images).shape == (2, 1)


@pytest.mark.parametrize(("size", "near"), [(30, "--size 28 or --size 32"), (6, "--size 8"), (256, "--size 128")])
def test_other_sizes(size, near):
    for network in (Generator, Discriminator):
        with pytest.raises(UsageError, match=near):
            network(size)


def test_both_hear_the_class():
    torch.manual_seed(0)
    generator, discriminator = Generator(8, 1, 4, 2, classes=3).eval(), Discriminator(8, 1, 2, classes=3).eval()
    noise = torch.randn(1, 4).expand(3, -1)
    images = generator(noise, torch.arange(3))
    assert (images[0] - images[1]).abs().max() > 1e-4
    assert torch.equal(generator(noise, torch.zeros(3, dtype=torch.long))[0], images[0])
    verdicts = discriminator(images[:1].expand(3, -1, -1, -1), torch.arange(3))
    assert verdicts.unique().numel() == 3


@pytest.mark.parametrize("norm", ["spectral", "batch"])
def test_the_discriminators_norm(norm):
    """Spectral: weights of norm 1, and images judged each by itself. Batch: neither."""
    torch.manual_seed(0)
    network = Discriminator(16, 1, 4, norm=norm)
    images = torch.rand(6, 1, 16, 16) * torch.arange(6).view(-1, 1, 1, 1)
    for _ in range(30):
        together = network(images)  # power iteration comes nearer to the largest singular value with each
    largest = torch.linalg.matrix_norm(network.down[0].conv.weight.flatten(1), 2).item()
    alone = network(images[:2])
    assert (abs(largest - 1) < 0.01) == (norm == "spectral")
    assert torch.allclose(alone, together[:2], rtol=1e-2) == (norm == "spectral")
