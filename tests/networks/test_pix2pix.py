"""pix2pix's networks: the paper's numbers, layer by layer; dropout and normalisation; the public port's names."""

import copy
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from stats import check_mean, check_variance
from torch import nn

from arzhang.errors import UsageError
from arzhang.networks import pix2pix
from arzhang.networks.pix2pix import Discriminator, DownSample, Generator, UpSample, levels, receptive_field
from arzhang.networks.walk import walk

DOWN = [64, 128, 256, 512, 512, 512, 512, 512]
UP = [512, 512, 512, 512, 256, 128, 64, 3]
GIVEN = [512, 1024, 1024, 1024, 1024, 512, 256, 128]


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(scope="module")
def paper():
    torch.manual_seed(0)
    return Generator()


# ------------------------------------------------------------------------------------------------------ the numbers


def test_the_papers_parameters(paper):
    assert count(paper) == 54_413_955
    assert count(Discriminator()) == 2_768_705
    assert count(Discriminator(3, norm="instance")) == 2_764_737  # CycleGAN's


def test_the_papers_table(paper):
    _, *table = walk(paper, image=(3, 256, 256))
    sides = [256 // 2**i for i in range(9)]
    down, up = table[:8], table[8:]
    assert [row.output for row in down] == [(c, s, s) for c, s in zip(DOWN, sides[1:], strict=True)]
    assert [row.input for row in down] == [(c, s, s) for c, s in zip([3, *DOWN[:-1]], sides[:-1], strict=True)]
    assert [row.output for row in up] == [(c, s, s) for c, s in zip(UP, sides[-2::-1], strict=True)]
    assert [row.input[0] for row in up] == GIVEN
    skips = [(source.name, count) for row in up for source, count in row.skips]
    assert skips == [(f"down {8 - i}", given // 2) for i, given in enumerate(GIVEN[1:], start=1)]
    leaky, norm, tanh = ("leaky ReLU", 0.2), ("batch norm", None), ("tanh", None)
    down_one, up_one = ("convolution", None), [("ReLU", None), ("transposed convolution", None)]
    expected = [[down_one], *[[leaky, down_one, norm]] * 6, [leaky, down_one]]
    expected += [[*up_one, norm, ("dropout", 0.5)]] * 3 + [[*up_one, norm]] * 4 + [[*up_one, tanh]]
    assert [[(done.kind, done.value) for done in row.operations] for row in table] == expected
    assert {(done.kernel, done.stride) for row in table for done in row.operations if done.kernel} == {(4, 2)}
    assert sum(row.parameters for row in table) == 54_413_955
    assert (table[0].name, table[-1].name) == ("down 1", "up 8")
    biased = [name for name, m in paper.named_modules() if hasattr(m, "weight") and m.bias is not None]
    assert [name for name in biased if name.endswith("conv")] == ["up.7.conv"]
    assert next(paper.parameters()).device.type == "cpu"  # what was asked on the "meta" device left no trace


def test_the_discriminators_table():
    _, *table = walk(Discriminator(), pair=(6, 256, 256))
    assert [row.output for row in table] == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 31, 31), (1, 30, 30)]
    assert ["batch norm" in [done.kind for done in row.operations] for row in table] == [False, True, True, True, False]
    assert [row.sees for row in table] == [4, 10, 22, 46, 70]
    biased = [m.bias is not None for m in Discriminator().modules() if isinstance(m, nn.Conv2d)]
    assert biased == [True, False, False, False, True]
    for field, widths in ((286, [64, 128, 256, 512, 512, 512, 1]), (1, [64, 128, 1])):
        _, *table = walk(Discriminator(receptive_field=field), pair=(6, 256, 256))
        assert [row.output[0] for row in table] == widths
        assert table[-1].sees == field


@pytest.mark.parametrize("field", [1, 16, 34, 70, 286])
def test_receptive_field_by_gradient(field):
    """The pixels on which one logit in the middle depends. Batch statistics would couple all: they are held still."""
    torch.manual_seed(1)
    network = Discriminator(2, width=4, receptive_field=field).double().eval()
    side = 3 * field + 96
    images = torch.randn(1, 2, side, side, dtype=torch.float64, requires_grad=True)
    logits = network(images)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    seen = images.grad[0].abs().sum(0) > 0
    rows, columns = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    assert int(rows[-1] - rows[0]) + 1 == int(columns[-1] - columns[0]) + 1 == field == receptive_field(network)


def test_initialisation():
    torch.manual_seed(7)
    weights, scales = [], []
    for module in [*Generator(64, width=32).modules(), *Discriminator(width=32).modules()]:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            weights.append(module.weight.detach().flatten().double() / 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            scales.append((module.weight.detach().double() - 1) / 0.02)
        else:
            continue
        assert module.bias is None or (module.bias == 0).all()
    for standard, planted in ((torch.cat(weights), 0.01), (torch.cat(scales), 0.3)):
        check_mean(standard, 0.0, planted=planted)
        check_variance(standard, 1.0, planted=planted)


# -------------------------------------------------------------------------------------------- by hand, the same images


def by_hand(weights, images, depth, skips=True, keep=None):
    """The paper's layers in plain functions: a batch of one, its own statistics, dropout masks given for up blocks."""

    def norm(x, name):
        mean = x.mean((0, 2, 3), keepdim=True)
        variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
        scale, shift = (weights[f"{name}.norm.{kind}"].view(1, -1, 1, 1) for kind in ("weight", "bias"))
        return scale * (x - mean) / (variance + 1e-5).sqrt() + shift

    maps, x = [], images
    for i in range(depth):
        x = x if i == 0 else torch.where(x > 0, x, 0.2 * x)
        x = F.conv2d(x, weights[f"down.{i}.conv.weight"], stride=2, padding=1)
        x = norm(x, f"down.{i}") if 0 < i < depth - 1 else x
        maps.append(x)
    for i in range(depth):
        x = torch.cat([maps[depth - 1 - i], x], 1) if i and skips else x
        name, last = f"up.{i}", i == depth - 1
        bias = weights[f"{name}.conv.bias"] if last else None
        x = F.conv_transpose2d(x.clamp_min(0), weights[f"{name}.conv.weight"], bias, stride=2, padding=1)
        x = x if last else norm(x, name)
        if keep is not None and i < 3 and not last:
            x = x * keep[i] * 2
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


def louder(network):
    """Weights that are not near zero, or every layer would be nearly linear."""
    with torch.no_grad():
        for name, p in network.named_parameters():
            if name.endswith("conv.weight"):
                p.mul_(4)
            elif name.endswith("bias"):
                p.normal_(0, 0.1)
    return network


def test_the_papers_generator_agrees_with_plain_functions(paper):
    """In double precision: statistics over the 2×2 pixels of the innermost maps magnify float32's rounding."""
    torch.manual_seed(0)
    network = louder(copy.deepcopy(paper)).double()
    images = torch.rand(1, 3, 256, 256, dtype=torch.float64) * 2 - 1
    uniform = torch.rand(1, network.draws(), dtype=torch.float64)
    sizes = [(1, 512, 2, 2), (1, 512, 4, 4), (1, 512, 8, 8)]
    shares = uniform.split([torch.Size(s).numel() for s in sizes], 1)
    keep = [(share >= 0.5).double().view(s) for share, s in zip(shares, sizes, strict=True)]
    network.train()
    with torch.no_grad():
        got, expected = network(images, uniform), by_hand(network.state_dict(), images, 8, keep=keep)
        other = by_hand(network.state_dict(), images, 8)
    assert got.shape == (1, 3, 256, 256)
    assert (got - expected).abs().max() < 1e-11
    assert (got - other).abs().max() > 1e-3  # without dropout it would be another picture


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("size", "skips"), [(8, True), (32, True), (32, False), ((32, 64), True), (24, True)])
def test_other_generators_agree_with_plain_functions(size, skips, layout):
    torch.manual_seed(2)
    network = louder(Generator(size, 2, 1, width=4, skips=skips, dropout=0.0)).double().to(memory_format=layout)
    shape = (size, size) if isinstance(size, int) else size
    images = (torch.rand(1, 2, *shape, dtype=torch.float64) * 2 - 1).to(memory_format=layout)
    with torch.no_grad():
        got = network(images)
        expected = by_hand(network.state_dict(), images, levels(size), skips)
    assert got.shape == (1, 1, *shape)
    assert (got - expected).abs().max() < 1e-12


def test_the_discriminator_agrees_with_plain_functions():
    torch.manual_seed(3)
    network = louder(Discriminator(width=8)).double()
    weights, images = network.state_dict(), torch.randn(2, 6, 64, 64, dtype=torch.float64)
    x = images
    for i, stride in enumerate([2, 2, 2, 1, 1]):
        x = x if i == 0 else torch.where(x > 0, x, 0.2 * x)
        x = F.conv2d(
            x, weights[f"blocks.{i}.conv.weight"], weights.get(f"blocks.{i}.conv.bias"), stride=stride, padding=1
        )
        if 0 < i < 4:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            scale = weights[f"blocks.{i}.norm.weight"] / (variance + 1e-5).sqrt()
            x = (x - mean.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1) + weights[f"blocks.{i}.norm.bias"].view(
                1, -1, 1, 1
            )
    assert (network(images) - x).abs().max() < 1e-12


def test_every_weight_learns():
    """None stands where no gradient reaches it, with skip connections or without."""
    for options in ({}, {"norm": "instance"}, {"skips": False}):
        torch.manual_seed(4)
        network = louder(Generator(32, width=4, dropout=0.0, **options))
        network(torch.rand(2, 3, 32, 32)).square().sum().backward()
        unused = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert unused == []


# ---------------------------------------------------------------------------------------------------- at test time


def test_eval_is_what_test_mode_said():
    torch.manual_seed(5)
    network = louder(Generator(32, width=4))
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    for _ in range(3):
        network(images)  # running statistics
    uniform = torch.rand(3, network.draws())
    with torch.no_grad():
        training = network(images[:1], uniform[:1])
        plain = network.eval()(images)
        assert torch.equal(plain, network(images, uniform))  # no dropout, running statistics

        pix2pix.test_mode(network, dropout=True, batch_statistics=True)
        both = network(images, uniform)
        # One image alone is a training step's batch of one; so it is among any neighbours.
        assert (both[:1] - training).abs().max() < 1e-5
        assert (network(images[[0, 2]], uniform[[0, 2]]) - both[[0, 2]]).abs().max() < 1e-5
        moved = images.clone()
        moved[1] = -moved[1]
        assert torch.equal(network(moved, uniform)[[0, 2]], both[[0, 2]])

        pix2pix.test_mode(network, dropout=False, batch_statistics=True)
        quiet = network(images, uniform)
        assert torch.equal(network(images), quiet)
        assert not torch.allclose(quiet, both, atol=1e-3)
        assert not torch.allclose(quiet, plain, atol=1e-3)

        pix2pix.test_mode(network, dropout=False, batch_statistics=False)
        assert torch.equal(network(images), plain)
        network.train()
        assert torch.equal(network(images, uniform), network(images, uniform))
        assert not torch.equal(network(images), network(images))  # torch's own numbers where none are given
    assert network.state_dict().keys() == Generator(32, width=4).state_dict().keys()


def test_training_is_not_touched_by_test_mode():
    torch.manual_seed(6)
    network = louder(Generator(16, width=2))
    images, uniform = torch.rand(2, 3, 16, 16), torch.rand(2, network.draws())
    before = network(images, uniform)
    pix2pix.test_mode(network, dropout=True, batch_statistics=True)
    assert torch.equal(network.train()(images, uniform), before)
    assert not torch.equal(network(images[:1], uniform[:1]), before[:1])  # statistics of the batch


@pytest.mark.parametrize("dropout", [0.25, 0.5])
def test_dropout_keeps_the_mean_and_its_share(dropout):
    block = UpSample(1, 4, dropout, norm=None)
    x, uniform = torch.ones(1, 1, 64, 64), torch.rand(1, 4 * 128 * 128, generator=torch.Generator().manual_seed(0))
    ratio = (block(x, uniform) / UpSample.forward(block.eval(), x)).detach()
    assert (ratio * (1 - dropout)).round(decimals=4).unique().tolist() == [0, 1]
    check_mean((ratio == 0).double().flatten(), dropout, planted=0.02)


def test_draws_follow_the_image():
    network = Generator(32, width=4)  # up blocks to 2×2, 4×4, 8×8 of 32, 16, 8 channels… of a bottleneck of 32
    blocks = walk(network, image=(3, *network.size))
    outputs = [row.output for row in blocks if row.operations and row.operations[-1].kind == "dropout"]
    assert network.draws() == sum(c * h * w for c, h, w in outputs)
    assert network.draws(64, 32) == 2 * network.draws()
    assert network(torch.rand(1, 3, 64, 32), torch.rand(1, network.draws(64, 32))).shape == (1, 3, 64, 32)
    assert Generator(32, width=4, dropout=0.0).draws() == 0


# -------------------------------------------------------------------------------------------------------- sizes


def test_depth_from_the_size():
    assert [levels(2**k) for k in range(3, 11)] == list(range(3, 11))
    assert (levels((256, 512)), levels((64, 128)), levels(96), levels((320, 192))) == (8, 6, 5, 6)
    assert walk(Generator((64, 128), width=2), image=(3, 64, 128))[6].output == (16, 1, 2)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (100, "100×100 .* 96×96 or 112×112 can"),
        (7, "7×7 .* 8×8 can"),
        (9, "8×8 or 16×16"),
        (264, "256×256 or 320×320"),  # three halvings would leave 33×33
        ((100, 256), "96×256 can"),
    ],
)
def test_sizes_that_cannot_be_halved_are_refused(size, words):
    with pytest.raises(UsageError, match=words) as refused:
        Generator(size)
    assert "\n" not in str(refused.value)


