"""CycleGAN's generator: the paper's numbers, and its layers in plain functions."""

import pytest
import torch
import torch.nn.functional as F
from stats import check_variance
from torch import nn

from arzhang.errors import UsageError
from arzhang.networks.resnet import ResNetGenerator


@pytest.mark.parametrize(("blocks", "parameters"), [(6, 7_837_699), (9, 11_378_179)])
def test_the_papers_parameters(blocks, parameters):
    with torch.device("meta"):
        network = ResNetGenerator(blocks)
        assert sum(p.numel() for p in network.parameters()) == parameters
        assert network(torch.empty(2, 3, 128, 256)).shape == (2, 3, 128, 256)
    assert list(network.buffers()) == []
    assert [type(m) for m in network.layers].count(type(network.layers[3])) == blocks


def by_hand(parameters, images, blocks):
    """c7s1-64, d128, d256, R256…, u128, u64, c7s1-3, weights and biases taken in order."""
    rest = iter(parameters)

    def norm(x):
        mean = x.mean((2, 3), keepdim=True)
        return (x - mean) / ((x - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt()

    def reflected(x, pad):
        rows = [*range(pad, 0, -1), *range(x.shape[2]), *range(x.shape[2] - 2, x.shape[2] - 2 - pad, -1)]
        columns = [*range(pad, 0, -1), *range(x.shape[3]), *range(x.shape[3] - 2, x.shape[3] - 2 - pad, -1)]
        return x[:, :, rows][:, :, :, columns]

    x = norm(F.conv2d(reflected(images, 3), next(rest), next(rest))).clamp_min(0)
    for _ in range(2):
        x = norm(F.conv2d(x, next(rest), next(rest), stride=2, padding=1)).clamp_min(0)
    for _ in range(blocks):
        y = norm(F.conv2d(reflected(x, 1), next(rest), next(rest))).clamp_min(0)
        x = x + norm(F.conv2d(reflected(y, 1), next(rest), next(rest)))
    for _ in range(2):
        x = norm(F.conv_transpose2d(x, next(rest), next(rest), 2, 1, output_padding=1)).clamp_min(0)
    x = F.conv2d(reflected(x, 3), next(rest), next(rest)).tanh()
    assert next(rest, None) is None
    return x


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(8, 8), (16, 28)])
def test_it_agrees_with_plain_functions(size, layout):
    torch.manual_seed(0)
    network = ResNetGenerator(6, inputs=2, outputs=1, width=4).double().to(memory_format=layout)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.3)
        images = (torch.rand(2, 2, *size, dtype=torch.float64) * 2 - 1).to(memory_format=layout)
        got = network(images)
        assert (got - by_hand(list(network.parameters()), images, 6)).abs().max() < 1e-12
        assert torch.equal(network.eval()(images), got)  # no statistics are kept
        assert (network(images[:1]) - got[:1]).abs().max() < 1e-12  # nor shared among images
    assert got.shape == (2, 1, *size)


def test_initialisation_and_learning():
    torch.manual_seed(0)
    network = ResNetGenerator(6, width=8)
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d)])
    check_variance(weights.detach().double() / 0.02, 1.0, planted=0.05)
    network(torch.rand(1, 3, 16, 16)).square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize("size", [(4, 8), (18, 16), (16, 17)])
def test_sizes_that_do_not_fit(size):
    with pytest.raises(UsageError, match=r"multiples of 4, from 8 on"):
        ResNetGenerator(6, width=2)(torch.rand(1, 3, *size))
