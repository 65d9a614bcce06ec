"""CycleGAN's step: who moves by which term, the objective by hand, the pool, and a run that goes on exactly."""

import pytest
import torch
from players import batch, fit

from arzhang.contracts import Remembering, Translator
from arzhang.errors import UsageError
from arzhang.recipes import CycleGAN
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.training import checkpoint as checkpoints

SHAPE = (3, 16, 16)


def task(**options):
    torch.manual_seed(0)
    small = {"width": 2, "size": 16, "receptive_field": 16, "epochs": 1, "log_every": 2, "pool": 3}
    return CycleGANTask(CycleGAN(**small | options), SHAPE, SHAPE)


@pytest.mark.parametrize(
    ("size", "blocks", "parameters"), [(128, "auto", 7_837_699), (256, "auto", 11_378_179), (64, 9, 11_378_179)]
)
def test_the_papers_networks(size, blocks, parameters):
    with torch.device("meta"):
        model = CycleGANTask(CycleGAN(size=size, blocks=blocks, pool=0), (3, size, size), (3, size, size), "meta")
    for network in (model.generator, model.inverse):
        assert sum(p.numel() for p in network.parameters()) == parameters
    for judge in model.judges:
        assert sum(p.numel() for p in judge.parameters()) == 2_764_737


@pytest.mark.parametrize("players", ["generators", "discriminators"])
def test_a_turn_moves_its_own_players_weights_and_no_others(tmp_path, players):
    model = task(identity_weight=0.0)
    model.turns = [turn for turn in model.turns if turn.name == players]
    before = {name: value.clone() for name, value in model.networks.named_parameters()}
    after = fit(tmp_path / "run", model, 6, 2).tensors(checkpoints.WEIGHTS)
    moved = {name.split(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
    own = {"generators": {"generator", "inverse"}, "discriminators": {"discriminator", "inverse_discriminator"}}
    assert moved == own[players]


@pytest.mark.parametrize("identity", [0.0, 0.5])
def test_the_objective_by_hand(identity):
    model = task(cycle_weight=7.0, identity_weight=identity, pool=0)
    given = batch(model, 2)
    x, y = given.inputs * 2 - 1, given.images * 2 - 1
    g, f, (d_y, d_x) = model.generator, model.inverse, model.judges

    def l1(a, b):
        return (a - b).abs().mean()

    game = (d_y(g(x)) - 1).square().mean() + (d_x(f(y)) - 1).square().mean()
    cycle, same = l1(f(g(x)), x) + l1(g(f(y)), y), l1(g(y), y) + l1(f(x), x)
    shared = model.prepare(given)
    loss, scalars = model.make(given, shared)
    assert loss.item() == pytest.approx((game + 7 * cycle + 7 * identity * same).item(), rel=1e-5)
    assert scalars["g_cycle"].item() == pytest.approx(cycle.item() / 4, rel=1e-5)  # a mean of two, in [0, 1]
    assert ("g_identity" in scalars) == bool(identity)
    judged = sum((d(a) - 1).square().mean() + d(b).square().mean() for d, a, b in ((d_y, y, g(x)), (d_x, x, f(y)))) / 2
    loss, _ = model.judge(given, shared)
    assert loss.item() == pytest.approx(judged.item(), rel=1e-5)
    loss.backward()
    assert all(p.grad is None for network in (g, f) for p in network.parameters())
    each = model.measure(given)
    assert each["cycle_l1"].mean().item() == pytest.approx(cycle.item() / 4, rel=1e-5)
    assert each["cycle_l1_inputs"].mean().item() == pytest.approx(l1(f(g(x)), x).item() / 2, rel=1e-5)


def test_discriminators_are_shown_earlier_images():
    """A full pool whose luck is to swap: both are judged on what the pool held, and it holds what is new."""
    model = task(pool=1)
    old, new = batch(model, 1), batch(model, 2)
    new = new._replace(images=new.images[1:], inputs=new.inputs[1:], indices=new.indices[1:], noise=torch.zeros(1, 4))
    with torch.no_grad():
        for weight in model.networks.parameters():
            weight *= 15  # so that images, and verdicts, are far apart
        before, after = model.prepare(old), model.prepare(new)
        model.judge(old, before)
        loss, scalars = model.judge(new, after)
        fake = [
            d(before[f"made_{side}"]).square().mean()
            for d, side in zip(model.judges, ("images", "inputs"), strict=True)
        ]
        assert scalars["d_fake"].item() == pytest.approx((sum(fake) / 2).item(), rel=1e-5)
        kept = model.memory.get_submodule("images").images
        assert torch.equal(kept, after["made_images"])
        model.memory = task(pool=0).memory
        straight, _ = model.judge(new, after)
    assert loss.item() != pytest.approx(straight.item(), rel=1e-3)


@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_run_goes_on_exactly(tmp_path, ema):
    """Bit for bit, the pools too: without them in the checkpoint the discriminators would see other images."""
    options = {"epochs": 2, "ema": ema, "schedule": "constant"}
    whole = fit(tmp_path / "whole", task(**options), 6, 2)
    fit(tmp_path / "parts", task(**options), 6, 2, epochs=1)
    parts = fit(tmp_path / "parts", task(**options), 6, 2)
    assert whole.step == parts.step == 12
    names = [checkpoints.WEIGHTS, checkpoints.OPTIMIZERS, checkpoints.MEMORY, *([checkpoints.AVERAGED] if ema else [])]
    for name in names:
        one, two = whole.tensors(name), parts.tensors(name)
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one)
    memory = whole.tensors(checkpoints.MEMORY)
    assert memory["images.images"].shape == (1, 3, *SHAPE)  # ranks first
    assert memory["images.count"].tolist() == [3]
    assert not any("pool" in name or name.endswith("count") for name in whole.tensors(checkpoints.WEIGHTS))


def test_there_and_back():
    model = task()
    assert isinstance(model, Translator)
    assert isinstance(model, Remembering)
    images = torch.rand(3, *SHAPE)
    made = model.translate(images)
    assert made.min() >= 0
    assert made.max() <= 1
    assert torch.allclose(made[1:2], model.translate(images[1:2], seed=5), atol=1e-6)
    assert not torch.allclose(made, model.translate_back(images), atol=1e-4)
    assert model.translate((images * 255).byte()).shape == images.shape
    assert model.translate(torch.rand(1, 3, 20, 32)).shape == (1, 3, 20, 32)
    assert list(model.preview(batch(model, 2))) == ["input", "made", "back", "image", "image_made", "image_back"]
    for wrong, said in (
        (torch.rand(1, 3, 18, 16), "multiples of 4"),
        (torch.rand(1, 1, 16, 16), r"takes \(B, 3,"),
        (torch.full((1, 3, 16, 16), 2.0), r"must lie in \[0, 1\]"),
    ):
        with pytest.raises(UsageError, match=said):
            model.translate(wrong)
    with pytest.raises(UsageError, match="CycleGAN has none"):
        model.translate(images, dropout=True)


def test_the_options_are_checked():
    for wrong in ({"width": 0}, {"beta1": 1.0}, {"pool": -1}, {"cycle_weight": -1.0}, {"identity_weight": -1.0}):
        with pytest.raises(UsageError, match="--"):
            CycleGAN(**wrong)
    with pytest.raises(UsageError, match="--identity-weight 0"):
        CycleGANTask(CycleGAN(), SHAPE, (1, 16, 16))
    assert (
        CycleGANTask(CycleGAN(identity_weight=0, width=2), SHAPE, (1, 16, 16))
        .translate_back(torch.rand(1, *SHAPE))
        .shape[1]
        == 1
    )
