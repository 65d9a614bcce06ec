"""The whole assignment, in order: what each part trains and shows, and its share of each budget's time."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arzhang import assembly, recipes, sweep
from arzhang.evaluation import classifier
from arzhang.metrics.features import Extractor, inception_extractor
from arzhang.report import beside, page
from arzhang.report.blocks import Section
from arzhang.studies import beta, divergences, gradients, metrics
from arzhang.studies.options import BetaStudy, DivergenceStudy, GradientStudy, MetricStudy

Notify = Callable[[str], None]
METRICS = ("fid", "kid", "prdc")
TRANSLATED = ("fid", "kid")
CLASSIFIER_EPOCHS = 2


@dataclass(frozen=True)
class Streets:
    """pix2pix on procedural streets, beside L1 alone: problem 5."""

    size: int
    width: int
    scenes: int
    epochs: int
    segmenter_epochs: int = 15


@dataclass(frozen=True)
class Budget:
    """What is spent on each part."""

    gradients: GradientStudy
    divergences: DivergenceStudy
    beta: BetaStudy
    metrics: MetricStudy
    epochs: int
    """Of the β-VAE of problem 3."""
    mixture_epochs: int
    """Of the Cauchy–Schwarz VAE of problem 2, which begins with the β-VAE's weights."""
    weights: tuple[float, ...]
    """λ of the sweep of problem 2."""
    seeds: int
    samples: int
    """Importance samples of the likelihood."""
    streets: tuple[Streets, ...]
    """Each at a size of its own."""
    inception: bool
    """Image metrics on the real FID network (an hour on two cores), or on a classifier of the data set's own."""


BUDGETS = {
    "quick": Budget(
        gradients=GradientStudy(samples=20_000), divergences=DivergenceStudy(),
        beta=BetaStudy(beta=(0.5, 1.0, 2.0, 4.0), seeds=1, epochs=3, sprites_beta=(1.0, 4.0),
            sprites_epochs=5, sprites_seeds=1),
        metrics=MetricStudy(), epochs=20, mixture_epochs=1, weights=(), seeds=1, samples=32,
        streets=(Streets(64, 16, scenes=400, epochs=6),), inception=False,
    ),
    "standard": Budget(
        gradients=GradientStudy(), divergences=DivergenceStudy(mixture_pairs=5_000), beta=BetaStudy(epochs=20),
        metrics=MetricStudy(n=500, features="inception", feature_precision="bfloat16"), epochs=50, mixture_epochs=20,
        weights=(0.1, 0.3, 1.0, 3.0, 10.0), seeds=3, samples=512,
        streets=(Streets(64, 16, scenes=1_000, epochs=50), Streets(128, 32, scenes=1_000, epochs=50)), inception=True,
    ),
    "paper": Budget(
        gradients=GradientStudy(samples=1_000_000), divergences=DivergenceStudy(mixture_pairs=20_000),
        beta=BetaStudy(epochs=50, seeds=5, sprites_epochs=100, sprites_seeds=5, features="inception"),
        metrics=MetricStudy(n=5_000, features="inception"), epochs=50, mixture_epochs=50,
        weights=(0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), seeds=3, samples=5_000,
        streets=(Streets(256, 64, scenes=3_000, epochs=50),), inception=True,
    ),
}  # fmt: skip


def reproduce(budget: str, out: Path, *, notify: Notify = print) -> Path:
    """Do what is missing in `out` and write its page: killed and started again, it goes on where it was."""
    share = BUDGETS[budget]
    out.mkdir(parents=True, exist_ok=True)
    sections = [
        _study("gradients", share.gradients, gradients.study, out / "gradients", "1a–1d", notify),
        _study("divergences", share.divergences, divergences.study, out / "divergences", "2a", notify),
    ]
    extractor = _extractor(share, out / f"classifier-{budget}", notify)
    how: dict[str, Any] = {"metrics": METRICS, "extractor": extractor}
    for seed in range(share.seeds):
        plain = recipes.VAE(epochs=share.epochs, seed=seed)
        base = sweep.one(plain, out / f"vae-{budget}-seed{seed}", share.samples, notify, **how)
        sections += page.run_sections(base.path)
        mixture = recipes.VAE(
            epochs=share.mixture_epochs, seed=seed, prior="mixture", divergence="cauchy-schwarz",
            init_from=str(base.path),
        )  # fmt: skip
        other = sweep.one(mixture, out / f"cs-vae-{budget}-seed{seed}", share.samples, notify, **how)
        sections += [*page.run_sections(other.path), beside.section(base.path, other.path, assignment="2b")]
    sections += _studies_of_the_vae(share, budget, out, notify)
    if share.weights:
        sections.append(_weights(share, out, budget, notify))
    for streets in share.streets:
        sections += _translation(streets, share, budget, out, notify)
    return page.write_page(out / "index.html", "Arzhang: the assignment, reproduced", sections)