def test_other_images_than_it_was_made_for():
    network = Generator(32, width=2)
    assert network(torch.rand(1, 3, 64, 96)).shape == (1, 3, 64, 96)
    with pytest.raises(UsageError, match=r"33×64 pixels: .* multiples of 32, such as 32×64 or 64×64"):
        network(torch.rand(1, 3, 33, 64))


@pytest.mark.parametrize("field", [1, 16, 34, 70, 286])
def test_the_smallest_images_that_a_discriminator_can_judge(field):
    network = Discriminator(2, width=2, receptive_field=field)
    least = network.smallest
    assert min(network(torch.rand(1, 2, least, least)).shape) >= 1
    with pytest.raises(UsageError, match=f"receptive field of {field}: at least {least}×{least}"):
        network(torch.rand(1, 2, least - 1, least))


# ------------------------------------------------------------------------------------------------- the public port


class PublicBlock(nn.Module):
    """A level of the widely used port's U-Net, which holds the levels below: for its tensors' names."""

    def __init__(self, outer, inner, below=None, outermost=False, given=None, instance=False):
        super().__init__()
        self.outermost = outermost

        def norm(channels):
            return nn.InstanceNorm2d(channels) if instance else nn.BatchNorm2d(channels)

        down = nn.Conv2d(given or outer, inner, 4, 2, 1, bias=instance)
        wide = inner if below is None else 2 * inner
        up = nn.ConvTranspose2d(wide, outer, 4, 2, 1, bias=instance or outermost)
        if outermost:
            parts = [down, below, nn.ReLU(), up, nn.Tanh()]
        elif below is None:
            parts = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, norm(outer)]
        else:
            parts = [nn.LeakyReLU(0.2), down, norm(inner), below, nn.ReLU(), up, norm(outer)]
        self.model = nn.Sequential(*parts)

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


