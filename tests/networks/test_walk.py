"""The walk through a network: every weight counted once, sizes as they are, ways and sights as they are measured."""

import pytest
import torch
from torch import nn

from arzhang.networks import classifier, gan, pix2pix, resnet, segmenter, vae
from arzhang.networks.walk import walk

NETWORKS = {
    "u-net": (lambda: pix2pix.Generator(32, width=2), {"image": (3, 32, 32)}),
    "encoder–decoder": (lambda: pix2pix.Generator(32, width=2, skips=False, norm="instance"), {"image": (3, 32, 32)}),
    "patchgan": (lambda: pix2pix.Discriminator(width=2), {"pair": (6, 64, 64)}),
    "resnet": (lambda: resnet.ResNetGenerator(6, width=2), {"image": (3, 16, 16)}),
    "generator": (lambda: gan.Generator(8, width=2, classes=3), {"noise": (64,), "class": ()}),
    "discriminator": (lambda: gan.Discriminator(8, width=2, classes=3), {"image": (1, 8, 8), "class": ()}),
    "batch": (lambda: gan.Discriminator(8, width=2, norm="batch"), {"image": (1, 8, 8)}),
    "segmenter": (lambda: segmenter.Segmenter(width=2), {"image": (3, 16, 16)}),
    "classifier": (lambda: classifier.Classifier(), {"image": (1, 28, 28)}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_is_some_blocks_and_one_gives_what_the_next_is_given(name):
    make, inputs = NETWORKS[name]
    network = make()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    blocks = walk(network, **inputs)
    assert sum(block.parameters for block in blocks) == sum(p.numel() for p in network.parameters())
    assert len({block.name for block in blocks if block.sources}) == len([b for b in blocks if b.sources])
    for block in blocks[len(inputs) :]:
        if len(block.input) == 3:
            assert block.input[0] == sum(count for _, count in block.sources)
    given = [torch.rand(2, *shape) if shape else torch.zeros(2, dtype=torch.long) for shape in inputs.values()]
    assert blocks[-1].output == tuple(network(*given).shape[1:])  # and the walk left no hook behind
    assert network.state_dict().keys() == before.keys()
    assert next(network.parameters()).device.type == "cpu"


def test_a_vae_is_walked_through_in_halves():
    network = vae.VAE()
    encoder = walk(network, lambda one, images: one.encode(images), image=(1, 28, 28))
    decoder = walk(network, lambda one, latents: one.decode(latents), latent=(32,))
    assert sum(block.parameters for block in [*encoder, *decoder]) == 98_433
    assert [block.output for block in encoder[1:4]] == [(8, 14, 14), (16, 7, 7), (32, 3, 3)]  # assignment 3a
    heads = {block.name: [source.name for source, _ in block.sources] for block in encoder[-2:]}
    assert heads == {"mean": ["encoder 4"], "log variance": ["encoder 4"]}
    assert [done.kind for done in encoder[2].operations] == ["convolution", "ReLU", "batch norm"]
    assert "ReLU" in [done.kind for done in encoder[4].operations]  # between features and heads, in no module


def test_ways_between_blocks():
    by_name = {block.name: block for block in walk(gan.Discriminator(classes=10), image=(1, 28, 28), label=())}
    ways = {name: [source.name for source, _ in block.sources] for name, block in by_name.items()}
    assert ways["product"] == ["class", "down 2"]  # Miyato & Koyama's projection
    assert ways["sum"] == ["last", "product"]
    assert all(done.spectral for done in by_name["last"].operations)
    first = walk(gan.Generator(classes=10), noise=(64,), label=())[3]
    assert [(source.name, count) for source, count in first.sources] == [("noise", 64), ("class", 64)]
    plain = walk(pix2pix.Generator(32, width=2, skips=False), image=(3, 32, 32))
    assert not any(block.skips for block in plain)
    around = [
        block for block in walk(resnet.ResNetGenerator(9, width=2), image=(3, 16, 16)) if "residual" in block.name
    ]
    assert len(around) == 9
    assert all(block.operations[-1].kind == "plus its input" for block in around)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.MaxPool2d(2), nn.Conv2d(2, 2, 5, dilation=3), nn.Conv2d(2, 1, 4, 3)),
        nn.Sequential(nn.Conv2d(1, 2, 7), nn.ReLU(), nn.Conv2d(2, 1, 2, 2)),
    ],
)
def test_what_an_output_sees_is_what_moves_it(network):
    torch.manual_seed(0)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.uniform_(part.weight, 0.5, 1)  # nothing cancels, and a ReLU lets all through
    image = torch.rand(1, 1, 120, 120, requires_grad=True)
    made = network(image)
    made[0, 0, made.shape[2] // 2, made.shape[3] // 2].backward()
    moved = image.grad.abs().sum((0, 1, 2)).nonzero()
    reach = int(moved.max() - moved.min()) + 1
    seen = walk(network, image=(1, 120, 120))[-1].sees
    pooled = any(isinstance(part, nn.MaxPool2d) for part in network)
    assert reach == seen if not pooled else seen - 2 <= reach <= seen  # of a pool's pixels only the largest moves it