def _extractor(share: Budget, folder: Path, notify: Notify) -> Callable[[], Extractor]:
    """What image metrics see."""
    device = assembly.device("auto")
    if share.inception:
        return lambda: inception_extractor("pytorch-fid", device=device)
    sweep.one(recipes.Classifier(epochs=CLASSIFIER_EPOCHS), folder, 1, notify)
    return lambda: classifier.extractor(folder, device)


def _study(
    name: str, options: object, study: Callable[..., object], out: Path, assignment: str, notify: Notify
) -> Section:
    """A study's section; it is kept where it was made with the same options."""
    result = out / f"{name}.json"
    wanted = json.loads(json.dumps(dataclasses.asdict(options)))  # type: ignore[call-overload]
    if not result.exists() or json.loads(result.read_text(encoding="utf-8")).get("options") != wanted:
        notify(f"study {name}")
        study(options, out, notify)
    return page.study_section(out, assignment=assignment)


def _studies_of_the_vae(share: Budget, budget: str, out: Path, notify: Notify) -> list[Section]:
    """How β is chosen (3d), and what image metrics see (3f, 3h). Their runs are the budget's own, as others are."""
    chosen, seen = share.beta, dataclasses.replace(share.metrics, run=str(out / f"vae-{budget}-seed0"))
    if not share.inception:
        classifier = str(out / f"classifier-{budget}")
        chosen = dataclasses.replace(chosen, features=classifier)
        seen = dataclasses.replace(seen, features=classifier)
    return [
        _study("beta", chosen, beta.study, out / f"beta-{budget}", "3d", notify),
        _study("metrics", seen, metrics.study, out / f"metrics-{budget}", "3f, 3h", notify),
    ]


def _weights(share: Budget, out: Path, budget: str, notify: Notify) -> Section:
    """The effect of λ, measured. (2c)"""
    begun = out / f"vae-{budget}-seed0"
    typed = recipes.as_flags(
        {"prior": "mixture", "divergence": "cauchy-schwarz", "epochs": share.mixture_epochs, "init_from": str(begun)}
    )
    folder = out / f"weights-{budget}"
    sweep.sweep("vae", typed, {"beta": share.weights}, folder, samples=share.samples, notify=notify)
    return page.study_section(folder, assignment="2c")


def _translation(streets: Streets, share: Budget, budget: str, out: Path, notify: Notify) -> list[Section]:
    """pix2pix from segmentations to photos, and what the game adds to L1 alone, by a segmenter's judgement. (5, 4h)"""
    own = f"{budget}-{streets.size}"
    shared: dict[str, Any] = {"size": streets.size, "scenes": streets.scenes}
    judge = sweep.one(recipes.Segmenter(epochs=streets.segmenter_epochs, **shared), out / f"segmenter-{own}", 1, notify)
    how: dict[str, Any] = {"judge": str(judge.path)}
    if share.inception:
        how |= {"metrics": TRANSLATED, "extractor": lambda: inception_extractor(device=assembly.device("auto"))}
    plain = recipes.Pix2Pix(epochs=streets.epochs, width=streets.width, **shared)
    alone = dataclasses.replace(plain, adversarial="none")
    runs = [
        sweep.one(recipe, out / f"{name}-{own}", 1, notify, **how).path
        for name, recipe in (("pix2pix", plain), ("l1", alone))
    ]
    return [*page.run_sections(runs[0]), beside.section(runs[1], runs[0], assignment="4h")]
