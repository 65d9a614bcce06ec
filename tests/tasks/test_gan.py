"""A GAN's step: who moves by which term, what a step computes, and that the class decides what is made."""

import pytest
import torch
from players import batch, fit

from arzhang.contracts import Batch
from arzhang.errors import UsageError
from arzhang.recipes import CGAN, GAN
from arzhang.tasks.gan import GANTask
from arzhang.training import checkpoint as checkpoints

SHAPE, CLASSES = (1, 8, 8), 3


def task(kind=CGAN, **options):
    torch.manual_seed(0)
    small = {"width": 2, "latent_dim": 4, "batch_size": 4, "log_every": 2, "epochs": 1, "preview_every": 1}
    return GANTask(kind(**small | options), SHAPE, CLASSES)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("kind", [GAN, CGAN])
def test_a_turn_moves_its_own_players_weights_and_no_others(tmp_path, kind, player):
    model = task(kind, adversarial="vanilla")  # of which every weight has a gradient
    model.turns = [turn for turn in model.turns if turn.name == player]
    before = {name: value.clone() for name, value in model.networks.named_parameters()}
    after = fit(tmp_path / "run", model, 12, 5, CLASSES).tensors(checkpoints.WEIGHTS)
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert moved == {name for name in before if name.startswith(player)}


def test_no_gradient_of_ds_turn_reaches_g():
    model = task()
    given = batch(model, 6, CLASSES)
    shared = model.prepare(given)
    model.judge(given, shared)[0].backward(retain_graph=True)
    assert all(p.grad is None for p in model.generator.parameters())
    model.make(given, shared)[0].backward()
    assert all(p.grad is not None for p in model.generator.parameters())


@pytest.mark.parametrize("kind", [GAN, CGAN])
def test_the_objective_by_hand(kind):
    """min over D of −½(log D(x, y) + log(1 − D(G(z, y), y))), and over G of −log D(G(z, y), y)."""
    model = task(kind, adversarial="vanilla", norm="batch")
    given = batch(model, 6, CLASSES)
    shared = model.prepare(given)
    told = (given.labels,) if kind is CGAN else ()
    made = model.generator(given.noise, *told)
    real, fake = (model.discriminator(x, *told).sigmoid() for x in (given.images * 2 - 1, made))
    loss_d, scalars = model.judge(given, shared)
    loss_g, _ = model.make(given, shared)
    assert loss_d.item() == pytest.approx((-real.log().mean() - (1 - fake).log().mean()).item() / 2, rel=1e-4)
    assert loss_g.item() == pytest.approx(-fake.log().mean().item(), rel=1e-4)
    right = ((real > 0.5).float().mean() + (fake <= 0.5).float().mean()) / 2
    assert scalars["d_accuracy"].item() == pytest.approx(right.item())


def test_validation_is_the_mean_of_what_is_measured_of_each_image():
    model = task()
    model.networks.eval()
    given = batch(model, 6, CLASSES)
    with torch.no_grad():
        each = model.measure(given)
        _, whole = model.judge(given, model.prepare(given))
    assert each["d_real"].shape == (6,)
    for name, value in whole.items():
        assert each[name].mean().item() == pytest.approx(value.item(), rel=1e-4)


def test_the_class_is_told_to_both_players():
    model = task()
    model.networks.eval()
    given = batch(model, 6, CLASSES)
    other = given._replace(labels=(given.labels + 1) % CLASSES)
    with torch.no_grad():
        assert not torch.allclose(model.made(given), model.made(other), atol=1e-5)
        assert not torch.allclose(model.measure(given)["d_real"], model.measure(other)["d_real"], atol=1e-6)
        shared = model.prepare(given)
        assert model.judge(given, shared)[0] != model.judge(other, shared)[0]
        assert model.make(given, shared)[0] != model.make(other, shared)[0]
    plain = task(GAN)
    assert torch.equal(plain.made(given), plain.made(other))


