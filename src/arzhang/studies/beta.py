"""Assignment 3d observed: what β does, the criterion by which one is chosen, and whether codes come apart."""

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from arzhang import assembly, devices, pictures, recipes, sweep
from arzhang.contracts import Batch
from arzhang.data.sprites import NAMES
from arzhang.errors import UsageError
from arzhang.evaluation.moments import Moments, blocks
from arzhang.files import write_atomically
from arzhang.metrics import scores
from arzhang.metrics.disentanglement import dci, mig
from arzhang.metrics.features import Extractor
from arzhang.randomness import generator, mix
from arzhang.studies import beta_figures
from arzhang.studies.features import extractor
from arzhang.studies.kept import kept
from arzhang.studies.options import BetaStudy
from arzhang.tasks.vae import VAETask
from arzhang.training.loop import BLOCK

RESULTS = "beta.json"
Notify = Callable[[str], None]
Arm = dict[str, Any]
"""One training: its β (none: the σ-VAE), seed, and what was measured, each {"value", "uncertainty"}."""


class Choice(NamedTuple):
    """What the criterion says."""

    beta: float
    lowest: float
    """The β of the least distance."""
    threshold: float
    """That distance and one standard error."""


def choose(betas: Sequence[float], distances: Sequence[float], errors: Sequence[float]) -> Choice:
    """The criterion: the largest β whose samples are, within one standard error, as near to the validation images as
    those of the best β.

    The likelihood cannot choose (the ELBO is what β = 1 maximises), nor can the reconstruction (it wants β = 0): the
    distance of *samples* has its least value inside, since a small β leaves codes where the prior is not and a large
    one blurs. Among β that cannot be told apart by it, the largest has the simplest code. (One-standard-error rule:
    Breiman et al. 1984, section 3.4.3)

    >>> choose([0.5, 1, 2, 4], [9.0, 5.0, 5.3, 8.0], [0.2, 0.4, 0.4, 0.3])
    Choice(beta=2, lowest=1, threshold=5.4)
    """
    if not len(betas) == len(distances) == len(errors) > 0:
        raise UsageError("choosing β takes a distance and an error for each")
    least = min(range(len(betas)), key=distances.__getitem__)
    threshold = distances[least] + errors[least]
    within = [beta for beta, distance in zip(betas, distances, strict=True) if distance <= threshold]
    return Choice(max(within), betas[least], threshold)


def normalised(beta: float, latent_dim: int, shape: Sequence[int]) -> float:
    """β·M/N, with M latent dimensions and N pixels: β of a loss of means over both. (Higgins et al. 2017)"""
    return beta * latent_dim / math.prod(shape)


def study(options: BetaStudy, out: Path, notify: Notify = print) -> dict[str, Any]:
    """Train, measure on the validation part, choose. Writes `beta.json`, figures, pictures; returns what it holds.

    Runs are kept in `out/runs`: a study that was stopped goes on where it was.
    """
    _check(options)
    out.mkdir(parents=True, exist_ok=True)
    seen = extractor(options, out, notify)
    name = "fid" if seen.protocol["network"].startswith("FID") else "fd"
    arms, shape, floor = _images(options, seen, out, notify)
    by_beta = [_mean(options, [a for a in arms if a["beta"] == beta], shape) for beta in sorted(options.beta)]
    sigma = _mean(options, [a for a in arms if a["beta"] is None], shape)
    apart = _sprites(options, out, notify) if options.sprites_epochs else []
    distances = [row[f"{name}_samples"] for row in by_beta]
    choice = choose([row["beta"] for row in by_beta], *zip(*((d["value"], d["error"]) for d in distances), strict=True))
    tables = [_table(by_beta, sigma, name), *([_apart_table(apart)] if apart else [])]
    results = {
        "study": "beta",
        "options": dataclasses.asdict(options),
        "distance": name,
        "protocol": {**seen.protocol, "n": options.n, "split": "validation"},
        "floor": floor,
        "arms": arms,
        "by_beta": by_beta,
        "sigma": sigma,
        "sprites": apart,
        "chosen": choice._asdict(),
        "conclusions": _conclusions(options, name, by_beta, sigma, apart, choice, floor),
        "tables": tables,
        "figures": beta_figures.draw(name, arms, by_beta, sigma, apart, choice, floor, out),
        "pictures": _draw(options, out),
    }
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _check(options: BetaStudy) -> None:
    for flag, values in (("--beta", options.beta), ("--sprites-beta", options.sprites_beta)):
        if len(set(values)) < len(values) or (flag == "--beta" and len(values) < 2):
            raise UsageError(f"{flag} {' '.join(f'{v:g}' for v in values)}: give different values, two at least")
    for flag, least, value in (
        ("--seeds", 1, options.seeds),
        ("--sprites-seeds", 1, options.sprites_seeds),
        ("--n", 20, options.n),
        ("--sprites-epochs", 0, options.sprites_epochs),
    ):
        if value < least:
            raise UsageError(f"{flag} {value}: must be at least {least}")
    for seed in range(options.seeds):  # each option of a recipe is checked before anything is trained
        for beta in (*options.beta, None):
            _recipe(options, beta, seed)


