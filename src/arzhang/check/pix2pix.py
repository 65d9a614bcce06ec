"""Problem 5, what is not a network: pairs taken apart, and the two losses."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arzhang.check.code import Code, as_tensor
from arzhang.check.comparison import compare
from arzhang.check.findings import Finding, Stopped, remark, right, wrong
from arzhang.tasks.adversarial import AdversarialLoss

# ------------------------------------------------------------------------------------------------------- 5a


def split_pair(user: Code) -> list[Finding]:
    """Bytes of which every one is another, so that halves, axes and range are all seen."""
    image = (torch.arange(3 * 4 * 12) * 37 % 256).to(torch.uint8).view(3, 4, 12)
    image[0, 0, 0], image[0, 0, 11] = 0, 255
    got = user(image)
    if not (isinstance(got, tuple | list) and len(got) == 2):
        raise Stopped("code.two", name=user.name, kind=type(got).__name__)
    shapes = [tuple(found.shape) if (found := as_tensor(part)) is not None else () for part in got]
    if shapes == [(3, 2, 12)] * 2:
        return [wrong("5a.height")]
    if shapes == [(4, 6, 3)] * 2:
        return [wrong("5a.channels_last")]
    kinds = [as_tensor(part) for part in got]
    if any(kind is not None and not kind.is_floating_point() for kind in kinds):
        return [wrong("5a.bytes")]
    parts = [user.numbers(part, (3, 4, 6)) for part in got]
    names = ["the segmentation", "the photo"]
    return compare("5a", names, parts, _split(frozenset(), image), lambda made: _split(made, image), SPLITS)


SPLITS = ("swapped", "unit_range", "not_scaled", "by_128", "wrapped", "mirrored")


def _split(made: frozenset[str], image: Tensor) -> list[Tensor]:
    """Right half first, x/127.5 − 1; or what it is with mistakes made."""
    x = image.double()
    if "unit_range" in made:
        x = x / 255
    elif "by_128" in made:
        x = x / 128 - 1
    elif "wrapped" in made:
        x = (image * 2).double() / 255 - 1
    elif "not_scaled" not in made:
        x = x / 127.5 - 1
    photo, segmentation = x.chunk(2, 2)
    if "mirrored" in made:
        segmentation = segmentation.flip(2)
    return [photo, segmentation] if "swapped" in made else [segmentation, photo]


# ------------------------------------------------------------------------------------------------------- 5c


class Judge(nn.Module):
    """A small discriminator of pairs: it notes what it was shown, and whether a gradient could flow back from there."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 1, 2, stride=2).double()
        self.shown: list[Tensor] = []
        with torch.no_grad():
            self.conv.weight.copy_(torch.linspace(-1, 1.3, 24).view(1, 6, 2, 2))
            self.conv.bias.fill_(0.2)  # type: ignore[union-attr]

    def forward(self, *images: Tensor) -> Tensor:
        pair = torch.cat(images, 1) if len(images) > 1 else images[0]
        if pair.ndim != 4 or pair.shape[1] != 6:
            raise Stopped("5c.pairs", got=str(tuple(pair.shape)))
        self.shown.append(pair)
        return self.conv(pair.double())


