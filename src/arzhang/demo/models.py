"""What the page shows of a run: a panel for each kind of model, which says what it has, and answers."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, MixtureSameFamily

from arzhang import __version__, assembly, recipes, translation
from arzhang.contracts import Translator
from arzhang.data import images, pairs, streets
from arzhang.demo import gradients
from arzhang.demo.requests import LARGEST, SIDE, Refused, Values, chosen, image, rows, several, whole
from arzhang.errors import ArzhangError, UsageError
from arzhang.palettes import CITYSCAPES
from arzhang.randomness import generator
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.tasks.gan import GANTask
from arzhang.tasks.vae import ACTIVE, VAETask
from arzhang.training import published
from arzhang.training.run import CONFIG, Run

Notify = Callable[[str], None]
Answer = Tensor | dict[str, Any]
"""Images in [0, 1], (N, C, H, W), or what goes into a JSON object."""

PAINTER = Path(__file__).parent / "painter"
"""A published model in the package: a small painter of streets."""
MAPS, SCENES, EXAMPLES, POINTS = 100, 16, 500, 2_000
"""Validation inputs to begin from, streets among them; test images to interpolate; encoded test images on a pad."""
MOST = 64
"""Images that are made at once."""
BOUND = 1_000.0
"""No latent or noise lies beyond it."""
COLOURS = 64
"""More different colours than these, and an image is no label map."""
DRAWS = 64
"""Samples of a KL that has no closed form."""


class Translation:
    """pix2pix or CycleGAN: one image is made of another, there and (CycleGAN) back."""

    kind: ClassVar[str] = "translation"

    def __init__(self, id: str, title: str, model: Translator, maps: pairs.Pairs | None) -> None:
        self.id, self.title, self.model, self.maps = id, title, model, maps
        self.back = model.translate_back if isinstance(model, CycleGANTask) else None
        recipe = model.recipe
        given, made = ("right", "left") if recipe.direction == "right-to-left" else ("left", "right")
        self.labels = {
            way: recipe.label_side in (side, "both") for way, side in (("ab", given), ("ba", made))
        }  # fmt: skip
        self.dropout = bool(getattr(recipe, "dropout", 0.0))
        self.count = 0 if maps is None else min(len(maps.inputs), len(maps.images), MAPS)

    def about(self) -> dict[str, Any]:
        _, height, width = self.model.shape
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "height": height,
            "width": width,
            "palette": self._palette(),
            "sides": [
                "segmentation" if self.labels["ab"] else "input",
                "segmentation" if self.labels["ba"] else "photo" if self.labels["ab"] else "output",
            ],
            "dropout": self.dropout,
            "maps": self.count,
            "directions": ["ab"] if self.back is None else ["ab", "ba"],
        }

    def _palette(self) -> list[dict[str, str]] | None:
        """The colours of the label maps that are given: Cityscapes' where they are known to be, else those found."""
        if not self.labels["ab"] or self.model.input_shape[0] != 3:
            return None
        colours = {colour: name for name, colour in CITYSCAPES}
        if self.maps is not None and not self.model.recipe.snap:
            some = self.maps.inputs.raw(torch.arange(self.count))
            found = torch.unique(some.permute(0, 2, 3, 1).reshape(-1, 3), dim=0)
            if some.dtype != torch.uint8 or len(found) > COLOURS:
                return None
            used = [(int(r), int(g), int(b)) for r, g, b in found.tolist()]
            if not set(used) <= colours.keys():
                colours = {colour: colours.get(colour, f"class {i}") for i, colour in enumerate(used)}
        return [{"name": name, "colour": "#{:02x}{:02x}{:02x}".format(*colour)} for colour, name in colours.items()]

    def translate(self, values: Values, body: bytes) -> Answer:
        """The image that is made of the one sent."""
        seed = whole(values, "seed", 0, LARGEST, 0)
        way = chosen(values, "direction", ("ab",) if self.back is None else ("ab", "ba"), "ab")
        dropout = None
        if "dropout" in values:
            dropout = bool(whole(values, "dropout", 0, 1))
        given = self.model.input_shape if way == "ab" else self.model.shape
        seen = _tensor(body, given)
        if self.back is not None and way == "ba":
            return self.back(_brought(seen, given, self.labels["ba"]))
        return self.model.translate(
            _brought(seen, given, self.labels["ab"]), seed, dropout=dropout if self.dropout else None
        )

    def map(self, values: Values, body: bytes) -> Answer:
        """A validation image, as it is given to the model."""
        way = chosen(values, "direction", ("ab", "ba"), "ab")
        i = _index(values, self.count, "validation images")
        assert self.maps is not None
        return (self.maps.inputs if way == "ab" else self.maps.images).batch(torch.tensor([i]))