def _recipe(options: BetaStudy, beta: float | None, seed: int) -> recipes.VAE:
    """A β-VAE; without β the σ-VAE: a Gaussian of learned scale weighs the two terms by itself. (Rybkin et al. 2021)"""
    kind: dict[str, Any] = {"likelihood": "gaussian", "sigma": "learned"} if beta is None else {"beta": beta}
    return recipes.VAE(
        **kind, dataset=options.dataset, latent_dim=options.latent_dim, epochs=options.epochs, seed=seed,
        preview_every=options.epochs, accelerator=options.accelerator,
    )  # fmt: skip


def _sprites_recipe(options: BetaStudy, beta: float, seed: int) -> recipes.VAE:
    return recipes.VAE(
        dataset="sprites", size=options.sprites_size, latent_dim=options.sprites_latent_dim, beta=beta, seed=seed,
        epochs=options.sprites_epochs, preview_every=options.sprites_epochs, accelerator=options.accelerator,
    )  # fmt: skip


def _path(out: Path, recipe: recipes.VAE) -> Path:
    told = {"sigma": "learned"} if recipe.likelihood == "gaussian" else {"beta": f"{recipe.beta:g}"}
    prefix = "sprites_" if recipe.dataset == "sprites" else ""
    return out / "runs" / (prefix + sweep.name({**told, "seed": recipe.seed}))


# ------------------------------------------------------------------------------------------------------- measuring


def _images(
    options: BetaStudy, seen: Extractor, out: Path, notify: Notify
) -> tuple[list[Arm], tuple[int, int, int], dict[str, float]]:
    """Every arm, the images' shape, and the floor: as many training images against the validation images."""
    device = devices.device(options.accelerator)
    parts = assembly.splits(_recipe(options, 1.0, 0), device, notify)
    if options.n > len(parts.validation):
        raise UsageError(f"--n {options.n}: the validation part holds {len(parts.validation):,} images")
    real = _taken("validation images", parts.validation, options.n)
    least = scores.scores(real, _taken("training images", parts.train, options.n), ("fid", "kid"), seen)
    arms = []
    if options.ray:
        own = [_recipe(options, beta, seed) for seed in range(options.seeds) for beta in (*options.beta, None)]
        sweep.finished_by_ray([(recipe, _path(out, recipe)) for recipe in own], out / "runs")
    for seed in range(options.seeds):
        for beta in (*options.beta, None):
            recipe = _recipe(options, beta, seed)
            path = _path(out, recipe)
            sweep.finished(recipe, path, notify)
            how = {"n": options.n, "data": parts.sha256, "features": seen.protocol}

            def measured(path: Path = path) -> dict[str, Any]:
                model = assembly.load(path, device=device)
                return _terms(model, parts.validation, options.n) | _distances(model, parts.validation, real, seen)

            arms.append({"beta": beta, "seed": seed, "run": path.name} | kept(path, how, measured))
    return arms, parts.train.shape, {name: metric["value"] for name, metric in least.items()}


def _taken(name: str, images: Any, n: int) -> scores.ImageSet:
    def batches() -> Any:
        return (images.batch(part) for part in torch.arange(n).split(scores.FED))

    return scores.ImageSet(name, n, batches)