def public(depth, width=4, inputs=2, outputs=3, instance=False):
    widths = [width * min(2**i, 8) for i in range(depth)]
    block = None
    for outer, inner in reversed(list(pairwise(widths))):
        block = PublicBlock(outer, inner, block, instance=instance)
    holder = nn.Module()
    holder.model = PublicBlock(outputs, width, block, outermost=True, given=inputs, instance=instance)
    return louder(holder)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("instance", [False, True])
@pytest.mark.parametrize("depth", [3, 5, 8])
def test_weights_of_the_public_port(depth, instance, prefix):
    torch.manual_seed(depth)
    theirs = public(depth, instance=instance)
    state = {prefix + name: value for name, value in theirs.state_dict().items()}
    if depth == 8 and not instance:
        for name in ("model.0.weight", "model.1.model.1.weight", "model.1.model.2.weight", "model.3.bias"):
            assert prefix + "model." + name in state
    tensors = pix2pix.from_public(state)
    arguments = pix2pix.arguments(tensors)
    norm = "instance" if instance else "batch"
    expected = {"size": 2**depth, "inputs": 2, "outputs": 3, "width": 4, "norm": norm, "skips": True}
    assert arguments == expected
    first = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    assert pix2pix.from_public(first).keys() == tensors.keys()
    ours = Generator(**arguments, dropout=0.0)
    ours.load_state_dict(tensors)
    images = torch.rand(1, 2, 2**depth, 2**depth) * 2 - 1
    with torch.no_grad():
        assert (ours(images) - theirs.model(images)).abs().max() < 1e-5


