"""What two players share: losses by hand, gradients that point where they should, a pool that keeps its promises."""

import math

import pytest
import torch
from stats import check_mean

from arzhang.tasks.adversarial import AdversarialLoss, ImagePool

KINDS = ["vanilla", "lsgan", "hinge"]
REAL, FAKE = torch.tensor([2.0, -0.5], dtype=torch.float64), torch.tensor([0.25, -1.5, 3.0], dtype=torch.float64)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


BY_HAND = {
    "vanilla": (
        mean(-math.log(sigmoid(x)) for x in (2.0, -0.5)),
        mean(-math.log(1 - sigmoid(x)) for x in (0.25, -1.5, 3.0)),
        mean(-math.log(sigmoid(x)) for x in (0.25, -1.5, 3.0)),
        (1 / 2 + 1 / 3) / 2,
    ),
    "lsgan": (mean([1, 2.25]), mean([0.0625, 2.25, 9]), mean([0.5625, 6.25, 4]), (1 / 2 + 2 / 3) / 2),
    "hinge": (mean([0, 1.5]), mean([1.25, 0, 4]), -mean([0.25, -1.5, 3.0]), (1 / 2 + 1 / 3) / 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_losses_by_hand(kind):
    real, fake, generator, accuracy = BY_HAND[kind]
    judged = AdversarialLoss(kind).discriminator(REAL, FAKE)
    assert judged.real.item() == pytest.approx(real, abs=1e-12)
    assert judged.fake.item() == pytest.approx(fake, abs=1e-12)
    assert judged.loss.item() == pytest.approx((real + fake) / 2, abs=1e-12)
    assert judged.accuracy.item() == pytest.approx(accuracy, abs=1e-12)
    assert AdversarialLoss(kind).generator(FAKE).item() == pytest.approx(generator, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_each_player_pulls_its_own_way(kind):
    """Minimising D's loss raises real logits and lowers fake ones; minimising G's raises fake ones."""
    real, fake = torch.zeros(4, dtype=torch.float64), torch.full((4,), 0.5, dtype=torch.float64)
    real.requires_grad_()
    fake.requires_grad_()
    AdversarialLoss(kind).discriminator(real, fake).loss.backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    fake.grad = None
    AdversarialLoss(kind).generator(fake).backward()
    assert (fake.grad < 0).all()


def test_the_vanilla_generator_does_not_saturate():
    """Where D is sure that an image is made, log(1 − D) is flat and −log D has slope −1."""
    fake = torch.tensor([-40.0], requires_grad=True)
    AdversarialLoss("vanilla").generator(fake).backward()
    assert fake.grad.item() == pytest.approx(-1)


@pytest.mark.parametrize("size", [40.0, 1e4, -1e4])
def test_no_logit_is_too_large(size):
    logits = torch.tensor([size], requires_grad=True)
    for kind in KINDS:
        loss = AdversarialLoss(kind)
        total = loss.discriminator(logits, logits).loss + loss.generator(logits)
        (gradient,) = torch.autograd.grad(total, logits)
        assert total.isfinite()
        assert gradient.isfinite().all()
    assert AdversarialLoss("vanilla").generator(logits).item() == pytest.approx(max(-size, 0), abs=1e-6)


# ------------------------------------------------------------------------------------------------------- the pool


def image(value):
    return torch.full((1, 1, 2, 2), float(value))


def told(pool, value, whether, which):
    """The image that is shown when `value` comes, by its value."""
    shown = pool(image(value), torch.tensor([[whether, which]]))
    assert shown.shape == (1, 1, 2, 2)
    assert shown.unique().numel() == 1
    return shown[0, 0, 0, 0].item()


def kept(pool):
    return pool.images[:, 0, 0, 0].tolist()


def test_the_pool_step_by_step():
    pool = ImagePool((1, 2, 2), size=3)
    # Until it is full, whatever comes is kept and shown, whatever the numbers say.
    assert [told(pool, v, 0.1, 0.0) for v in (1, 2, 3)] == [1, 2, 3]
    assert (kept(pool), pool.count.item()) == ([1, 2, 3], 3)
    assert told(pool, 4, 0.1, 0.5) == 2  # swapped with place ⌊0.5·3⌋
    assert kept(pool) == [1, 4, 3]
    assert told(pool, 5, 0.5, 0.5) == 5  # shown as it came, not kept
    assert kept(pool) == [1, 4, 3]
    assert told(pool, 6, 0.49, 0.999) == 3
    assert told(pool, 7, 0.0, 0.0) == 1
    assert (kept(pool), pool.count.item()) == ([7, 4, 6], 3)


def test_a_batch_is_its_images_one_after_another():
    uniform = torch.rand(40, 2, generator=torch.Generator().manual_seed(0))
    images = torch.arange(40.0).view(40, 1, 1, 1).expand(40, 1, 2, 2)
    one, many = ImagePool((1, 2, 2), 5), ImagePool((1, 2, 2), 5)
    singly = torch.cat([one(images[i : i + 1], uniform[i : i + 1]) for i in range(40)])
    together = torch.cat([many(images[i : i + 8], uniform[i : i + 8]) for i in range(0, 40, 8)])
    assert torch.equal(singly, together)
    assert torch.equal(one.images, many.images)
    assert not torch.equal(singly, images)


def test_nothing_is_lost_or_doubled():
    """Every image that came was either shown or is still kept, and none more than once (but for the first ones)."""
    pool = ImagePool((1, 2, 2), 50)
    n = 2_050
    uniform = torch.rand(n, 2, generator=torch.Generator().manual_seed(1))
    shown = [told(pool, v, *uniform[v].tolist()) for v in range(n)]
    assert shown[:50] == list(range(50))
    assert sorted(shown[50:] + kept(pool)) == list(range(n))
    earlier = torch.tensor([s != v for v, s in enumerate(shown)][50:]).double()
    check_mean(earlier, 0.5, planted=0.15)


def test_what_a_pool_holds_is_saved_and_goes_on():
    uniform = torch.rand(60, 2, generator=torch.Generator().manual_seed(2))
    first = ImagePool((1, 2, 2), 10)
    for v in range(30):
        told(first, v, *uniform[v].tolist())
    second = ImagePool((1, 2, 2), 10)
    second.load_state_dict({name: value.clone() for name, value in first.state_dict().items()})
    rest = [[told(pool, v, *uniform[v].tolist()) for v in range(30, 60)] for pool in (first, second)]
    assert rest[0] == rest[1]
    assert set(rest[0]) & set(range(30))  # earlier ones among them
    assert list(first.parameters()) == []


def test_no_gradient_and_no_alias():
    pool = ImagePool((1, 2, 2), 2)
    made = image(1).requires_grad_()
    assert not pool(made, torch.zeros(1, 2)).requires_grad
    with torch.no_grad():
        made.fill_(9)
    assert kept(pool)[0] == 1
    assert not ImagePool((1, 2, 2), 0)(image(1).requires_grad_(), torch.zeros(1, 2)).requires_grad


def test_a_pool_of_none():
    pool = ImagePool((1, 2, 2), 0)
    assert [told(pool, v, 0.0, 0.0) for v in range(4)] == [0, 1, 2, 3]


def test_half_precision_comes_back_as_it_came():
    pool = ImagePool((1, 2, 2), 2)
    assert pool(image(0.5).bfloat16(), torch.zeros(1, 2)).dtype == torch.bfloat16
    assert pool.images.dtype == torch.float32
