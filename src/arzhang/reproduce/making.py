"""How the parts of the assignment are made: each does what is missing in its folder, and nothing where it is whole."""

import contextlib
import dataclasses
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from arzhang import devices, evaluation, explain, recipes, sweep
from arzhang.data import edges, images
from arzhang.data import pairs as data
from arzhang.data.images import Images
from arzhang.errors import ArzhangError
from arzhang.explain import drawing
from arzhang.files import write_atomically
from arzhang.metrics.features import inception_extractor
from arzhang.networks import vae as tables
from arzhang.report import parts
from arzhang.reproduce.budgets import Budget, Streets
from arzhang.studies.options import ClassStudy
from arzhang.wording import LANGUAGES, speaking

Notify = Callable[[str], None]
METRICS = ("fid", "kid", "prdc", "sliced-wasserstein")
TRANSLATED = ("fid", "kid")


@dataclass(frozen=True)
class Work:
    """What a part is made with."""

    budget: Budget
    home: Path
    """The folder of the parts' results."""
    notify: Notify

    def run(self, recipe: recipes.Training, name: str, samples: int = 1, **how: Any) -> Path:
        """A run, trained and evaluated, as `home/name`: what is there already is kept."""
        return sweep.one(recipe, self.home / name, samples, self.notify, **how).path

    def study(self, name: str, options: Any) -> None:
        """A study in `home/name`; it is kept where it was made with the same options."""
        result = self.home / name / f"{name}.json"
        wanted = json.loads(json.dumps(dataclasses.asdict(options)))
        known: Any = None
        with contextlib.suppress(OSError, ValueError, RecursionError):  # what cannot be read is made anew
            known = json.loads(result.read_text(encoding="utf-8"))
        if not isinstance(known, dict) or known.get("options") != wanted:
            importlib.import_module(f"arzhang.studies.{name}").study(options, self.home / name, self.notify)

    @property
    def features(self) -> str:
        """What image metrics see where the Inception network would take too long."""
        return str(self.home / "classifier")

    def seeds(self, name: str) -> list[tuple[int, str]]:
        return [(seed, f"{name}-{seed}") for seed in range(self.budget.seeds)]


def study(name: str) -> Callable[[Work], None]:
    return lambda work: work.study(name, getattr(work.budget, name))