@torch.no_grad()
def _terms(model: VAETask, images: Any, n: int) -> dict[str, Any]:
    """The objective's terms, the error of a pixel, the active units, σ where there is one: on the first n images."""
    moments = Moments()
    for block, indices in blocks(n, "measuring"):
        batch = images.batch(indices)
        noise = model.noise(BLOCK, generator(0, "evaluation", block, device=model.device))[: len(indices)]
        codes = model.encode(batch)
        error = (model.decode(codes) - batch).square().flatten(1).mean(1)
        moments.add(model.measure(Batch(batch, indices, noise)) | {"codes": codes, "pixel_mse": error})
    names = ("negative_elbo", "reconstruction", "kl", "pixel_mse")
    found = {name: _pick(moments.metric(name, "", {})) for name in names}
    found["active_units"] = {"value": len(pictures.active_units(moments.variance("codes"))), "uncertainty": None}
    if (sigma := model.likelihood.log_sigma) is not None:
        found["sigma"] = {"value": float(sigma.exp()), "uncertainty": None}
    return found


def _pick(metric: dict[str, Any]) -> dict[str, Any]:
    return {key: metric[key] for key in ("value", "uncertainty")}


def _distances(model: VAETask, images: Any, real: scores.ImageSet, seen: Extractor) -> dict[str, Any]:
    """Of reconstructions of the validation images, and of as many samples, from them."""
    parts = torch.arange(real.n).split(scores.FED)
    made = {
        "reconstructions": lambda: (model.reconstruct(images.batch(part)) for part in parts),
        "samples": lambda: (model.sample(len(part), mix(0, "beta", i)) for i, part in enumerate(parts)),
    }
    found: dict[str, Any] = {}
    for which, batches in made.items():
        judged = scores.scores(real, scores.ImageSet(which, real.n, batches), ("fid", "kid"), seen)
        found |= {f"{name}_{which}": _pick(metric) for name, metric in judged.items()}
    return found


def _mean(options: BetaStudy, arms: Sequence[Arm], shape: Sequence[int]) -> dict[str, Any]:
    """Means over seeds with the standard error of each; of one seed, the error that the measurement itself has."""
    beta = arms[0]["beta"]
    row: dict[str, Any] = {"beta": beta}
    if beta is not None:
        row["normalised"] = normalised(beta, options.latent_dim, shape)
    return row | {name: _over(arms, name) for name in arms[0]["metrics"]}


def _over(arms: Sequence[Arm], name: str) -> dict[str, float]:
    values = torch.tensor([float(arm["metrics"][name]["value"]) for arm in arms], dtype=torch.float64)
    alone = arms[0]["metrics"][name]["uncertainty"] or 0.0
    error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else alone
    return {"value": float(values.mean()), "error": error}


# --------------------------------------------------------------------------------------------------------- sprites


def _sprites(options: BetaStudy, out: Path, notify: Notify) -> list[dict[str, Any]]:
    """MIG and DCI of the codes of validation sprites for each β, over seeds."""
    device = devices.device(options.accelerator)
    parts = assembly.splits(_sprites_recipe(options, 1.0, 0), device, notify)
    factors = cast(Tensor, parts.validation.factors)
    rows = []
    if options.ray and options.sprites_beta:
        seeds = range(options.sprites_seeds)
        own = [_sprites_recipe(options, beta, seed) for beta in options.sprites_beta for seed in seeds]
        sweep.finished_by_ray([(recipe, _path(out, recipe)) for recipe in own], out / "runs")
    for beta in sorted(options.sprites_beta):
        arms: list[Arm] = []
        for seed in range(options.sprites_seeds):
            recipe = _sprites_recipe(options, beta, seed)
            path = _path(out, recipe)
            sweep.finished(recipe, path, notify)

            def measured(path: Path = path) -> dict[str, Any]:
                return _apart(_codes(assembly.load(path, device=device), parts.validation), factors)

            arms.append(kept(path, {"data": parts.sha256}, measured))
        known = {"beta": beta, "normalised": normalised(beta, options.sprites_latent_dim, parts.train.shape)}
        rows.append(known | {name: _over(arms, name) for name in arms[0]["metrics"]})
    return rows