class Member(NamedTuple):
    """One VAE of a panel, and what is known of its latent space."""

    id: str
    label: str
    model: VAETask
    active: list[dict[str, Any]]
    codes: Float[Tensor, "n D"] | None
    """Posterior means of test images."""

    @property
    def components(self) -> int:
        return self.model.recipe.components if self.model.recipe.prior == "mixture" else 0

    def about(self) -> dict[str, Any]:
        latent = self.model.recipe.latent_dim
        about = {"id": self.id, "label": self.label, "latent": latent}
        return about | {"components": self.components, "active": self.active}


class Autoencoder:
    """A VAE, or those of a sweep: decode, encode, walk, sample."""

    kind: ClassVar[str] = "vae"

    def __init__(
        self, id: str, title: str, models: Mapping[str, VAETask], test: images.Images | None, names: tuple[str, ...]
    ) -> None:
        self.id, self.title, self.test, self.names = id, title, test, names
        self.shape = next(iter(models.values())).shape
        for label, model in models.items():
            if model.shape != self.shape:
                raise UsageError(f"{label}: makes images of {model.shape}, others of {self.shape}: show them apart")
        self.count = 0 if test is None else min(len(test), EXAMPLES)
        self.members = {
            str(i): self._member(str(i), label, model) for i, (label, model) in enumerate(models.items())
        }  # fmt: skip

    def _member(self, id: str, label: str, model: VAETask) -> Member:
        latent = model.recipe.latent_dim
        if self.test is None:
            return Member(id, label, model, [{"unit": unit, "kl": None} for unit in range(latent)], None)
        some = torch.arange(min(len(self.test), POINTS)).split(250)
        found = [_code(model.posterior(self.test.batch(part))) for part in some]
        means, scales = torch.cat([mean for mean, _ in found]), torch.cat([scale for _, scale in found])
        kl = ((means.square() + scales.square() - 1) / 2 - scales.log()).mean(0).tolist() if model.closed else None
        spread = means.var(0, unbiased=False)
        order = (spread if kl is None else torch.tensor(kl)).argsort(descending=True).tolist()
        active = [unit for unit in order if spread[unit] > ACTIVE] or order[:1]
        return Member(id, label, model, [{"unit": i, "kl": None if kl is None else kl[i]} for i in active], means)

    def about(self) -> dict[str, Any]:
        channels, height, width = self.shape
        first = next(iter(self.members.values())).about()
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "height": height,
            "width": width,
            "channels": channels,
            "latent": first["latent"],
            "members": [member.about() for member in self.members.values()],
            "active": first["active"],
            "components": first["components"],
            "examples": self.count,
            "classes": list(self.names),
        }

    def _asked(self, values: Values) -> Member:
        return self.members[chosen(values, "member", self.members, next(iter(self.members)))]

    def decode(self, values: Values, body: bytes) -> Answer:
        """The images of latents."""
        model = self._asked(values).model
        return model.decode(torch.tensor(rows(values, "latents", MOST, model.recipe.latent_dim, BOUND)))

    @torch.no_grad()
    def encode(self, values: Values, body: bytes) -> Answer:
        """q(z|x) of the image that was sent, and its KL from the prior in nats."""
        model = self._asked(values).model
        seen = _brought(_tensor(body, self.shape), self.shape, False)
        mean, scale = _code(model.posterior(seen))
        draws = 1 if model.closed else DRAWS
        noise = model.noise(draws, generator(0, "demo", "kl")).to(model.device)
        kl = model.terms(seen.to(model.device).expand(draws, *self.shape), noise).kl
        assert kl is not None
        return {"mean": mean[0].tolist(), "scale": scale[0].tolist(), "kl": float(kl.mean())}

    def example(self, values: Values, body: bytes) -> Answer:
        """A test image."""
        i = _index(values, self.count, "test images")
        assert self.test is not None
        return self.test.batch(torch.tensor([i]))

    def projection(self, values: Values, body: bytes) -> Answer:
        """The codes of test images in the plane of their first two principal axes."""
        codes = self._asked(values).codes
        if codes is None:
            raise Refused(404, "there are no test images here")
        centre, axes, points = plane(codes)
        labels = [None] * len(codes)
        if self.test is not None and self.test.labels is not None:
            labels = self.test.labels[: len(codes)].tolist()
        placed = [[*point, label] for point, label in zip(points.tolist(), labels, strict=True)]
        return {"points": placed, "centre": centre.tolist(), "axes": axes.tolist()}

    def sample(self, values: Values, body: bytes) -> Answer:
        """Latents drawn from the prior, or from one of its components."""
        member = self._asked(values)
        component = None
        if values.get("component") is not None:
            if not member.components:
                raise Refused(422, "component: the prior of this model is one Gaussian")
            component = whole(values, "component", 0, member.components - 1)
        count = whole(values, "count", 1, MOST, 1)
        return {"latents": member.model.draw(count, whole(values, "seed", 0, LARGEST, 0), component).tolist()}