def test_other_tensors_are_refused():
    state = public(3).state_dict()
    name = "model.model.1.model.3.model.1.weight"
    cases = [
        {"model.0.weight": torch.zeros(1)},
        {},
        {k: v for k, v in state.items() if k != name},
        state | {name: torch.zeros(1, 1, 4, 4)},
        state | {"model.model.1.model.0.weight": torch.zeros(1)},
        state | {"model.model.0.bias": torch.zeros(4)},
        state | {"model.model.2.model.1.weight": torch.zeros(1)},
    ]
    for broken in cases:
        with pytest.raises(UsageError, match=r"public port|not those of a U-Net"):
            pix2pix.from_public(broken)


def test_instance_statistics_of_the_ports_first_versions_are_left_out():
    state = public(4, instance=True).state_dict()
    old = state | {
        "model.model.1.model.2.running_mean": torch.zeros(8),
        "model.model.1.model.2.running_var": torch.ones(8),
    }
    assert (
        pix2pix.from_public(old).keys()
        == pix2pix.from_public(state).keys()
        == Generator(16, 2, 3, 4, "instance").state_dict().keys()
    )


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(3, 5, 4, 2, 1, bias=False),
        nn.Conv2d(3, 5, 4, 1, 1),
        nn.Conv2d(3, 5, 1),
        nn.ConvTranspose2d(3, 5, 4, 2, 1),
    ],
    ids=["down", "stride 1", "one pixel", "up"],
)
def test_a_product_of_matrices_is_the_convolution(conv, batch, monkeypatch):
    torch.manual_seed(8)
    conv.double()
    x = torch.randn(batch, 3, 6, 4, dtype=torch.float64, requires_grad=True)

    def found(few):
        monkeypatch.setattr(pix2pix, "FEW_PIXELS", few)
        made = pix2pix.convolved(conv, x)
        return [made, *torch.autograd.grad(made.square().sum(), [x, *conv.parameters()])]

    products, convolutions = found(10_000), found(0)
    assert [type(made.grad_fn).__name__ for made in (products[0], convolutions[0])].count("ConvolutionBackward0") == 1
    for a, b in zip(products, convolutions, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() < 1e-12


def test_blocks_alone():
    assert DownSample(3, 5)(torch.rand(2, 3, 8, 12)).shape == (2, 5, 4, 6)
    assert UpSample(3, 5)(torch.rand(2, 3, 8, 12)).shape == (2, 5, 16, 24)