def _codes(model: VAETask, images: Any) -> Tensor:
    return torch.cat([model.encode(images.batch(part)).cpu() for part in torch.arange(len(images)).split(1_000)])


def _apart(codes: Tensor, factors: Tensor) -> dict[str, Any]:
    gap, shares = mig(codes, factors), dci(codes, factors, categorical=(NAMES.index("shape"),))
    found: dict[str, Any] = {"mig": {"value": gap.gap.value, "uncertainty": gap.gap.uncertainty}}
    for name in ("disentanglement", "completeness", "informativeness"):
        found[name] = {"value": getattr(shares, name), "uncertainty": None}
    for k, factor in enumerate(NAMES):
        found[f"mig_{factor}"] = {"value": float(gap.by_factor[k]), "uncertainty": None}
        found[f"informativeness_{factor}"] = {"value": float(shares.by_factor[k]), "uncertainty": None}
    units = len(pictures.active_units(codes.double().var(0)))
    return found | {"active_units": {"value": units, "uncertainty": None}}


# -------------------------------------------------------------------------------------------------------- findings


def _conclusions(
    options: BetaStudy, name: str, rows: list, sigma: dict, apart: list, choice: Choice, floor: dict[str, float]
) -> list[dict[str, Any]]:
    """What the numbers say, as data: the report words it."""
    by = {row["beta"]: row for row in rows}
    chosen, lowest = by[choice.beta], by[choice.lowest]
    samples, made = f"{name}_samples", f"{name}_reconstructions"
    values = {
        "beta": choice.beta, "normalised": chosen["normalised"], "value": chosen[samples]["value"],
        "error": chosen[samples]["error"], "lowest": choice.lowest, "least": lowest[samples]["value"],
        "least_error": lowest[samples]["error"], "threshold": choice.threshold, "distance": name.upper(),
        "floor": floor[name], "n": options.n, "seeds": options.seeds,
    }  # fmt: skip
    found = [{"id": "beta.chosen_lowest" if choice.beta == choice.lowest else "beta.chosen", "values": values}]
    if choice.lowest in (rows[0]["beta"], rows[-1]["beta"]):
        found.append({"id": "beta.edge", "values": {"beta": choice.lowest}})
    best = {term: min(rows, key=lambda row, t=term: row[t]["value"])["beta"] for term in ("negative_elbo", "pixel_mse")}  # type: ignore[misc]
    found.append({"id": "beta.others", "values": {"elbo": best["negative_elbo"], "mse": best["pixel_mse"]}})
    first, last = rows[0], rows[-1]
    ends: dict[str, Any] = {"from": first["beta"], "to": last["beta"], "distance": name.upper()}
    terms = {"rate": "kl", "distortion": "reconstruction", "units": "active_units", "samples": samples, "made": made}
    for end, row in (("first", first), ("last", last)):
        ends |= {f"{key}_{end}": row[term]["value"] for key, term in terms.items()}
    found += [{"id": "beta.rate", "values": ends}, {"id": "beta.gap", "values": ends}]
    difference = sigma[samples]["value"] - chosen[samples]["value"]
    error = math.hypot(sigma[samples]["error"], chosen[samples]["error"])
    kind = "alike" if abs(difference) <= 2 * error else "worse" if difference > 0 else "better"
    told = {
        "sigma": sigma["sigma"]["value"], "rate": sigma["kl"]["value"], "units": sigma["active_units"]["value"],
        "value": sigma[samples]["value"], "error": sigma[samples]["error"], "difference": abs(difference),
        "spread": error, "beta": choice.beta, "distance": name.upper(),
    }  # fmt: skip
    found.append({"id": f"beta.sigma_{kind}", "values": told})
    return [*found, *_apart_conclusions(apart)]