def plane(
    codes: Float[Tensor, "n D"],
) -> tuple[Float[Tensor, " D"], Float[Tensor, "2 D"], Float[Tensor, "n 2"]]:
    """The centre of some codes, the first two principal axes (orthonormal; the second is zero where D is 1), and the
    codes' coordinates along them.

    >>> centre, axes, points = plane(torch.tensor([[1.0, 0.0, 5.0], [3.0, 0.0, 5.0]]))
    >>> centre.tolist(), axes[0].tolist(), points[:, 0].tolist()
    ([2.0, 0.0, 5.0], [1.0, 0.0, 0.0], [-1.0, 1.0])
    """
    centre = codes.double().mean(0)
    around = codes.double() - centre
    _, vectors = torch.linalg.eigh(around.T @ around)  # ascending
    axes = vectors.T.flip(0)[:2]
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()  # their largest entries point upwards
    axes = F.pad(axes, (0, 0, 0, 2 - len(axes)))
    return centre, axes, around @ axes.T


def _code(q: Distribution) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
    """Mean and scale of q(z|x), of a mixture those of its likeliest component."""
    if not isinstance(q, MixtureSameFamily):
        return q.mean, q.stddev
    at = torch.arange(len(q.mixture_distribution.probs)), q.mixture_distribution.probs.argmax(1)
    return q.component_distribution.mean[at], q.component_distribution.stddev[at]


class Generator:
    """A GAN: images of noise, and of classes where it is told them."""

    kind: ClassVar[str] = "gan"

    def __init__(self, id: str, title: str, model: GANTask, names: tuple[str, ...]) -> None:
        self.id, self.title, self.model = id, title, model
        self.names = [names[i] if i < len(names) else str(i) for i in range(model.classes)]

    def about(self) -> dict[str, Any]:
        channels, height, width = self.model.shape
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "height": height,
            "width": width,
            "channels": channels,
            "latent": self.model.recipe.latent_dim,
            "classes": self.names,
        }

    def generate(self, values: Values, body: bytes) -> Answer:
        """For each class that was asked for, the images of the same noise."""
        asked = several(values, "classes", MOST)
        labels = [whole({"classes": label}, "classes", 0, self.model.classes - 1) for label in asked]
        if bool(labels) is not bool(self.names):
            has = f"{len(self.names)} classes: name one or more" if self.names else "no classes: give []"
            raise Refused(422, f"classes: this model knows {has}")
        if values.get("noise") is None:
            count, seed = whole(values, "count", 1, MOST, 1), whole(values, "seed", 0, LARGEST, 0)
            noise = self.model.noise(count, generator(seed, "sample"))
        else:
            noise = torch.tensor(rows(values, "noise", MOST, self.model.recipe.latent_dim, BOUND))
        if len(noise) * max(1, len(labels)) > MOST:
            raise Refused(422, f"count: {len(noise)} images of each of {len(labels)} classes: at most {MOST} in all")
        if not labels:
            return self.model.decode(noise)
        return self.model.decode(noise.repeat(len(labels), 1), torch.tensor(labels).repeat_interleave(len(noise)))


Panel = Translation | Autoencoder | Generator | gradients.Explorer


class Shown(NamedTuple):
    """What the page shows."""

    title: str
    panels: dict[str, Panel]

    def about(self) -> dict[str, Any]:
        return {"version": __version__, "title": self.title, "panels": [one.about() for one in self.panels.values()]}

    def answer(self, name: str, values: Values, body: bytes) -> Answer:
        """What a panel answers, in [0, 1] where it is an image. Raises Refused."""
        able = {id: panel for id, panel in self.panels.items() if hasattr(panel, name)}
        asked = values.get("panel", next(iter(able), None))
        if not isinstance(asked, str) or asked not in able:
            raise Refused(404, f"no panel here answers that: {', '.join(able) or name}")
        try:
            found: Answer = getattr(able[asked], name)(values, body)
        except UsageError as error:
            raise Refused(422, str(error)) from None
        return found


# -------------------------------------------------------------------------------------------------------- from a run


