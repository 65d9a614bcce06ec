"""pix2pix's step: who moves by which term (4h), what a step computes, and that an image's result is its own."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from players import Memory, batch, fit

from arzhang.errors import UsageError
from arzhang.recipes import Pix2Pix
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.training import checkpoint as checkpoints

SHAPE = (3, 32, 32)


def recipe(**options):
    small = {"width": 4, "size": 32, "receptive_field": 16, "epochs": 1, "choose_by": "l1", "log_every": 2}
    return Pix2Pix(**small | options)


def task(**options):
    torch.manual_seed(0)
    return Pix2PixTask(recipe(**options), SHAPE, SHAPE)


def before_and_after(tmp_path, only):
    """Weights of both networks before and after an epoch in which only some turns are taken."""
    model = task()
    model.turns = [turn for turn in model.turns if turn.name in only]
    before = {name: value.clone() for name, value in model.networks.state_dict().items()}
    after = fit(tmp_path / "-".join(only), model, 3, 2).tensors(checkpoints.WEIGHTS)
    return {name for name, value in after.items() if not torch.equal(value, before[name])}, set(before)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_turn_moves_its_own_players_weights_and_no_others(tmp_path, player):
    moved, names = before_and_after(tmp_path, (player,))
    weights = {n for n in names if "running" not in n and "num_batches" not in n}
    # A bias before a normalisation that takes means away has no gradient; these networks have none.
    assert moved & weights == {n for n in weights if n.startswith(player)}


def test_both_turns_move_both(tmp_path):
    moved, _ = before_and_after(tmp_path, ("discriminator", "generator"))
    assert {name.split(".")[0] for name in moved} == {"generator", "discriminator"}


def test_gradients_stay_where_they_belong():
    model = task()
    given = batch(model, 2)
    shared = model.prepare(given)
    loss, _ = model.judge(given, shared)
    loss.backward(retain_graph=True)
    assert all(p.grad is None for p in model.generator.parameters())  # detached
    for parameter in model.networks.parameters():
        parameter.grad = None
    loss, _ = model.make(given, shared)
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.generator.parameters())


@pytest.mark.parametrize("conditional", [True, False])
def test_the_objective_by_hand(conditional):
    """4h from its equations, on one batch."""
    model = task(conditional=conditional, l1_weight=7.0, dropout=0.0, norm="instance")
    given = batch(model, 2)
    shared = model.prepare(given)
    d, g = model.networks.get_submodule("discriminator"), model.generator
    x, y = given.inputs * 2 - 1, given.images * 2 - 1
    made = g(x)

    def verdict(image):
        return d(torch.cat([x, image], 1) if conditional else image)

    real, fake = verdict(y).sigmoid(), verdict(made).sigmoid()
    loss_d, scalars_d = model.judge(given, shared)
    loss_g, scalars_g = model.make(given, shared)
    assert loss_d.item() == pytest.approx((-real.log().mean() - (1 - fake).log().mean()).item() / 2, rel=1e-4)
    l1 = F.l1_loss(made, y)
    assert loss_g.item() == pytest.approx((-fake.log().mean() + 7 * l1).item(), rel=1e-4)
    assert scalars_d["d_real"].item() == pytest.approx(-real.log().mean().item(), rel=1e-4)
    assert scalars_g["g_l1"].item() == pytest.approx(l1.item() / 2, rel=1e-5)  # in [0, 1]


def test_l1_alone_has_no_discriminator_and_the_game_alone_no_l1():
    alone = task(adversarial="none")
    assert [turn.name for turn in alone.turns] == ["generator"]
    assert "discriminator" not in alone.networks
    game = task(l1_weight=0.0)
    given = batch(game, 2)
    loss, scalars = game.make(given, game.prepare(given))
    assert loss.item() == pytest.approx(scalars["g_adversarial"].item())
    with pytest.raises(UsageError, match="nothing is left to train by"):
        recipe(adversarial="none", l1_weight=0.0)


def test_an_image_is_translated_by_itself():
    """Its own input, its number and the seed decide, whatever stands beside it; dropout's noise is drawn from them."""
    model = task()
    inputs = Memory(5, SHAPE).inputs
    whole = model.translate(inputs, seed=3)
    assert whole.min() >= 0
    assert whole.max() <= 1
    for i in range(5):
        assert torch.allclose(whole[i : i + 1], model.translate(inputs[i : i + 1], seed=3, first=i), atol=1e-6)
    assert not torch.allclose(whole, model.translate(inputs, seed=4), atol=1e-4)
    still = model.translate(inputs, seed=3, dropout=False)
    assert torch.equal(still, model.translate(inputs, seed=4, dropout=False))
    assert not torch.allclose(still, whole, atol=1e-4)
    assert torch.allclose(whole, model.translate(inputs, seed=3), atol=1e-6)  # and the recipe's way is back


def test_running_statistics_where_batches_were_large():
    assert task(batch_size=4).alone is False
    assert task(batch_size=1).alone is True
    assert task(batch_size=4, test_statistics="image").alone is True


def test_other_sizes_and_wrong_ones():
    model = task()
    assert model.translate(torch.rand(1, 3, 64, 32)).shape == (1, 3, 64, 32)
    assert model.translate(torch.rand(0, 3, 32, 32)).shape == (0, 3, 32, 32)
    with pytest.raises(UsageError, match="multiples of 32"):
        model.translate(torch.rand(1, 3, 40, 32))
    with pytest.raises(UsageError, match=r"takes \(B, 3,"):
        model.translate(torch.rand(1, 1, 32, 32))
    with pytest.raises(UsageError, match=r"must lie in \[0, 1\]"):
        model.translate(torch.full((1, 3, 32, 32), math.nan))


def test_variety_is_that_of_the_batch():
    model = task()
    given = batch(model, 6)
    model.networks.eval()
    with torch.no_grad():
        found = model.observe(given)
        same = model.observe(given._replace(images=given.images[:1].expand(6, -1, -1, -1)))
    expected = (given.images - given.images.mean(0)).abs().mean((1, 2, 3))
    assert torch.allclose(found["real_variety"], expected)
    assert same["real_variety"].max() < 1e-6


def test_the_options_are_checked():
    for wrong in ({"width": 0}, {"beta1": 1.0}, {"dropout": 1.0}, {"l1_weight": -1.0}):
        with pytest.raises(UsageError, match="--"):
            dataclasses.replace(recipe(), **wrong)