class Game:
    """A generator of one weight, a discriminator, and images."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(7)
        self.inputs, self.real, self.noise = (
            torch.rand(2, 3, 4, 6, generator=generator, dtype=torch.float64) * 2 - 1 for _ in range(3)
        )
        self.weight = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
        self.judge = Judge()
        self.made = self.weight * self.noise

    def logits(self, images: Tensor, first: Tensor | None = None) -> Tensor:
        return self.judge.conv(torch.cat([self.inputs if first is None else first, images], 1)).detach()


def discriminator_loss(user: Code) -> list[Finding]:
    """The value, and where its gradient goes: to D, and not to G."""
    game = Game()
    loss = user.number(game.judge, game.inputs, game.made, game.real)
    real, fake = game.logits(game.real), game.logits(game.made)
    truth = AdversarialLoss().discriminator(real, fake).loss

    def formula(made: frozenset[str]) -> list[Tensor]:
        if "swapped_pair" in made:
            first = (torch.cat([images, game.inputs], 1) for images in (game.real, game.made))
            return [_judged(made, *(game.judge.conv(pair).detach() for pair in first))]
        return [_judged(made, real, fake)]

    found = compare("5c", ["a small discriminator"], [loss.detach()], [truth], formula, JUDGED, 1e-5)
    if [f.id for f in found] == ["5c.not_halved"]:  # it changes the pace, not the game: a remark
        found = [right("5c.value"), remark("5c.not_halved")]
    if any(f.level == "wrong" for f in found):
        return found
    to_made, *to_judge = _flows(loss, [game.weight, *game.judge.parameters()])
    if to_made:
        return [wrong("5c.no_detach")]
    if not all(to_judge):
        return [wrong("5c.no_gradient_to_d")]
    scale = float(loss.detach() / truth)  # 2, where it is not halved
    exact = (
        AdversarialLoss()
        .discriminator(*(game.judge(torch.cat([game.inputs, images.detach()], 1)) for images in (game.real, game.made)))
        .loss
    )
    weights = list(game.judge.parameters())
    pairs = zip(torch.autograd.grad(loss, weights), torch.autograd.grad(exact, weights), strict=True)
    if not all(torch.allclose(theirs, scale * ours, rtol=1e-4, atol=1e-8) for theirs, ours in pairs):
        return [wrong("5c.half_gradient")]
    return [*found, right("5c.detached")]


def _flows(loss: Tensor, leaves: list[Tensor]) -> list[bool]:
    """Whether a gradient of the loss reaches each leaf."""
    if not loss.requires_grad:
        return [False] * len(leaves)
    found = torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True)
    return [gradient is not None and bool(gradient.any()) for gradient in found]


JUDGED = (
    "not_halved", "labels_swapped", "sigmoid_twice", "real_only", "fake_only", "least_squares", "summed",
    "swapped_pair", "negative", "all_real", "hinge", "wasserstein",
)  # fmt: skip


def _judged(made: frozenset[str], real: Tensor, fake: Tensor) -> Tensor:
    """½ [mean softplus(−real) + mean softplus(fake)], or what it is with mistakes made."""
    if "sigmoid_twice" in made:
        real, fake = real.sigmoid(), fake.sigmoid()
    terms = [F.softplus(-real), F.softplus(fake)]
    if "labels_swapped" in made:
        terms = [F.softplus(real), F.softplus(-fake)]
    elif "all_real" in made:
        terms = [F.softplus(-real), F.softplus(-fake)]
    elif "least_squares" in made:
        terms = [(real - 1).square(), fake.square()]
    elif "hinge" in made:
        terms = [F.relu(1 - real), F.relu(1 + fake)]
    elif "wasserstein" in made:
        terms = [-real, fake]
    real_term, fake_term = (term.sum() if "summed" in made else term.mean() for term in terms)
    if "real_only" in made:
        fake_term = fake_term * 0
    elif "fake_only" in made:
        real_term = real_term * 0
    value = (real_term + fake_term) / (1 if "not_halved" in made else 2)
    return -value if "negative" in made else value


WEIGHTS = (100.0, 7.0)


def generator_loss(user: Code) -> list[Finding]:
    """The value for two weights of L1, and a gradient that reaches G."""
    game = Game()
    losses = [user.number(game.judge, game.inputs, game.made, game.real, weight) for weight in WEIGHTS]
    logits, real_logits = game.logits(game.made), game.logits(game.real)
    l1 = (game.made.detach() - game.real).abs()
    truth = [AdversarialLoss().generator(logits) + weight * l1.mean() for weight in WEIGHTS]
    places = [f"weight {weight:g}" for weight in WEIGHTS]

    def formula(made: frozenset[str]) -> list[Tensor]:
        seen = real_logits if "real_judged" in made else logits
        return [_wanted(made, seen, l1, weight) for weight in WEIGHTS]

    found = compare("5c.g", places, [loss.detach() for loss in losses], truth, formula, WANTED, 1e-5)
    if found[0].level == "wrong":
        return found
    (whole,) = _flows(losses[0], [game.weight])
    if not whole:
        return [wrong("5c.g.no_gradient")]
    gradients = [torch.autograd.grad(loss, game.weight, retain_graph=True)[0] for loss in losses]
    slope = (gradients[0] - gradients[1]) / (WEIGHTS[0] - WEIGHTS[1])  # of L1 alone
    if torch.allclose(gradients[0], WEIGHTS[0] * slope, rtol=1e-6):
        return [wrong("5c.g.detached")]
    if not slope.any():
        return [wrong("5c.g.l1_detached")]
    return [*found, right("5c.g.flows")]


WANTED = (
    "saturating", "weight_missing", "no_l1", "no_game", "weight_on_game", "squares", "summed", "sigmoid_twice",
    "fools_not", "real_judged", "least_squares", "halved", "l1_subtracted",
)  # fmt: skip


def _wanted(made: frozenset[str], logits: Tensor, l1: Tensor, weight: float) -> Tensor:
    """mean softplus(−logits) + weight · L1, or what it is with mistakes made."""
    logits = logits.sigmoid() if "sigmoid_twice" in made else logits
    game = F.softplus(-logits).mean()
    if "saturating" in made:
        game = -F.softplus(logits).mean()
    elif "fools_not" in made:
        game = F.softplus(logits).mean()
    elif "least_squares" in made:
        game = (logits - 1).square().mean()
    if "halved" in made:
        game = game / 2
    distance = l1.square() if "squares" in made else l1
    near = distance.sum() if "summed" in made else distance.mean()
    near = near * (0 if "no_l1" in made else -1 if "l1_subtracted" in made else 1)
    game = game * 0 if "no_game" in made else game
    if "weight_missing" in made:
        return game + near
    return weight * game + near if "weight_on_game" in made else game + weight * near