def shown(
    run: str | None, *, checkpoint: str = "best", device: torch.device | str = "cpu", notify: Notify = print
) -> Shown:
    """What there is to show of a run, of a published model, or of a sweep's folder of VAEs; of None: the painter that
    comes with the package, and the explorer of gradients. Raises UsageError for what cannot be shown."""
    if run is None:
        panels: dict[str, Panel] = {}
        if published.found(PAINTER) is not None:
            model = assembly.load(PAINTER, device=device, notify=notify)
            panels["painter"] = Translation("painter", "Paint a street", model, _pairs(model, notify))
        panels["gradients"] = gradients.Explorer("gradients", "The variance of gradient estimators")
        return Shown("Arzhang", panels)
    members = _members(run)
    models = {
        label: assembly.load(path, checkpoint=checkpoint, device=device, notify=notify)
        for label, path in members.items()
    }
    for label, model in models.items():
        if not isinstance(model, VAETask) and len(models) > 1:
            raise UsageError(f"{run}: {label} is a run of {model.recipe.system}; of several runs VAEs alone are shown")
    model = next(iter(models.values()))
    system, name = model.recipe.system, str(run).rstrip("/").rsplit("/", 1)[-1]
    title = f"{system}: {name}"
    panel: Panel
    if isinstance(model, VAETask):
        parts = _parts(model.recipe, notify)
        panel = Autoencoder(system, title, models, *(parts and (parts.test, parts.classes or ())) or (None, ()))
    elif isinstance(model, GANTask):
        panel = Generator(system, title, model, _classes(run))
    elif isinstance(model, Translator):
        panel = Translation(system, title, model, _pairs(model, notify))
    else:
        raise UsageError(f"{run}: a run of {system} has nothing to show; vae, gan, cgan, pix2pix and cyclegan have")
    return Shown(title, {panel.id: panel})


def _members(run: str) -> dict[str, str | Path]:
    """The run itself, or the runs of a sweep's folder, in the order of their numbers."""
    folder = Path(run)
    if not folder.is_dir() or (folder / CONFIG).is_file() or published.found(run) is not None:
        return {folder.name: run}
    found = [path for path in folder.iterdir() if (path / CONFIG).is_file()]
    if not found:
        raise UsageError(f"{run}: neither a run nor a folder of runs (`arzhang train` and `arzhang sweep` make them)")
    return {path.name: path for path in sorted(found, key=lambda path: _natural(path.name))}


def _natural(name: str) -> list[tuple[float, str]]:
    """So that weight=4 comes before weight=10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", name)
    return [(float(part), "") if i % 2 else (-1.0, part) for i, part in enumerate(parts)]


def _parts(recipe: recipes.Training, notify: Notify, **how: Any) -> images.Splits | None:
    """The data of a run; None where they are not at hand."""
    try:
        return assembly.splits(recipe, "cpu", notify, **how)
    except ArzhangError as error:
        notify(f"no images of the data set to begin from: {error}")
        return None


def _pairs(model: Translator, notify: Notify) -> pairs.Pairs | None:
    """The validation part; of streets, which are drawn for it, a few, and no other part."""
    recipe = model.recipe
    if recipe.dataset == "streets" and recipe.data in (None, "streets"):
        sides = streets.made("validation", SCENES, *model.shape[1:], notify).sides
        photos, labels = (images.Images(torch.from_numpy(np.array(side))) for side in sides)
        forward = recipe.direction == "right-to-left"
        return pairs.Pairs(photos, labels) if forward else pairs.Pairs(labels, photos)
    try:
        return assembly.splits(recipe, "cpu", notify, unpaired=False).validation
    except ArzhangError:  # two folders whose names do not agree, or none
        parts = _parts(recipe, notify)
        return None if parts is None else parts.validation


def _classes(run: str) -> tuple[str, ...]:
    folder = published.found(run)
    facts = published.read(folder).data if folder is not None else Run(run).config["data"]
    return tuple(map(str, facts.get("classes", ())))


# ------------------------------------------------------------------------------------------------------- from a body


def _tensor(body: bytes, shape: tuple[int, int, int]) -> Float[Tensor, "1 C h w"]:
    """A PNG as a model takes images of this shape, at its own size."""
    pixels = image(body, shape[0], max(SIDE, *shape[1:]))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def _brought(seen: Float[Tensor, "1 C h w"], shape: tuple[int, int, int], labels: bool) -> Float[Tensor, "1 C H W"]:
    """An image at the model's size; of a label map the nearest pixels, so that no colours are mixed."""
    if tuple(seen.shape[2:]) == shape[1:]:
        return seen
    return translation.resized(seen, shape[1:], labels)


def _index(values: Values, count: int, what: str) -> int:
    i = whole(values, "i", -LARGEST, LARGEST)
    if not 0 <= i < count:
        raise Refused(404, f"{i}: there are {count} {what}, counted from 0")
    return i