@pytest.mark.parametrize("kind", [GAN, CGAN])
def test_one_image_a_class_is_no_variety(kind, monkeypatch):
    """Images that differ from class to class, but not within one: to a cgan that is collapse."""
    model = task(kind)
    given = batch(model, 12, CLASSES)
    one_a_class = given.images[:CLASSES][given.labels]
    monkeypatch.setattr(model, "made", lambda batch: one_a_class)
    found = model.observe(given)
    if kind is CGAN:
        assert found["made_variety"].max() < 1e-6
        own = torch.stack([given.images[given.labels == label].mean(0) for label in range(CLASSES)])[given.labels]
        assert torch.allclose(found["real_variety"], (given.images - own).abs().mean((1, 2, 3)), atol=1e-6)
    else:
        assert found["made_variety"].min() > 0.1


def learns_the_class(model):
    """The share of images made of class k that are near to k/2, after a training on images that are."""
    torch.manual_seed(0)
    for step in range(120):
        labels = torch.randint(0, CLASSES, (32,))
        images = (labels / 2).view(-1, 1, 1, 1).expand(-1, *SHAPE)
        noise = model.noise(32, torch.Generator().manual_seed(step))
        given = Batch(images, torch.arange(32), noise, labels=labels)
        shared = model.prepare(given)
        for turn in model.turns:
            turn.optimizer.zero_grad()
            turn.loss(given, shared)[0].backward()
            turn.optimizer.step()
    made = torch.stack([model.sample(16, label=label).mean((1, 2, 3)) for label in range(CLASSES)])
    return ((made - torch.arange(CLASSES)[:, None] / 2).abs() < 0.25).double().mean().item()


def test_what_is_made_is_of_the_class_that_was_asked_for(monkeypatch):
    options = {"lr": 0.01, "width": 4, "batch_size": 32}
    assert learns_the_class(task(**options)) > 0.9
    deaf = task(**options)
    monkeypatch.setattr(deaf, "_told", lambda batch: (torch.zeros_like(batch.labels),))
    assert learns_the_class(deaf) < 0.6


@pytest.mark.parametrize("kind", [GAN, CGAN])
def test_a_run_goes_on_exactly(tmp_path, kind):
    options = {"epochs": 2, "ema": 0.9}
    whole = fit(tmp_path / "whole", task(kind, **options), 12, 5, CLASSES)
    fit(tmp_path / "parts", task(kind, **options), 12, 5, CLASSES, epochs=1)
    parts = fit(tmp_path / "parts", task(kind, **options), 12, 5, CLASSES)
    assert whole.step == parts.step == 6
    for name in (checkpoints.WEIGHTS, checkpoints.AVERAGED, checkpoints.OPTIMIZERS):
        one, two = whole.tensors(name), parts.tensors(name)
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one)


def test_samples():
    model = task()
    every = model.sample(7, seed=1)
    assert every.shape == (7, *SHAPE)
    assert torch.equal(every, model.sample(7, seed=1))
    assert not torch.equal(every, model.sample(7, seed=2))
    assert torch.allclose(every[-1:], model.sample(7, seed=1, label=2)[-1:], atol=1e-6)  # in the order of classes
    assert torch.allclose(every[:1], model.sample(7, seed=1, label=0)[:1], atol=1e-6)
    rows = model.preview(batch(model, 6, CLASSES))
    assert list(rows) == ["class_0", "class_1", "class_2"]
    assert list(task(GAN).preview(batch(model, 6, CLASSES))) == ["real", "made"]
    for wrong in (-1, 3):
        with pytest.raises(UsageError, match="there are 3, counted from 0"):
            model.sample(1, label=wrong)
    with pytest.raises(UsageError, match="knows no classes"):
        task(GAN).sample(1, label=0)


@pytest.mark.parametrize("classes", [0, 1])
def test_a_cgan_needs_classes(classes):
    with pytest.raises(UsageError, match="needs two classes or more") as caught:
        GANTask(CGAN(), SHAPE, classes)
    assert "\n" not in str(caught.value)
    assert GANTask(GAN(width=2), SHAPE, classes).classes == 0


def test_the_options_are_checked():
    for wrong in ({"width": 0}, {"beta1": 1.0}, {"latent_dim": 0}, {"batch_size": 1}):
        with pytest.raises(UsageError, match="--"):
            GAN(**wrong)