def networks(work: Work) -> None:
    """Layer tables, weights and drawings, from the modules themselves at the paper's size."""
    found: dict[str, Any] = {}
    folder = work.home / "networks"
    if (folder / "networks.json").exists():  # written last
        return
    for network in explain.of_recipe(recipes.Pix2Pix(size=256)):
        rows = {code: _rows(network, code) for code in LANGUAGES}
        said: dict[str, Any] = {"weights": network.weights, "size": 256, "blocks": len(rows["en"]) - 1}
        said |= {"narrowest": rows["en"][said["blocks"] // 2][2]}  # of the generator, which goes down and up
        if network.judges:
            last = network.blocks[-1]
            said |= {"outputs": explain.size(last.output[1:]), "sees": last.sees}
        found[network.name] = {"rows": rows, "said": said}
        _drawn(network, folder / network.name)
    (ordinary,) = explain.chosen(explain.of_recipe(recipes.GAN(size=64), channels=3), "discriminator")
    _drawn(ordinary, folder / "ordinary")
    for name, module in (("encoder", tables.Encoder()), ("decoder", tables.Decoder())):
        found[name] = {"said": {"weights": _count(module), "size": 28}}
    _write(folder / "networks.json", found)


def _rows(network: explain.Network, language: str) -> list[tuple[str, ...]]:
    with speaking(language):
        return explain.rows(network)


def _drawn(network: explain.Network, out: Path) -> None:
    for language in LANGUAGES:
        with speaking(language):
            drawing.write([network], out.with_suffix(".svg"))


def _count(module: Any) -> int:
    return sum(weights.numel() for weights in module.parameters())


def classifier(work: Work) -> None:
    work.run(recipes.Classifier(epochs=work.budget.classifier_epochs), "classifier")


def vae(work: Work) -> None:
    for seed, name in work.seeds("vae"):
        recipe = recipes.VAE(epochs=work.budget.epochs, seed=seed)
        work.run(recipe, name, work.budget.samples, metrics=METRICS, features=work.features)


def mixture(work: Work) -> None:
    for seed, name in work.seeds("mixture"):
        begun = str(work.home / f"vae-{seed}")
        recipe = recipes.VAE(
            epochs=work.budget.mixture_epochs, seed=seed, prior="mixture", divergence="cauchy-schwarz", init_from=begun
        )
        work.run(recipe, name, work.budget.samples, metrics=("fid", "kid"), features=work.features)


def weights(work: Work) -> None:
    kind = {"prior": "mixture", "divergence": "cauchy-schwarz", "epochs": work.budget.mixture_epochs}
    typed = recipes.as_flags(kind | {"init_from": str(work.home / "vae-0")})
    sweep.sweep("vae", typed, {"beta": work.budget.weights}, work.home / "weights", samples=work.budget.samples,
                processes=1, notify=work.notify)  # fmt: skip


def fid(work: Work) -> None:
    """3g on the real Inception network, at the n that the budget allows."""
    n, device = work.budget.fid_n, devices.device("auto")
    for _, name in work.seeds("vae"):
        found = evaluation.read(work.home / name)
        if found.get("fid_samples", {}).get("n") != n:
            evaluation.judge_again(
                work.home / name, ("fid",), inception_extractor("pytorch-fid", device=device), n=n, device=device,
                notify=work.notify,
            )  # fmt: skip


def beta(work: Work) -> None:
    options = work.budget.beta
    own = options.features == "classifier"
    work.study("beta", replace(options, features=work.features) if own else options)


def metrics(work: Work) -> None:
    options = replace(work.budget.metrics, run=str(work.home / "vae-0"))
    own = options.features == "classifier"
    work.study("metrics", replace(options, features=work.features) if own else options)


def gan(kind: type[recipes.GAN]) -> Callable[[Work], None]:
    def make(work: Work) -> None:
        epochs, width = work.budget.gan_epochs, work.budget.gan_width
        recipe = kind(epochs=epochs, width=width, ema=0.995, choose_by="last", preview_every=max(1, epochs // 5))
        told: dict[str, Any] = {"told_by": work.features} if kind.conditional else {}
        work.run(recipe, kind.system, metrics=TRANSLATED, features=work.features, **told)

    return make


def pairs(work: Work) -> None:
    """5a: three pairs of the training set. 4b: three garments and their edges."""
    folder, how = work.home / "pairs", _data(work.budget.streets[0], work.notify)
    splits = data.load(**how, notify=work.notify)
    data.sheet(splits.train, 3, folder / "5a.png")
    _, height, width = splits.train.shape
    sizes = {part: len(getattr(splits, part)) for part in ("train", "validation", "test")}
    garments = images.load(dataset="fashion-mnist", notify=work.notify).train.batch(torch.arange(3))
    drawn = torch.from_numpy(edges.canny(garments[:, 0].numpy()))[:, None]
    image, outline = (Images((255 * side).round().byte()) for side in (garments, (~drawn).float()))
    data.sheet(data.Pairs(image, outline), 3, folder / "4b.png")
    told = {"5a": sizes | {"title": how["dataset"], "width": width, "height": height},
            "4b": {"share": float(drawn.double().mean())}}  # fmt: skip
    _write(folder / "pairs.json", told)


def _data(streets: Streets, notify: Notify) -> dict[str, Any]:
    """Cityscapes where the budget wants it and it is at hand, else procedural streets."""
    shared = {"size": streets.size, "scenes": streets.scenes, "validation": streets.validation}
    if streets.cityscapes:
        try:
            data.cityscapes(None, notify)
            return shared | {"dataset": "cityscapes", "snap": True}
        except ArzhangError as error:
            notify(f"procedural streets in place of Cityscapes: {error}")
    return shared | {"dataset": "streets"}


def segmenter(work: Work) -> None:
    for streets in work.budget.streets:
        recipe = recipes.Segmenter(epochs=streets.segmenter_epochs, **_data(streets, work.notify))
        work.run(recipe, f"segmenter-{streets.size}")


def pix2pix(work: Work) -> None:
    for streets in work.budget.streets:
        how: dict[str, Any] = {"judge": str(work.home / f"segmenter-{streets.size}")}
        how |= {"metrics": TRANSLATED, "features": "inception"} if streets.inception else {}
        recipe = recipes.Pix2Pix(
            epochs=streets.epochs, width=streets.width, choose_by="kid" if streets.inception else "l1",
            preview_every=min(10, max(1, streets.epochs // 5)), **_data(streets, work.notify),
        )  # fmt: skip
        work.run(recipe, f"pix2pix-{streets.size}", **how)


def translation(work: Work) -> None:
    """On the data of problem 5, judged by its segmenter."""
    streets = work.budget.streets[0]
    own = _data(streets, work.notify) | {"width": streets.width}
    judge = str(work.home / f"segmenter-{streets.size}")
    work.study("translation", replace(work.budget.translation, segmenter=judge, **own))


def looking_into(name: str) -> Callable[[Work], None]:
    """A study of problem 5's pix2pix."""

    def make(work: Work) -> None:
        run = str(work.home / f"pix2pix-{work.budget.streets[0].size}")
        work.study(name, replace(getattr(work.budget, name), run=run))

    return make


def classes(work: Work) -> None:
    work.study("classes", ClassStudy(cgan=str(work.home / "cgan"), classifier=work.features))


def garments(work: Work) -> None:
    """4b: a second translation."""
    recipe = recipes.Pix2Pix(
        dataset="edges2fashion", size=32, width=16, batch_size=64, lr=5e-4, receptive_field=16, validation=2_000,
        epochs=work.budget.garment_epochs, choose_by="l1", preview_every=max(1, work.budget.garment_epochs // 5),
    )  # fmt: skip
    work.run(recipe, "garments", metrics=TRANSLATED, features=work.features)


def publications(work: Work) -> None:
    file = work.home.parent / parts.PUBLICATIONS
    if not file.exists():
        file.write_text(parts.FORM, encoding="utf-8")


def _write(path: Path, found: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