def _apart_conclusions(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows:
        return []
    found = []
    for term in ("mig", "disentanglement"):
        high, low = (pick(rows, key=lambda row: row[term]["value"]) for pick in (max, min))
        told = {
            "term": term, "best": high["beta"], "normalised": high["normalised"], "highest": high[term]["value"],
            "error": high[term]["error"], "worst": low["beta"], "lowest": low[term]["value"],
            "lowest_error": low[term]["error"],
        }  # fmt: skip
        found.append({"id": "beta.apart" if high[term]["error"] else "beta.apart_one", "values": told})
    best = max(rows, key=lambda row: row["mig"]["value"])
    ordered = sorted(NAMES, key=lambda factor: -best[f"mig_{factor}"]["value"])
    listed = [
        {"id": "beta.factor_gap", "values": {"factor": _factor(f), "value": best[f"mig_{f}"]["value"]}} for f in ordered
    ]
    found.append({"id": "beta.factors", "values": {"beta": best["beta"], "factors": listed}})
    known = {f: best[f"informativeness_{f}"]["value"] for f in NAMES}
    hardest = min(known, key=lambda f: known[f])
    told = {"factor": _factor(hardest), "value": known[hardest], "beta": best["beta"]}
    return [*found, {"id": "beta.informed", "values": told}]


def _factor(name: str) -> dict[str, Any]:
    return {"id": f"beta.factor.{name}"}


def _table(rows: list[dict], sigma: dict, name: str) -> dict[str, Any]:
    terms = ["negative_elbo", "reconstruction", "kl", "pixel_mse", "active_units"]
    terms += [f"{name}_reconstructions", f"{name}_samples"]
    cells = [
        [{"id": "beta.sigma_vae"} if row["beta"] is None else row["beta"], row.get("normalised"),
         *(row[term]["value"] for term in terms), row[f"{name}_samples"]["error"], row["kid_samples"]["value"]]
        for row in [*rows, sigma]
    ]  # fmt: skip
    return {
        "id": "beta.arms",
        "columns": ["beta", "beta_normalised", *terms, "samples_error", "kid_samples"],
        "rows": cells,
    }


def _apart_table(rows: list[dict]) -> dict[str, Any]:
    terms = ("active_units", "mig", *(f"mig_{f}" for f in NAMES), "disentanglement", "completeness", "informativeness")
    cells = [[row["beta"], row["normalised"], *(row[term]["value"] for term in terms)] for row in rows]
    return {"id": "beta.sprites", "columns": ["beta", "beta_normalised", *terms], "rows": cells}


# -------------------------------------------------------------------------------------------------------- pictures


def _draw(options: BetaStudy, out: Path) -> list[dict[str, Any]]:
    """Samples at each β, and what every active unit does, of the first seed's runs; sprites after them."""
    device = devices.device(options.accelerator)
    found: list[dict[str, Any]] = []
    plan: list[tuple[str, list[recipes.VAE]]] = [
        ("images", [_recipe(options, beta, 0) for beta in (*sorted(options.beta), None)])
    ]
    if options.sprites_epochs:
        plan.append(("sprites", [_sprites_recipe(options, beta, 0) for beta in sorted(options.sprites_beta)]))
    for kind, trained in plan:
        first = assembly.splits(trained[0], device, lambda _: None).validation.batch(torch.arange(200, device=device))
        rows = []
        sheets = []
        for recipe in trained:
            model = assembly.load(_path(out, recipe), device=device)
            own = {"id": "beta.at", "values": {"beta": recipe.beta}}
            told = {"id": "beta.sigma_vae"} if recipe.likelihood == "gaussian" else own
            rows.append(model.sample(10, 0))
            if units := pictures.active_units(pictures.activity(model, first)):
                path = out / f"traversal_{_path(out, recipe).name.replace('=', '-')}.png"
                pictures.write_sheet(pictures.traverse(model, first[:1], units), path, columns=11)
                sheets.append(
                    {"file": path.name, "id": f"beta.traversal_{kind}", "values": {"told": told, "units": len(units)}}
                )
        pictures.write_sheet(torch.cat(rows), out / f"samples_{kind}.png")
        listed = [{"id": "beta.sigma_vae"} if r.likelihood == "gaussian" else r.beta for r in trained]
        found += [{"file": f"samples_{kind}.png", "id": f"beta.samples_{kind}", "values": {"betas": listed}}, *sheets]
    return found
