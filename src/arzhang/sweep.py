"""Many runs of one recipe that differ in some options: one folder, one table; stopped, it goes on where it was."""

import dataclasses
import functools
import importlib.util
import itertools
import json
import os
import textwrap
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from arzhang import assembly, devices, evaluation, hands, recipes
from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_atomically
from arzhang.metrics import scores
from arzhang.report import figures
from arzhang.training import ensemble
from arzhang.training.loop import Interrupted
from arzhang.training.run import Run
from arzhang.wording import ENGLISH, words

RESULTS = "sweep.json"
RETRIED = 3
"""Times that Ray begins a run again whose worker died."""
Notify = Callable[[str], None]


def grid(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of some options' values.

    >>> grid({"beta": [1, 4], "seed": [0, 1]})[1]
    {'beta': 1, 'seed': 1}
    """
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def name(chosen: Mapping[str, Any]) -> str:
    """The folder of one run: what tells it from the others."""
    return "_".join(f"{option.replace('_', '-')}={value}" for option, value in chosen.items()).replace("/", "-")


def sweep(
    system: str,
    typed: Sequence[str],
    values: Mapping[str, Sequence[Any]],
    out: Path,
    *,
    samples: int = 64,
    metrics: Sequence[str] = (),
    features: str = "inception",
    n: int | None = None,
    processes: int | None = None,
    together: bool | None = None,
    ray: bool = False,
    notify: Notify = print,
) -> dict[str, Any]:
    """Train and evaluate a run for each combination of `values`, all else as `typed`; write `sweep.json` and a figure.

    Runs that are finished are kept, others go on. `metrics` are image metrics of each run, on `n` images as seen by
    `features` (`evaluation.extractor`). `processes` trains so many at once on this machine, where it is not said
    as many as it has cores if they train on them; `together` trains as one those that differ in numbers alone
    (`training.ensemble`), where it is not said on a GPU; `ray` hands them to Ray Tune, which spreads them over a
    cluster that shares this folder.
    Raises UsageError for an option that makes no sense, before anything is trained.
    """
    recipes.require(samples >= 1, "samples", samples, "must be 1 or more")
    recipes.require(processes is None or processes >= 1, "processes", processes, "must be 1 or more")
    if ray:
        require_ray()
    scores.check(metrics)
    how: dict[str, Any] = {"metrics": list(metrics), "features": features, "n": n}
    arms = grid(values)
    kind = recipes.SYSTEMS[system]
    plan = [recipes.from_words(kind, [*typed, *recipes.as_flags(chosen)]) for chosen in arms]
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / name(chosen) for chosen in arms]
    notify(f"{len(plan)} runs in {out}: {', '.join(path.name for path in paths)}")
    if together if together is not None else _alone_on_a_gpu(plan, processes, ray):
        _together(plan, paths, notify)
    if ray:
        made = [
            functools.partial(one, r, p.resolve(), samples, _silent, **how) for r, p in zip(plan, paths, strict=True)
        ]
        _by_ray(made, out)
    elif (processes := processes or _at_once(plan)) > 1:
        _by_processes(plan, paths, samples, how, processes, notify)
    else:
        for recipe, path in zip(plan, paths, strict=True):
            one(recipe, path, samples, notify, **how)
    rows = [
        {"options": chosen, "run": path.name, "metrics": json.loads((path / evaluation.EVALUATION).read_text("utf-8"))}
        for chosen, path in zip(arms, paths, strict=True)
    ]
    results = {
        "study": "sweep",
        "options": {
            "system": system,
            "typed": list(typed),
            **{option: list(found) for option, found in values.items()},
        },
        "command": ["sweep", system, *_as_typed(values), *typed],
        "runs": rows,
        "conclusions": _conclusions(rows),
        "tables": [_table(rows)],
        "figures": _draw(rows, out),
    }
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _as_typed(values: Mapping[str, Sequence[Any]]) -> list[str]:
    return [word for option, found in values.items() for word in (recipes.flag(option), *map(str, found))]


def one(
    recipe: recipes.Training, path: Path, samples: int, notify: Notify, features: str | None = None, **how: Any
) -> Run:
    """The run of a recipe, trained and evaluated: what is there already is kept, what is not is made. `how` goes to
    `evaluation.evaluate`, with the extractor that `features` names, if any."""
    run = finished(recipe, path, notify)
    if not (path / evaluation.EVALUATION).exists():
        device = devices.device(recipe.accelerator)
        if features is not None:
            how["extractor"] = lambda: evaluation.extractor(features, device=device)
        evaluation.evaluate(path, samples=samples, device=device, notify=notify, **how)
    return run


def finished(recipe: recipes.Training, path: Path, notify: Notify) -> Run:
    """The run of a recipe: as it is where it is complete, gone on with where it is not, trained where there is none."""
    run = _there(recipe, path)
    if run is None:
        return assembly.train(recipe, path, notify=notify)
    return run if run.finished() else assembly.resume(path, notify=notify)


def _there(recipe: recipes.Training, path: Path) -> Run | None:
    """The run of a recipe, where one was begun."""
    if not (path / "config.yaml").exists():
        return None
    run = Run(path)
    if run.recipe != recipe:
        raise UsageError(f"{path}: holds a run of other options; remove it, or give another --out")
    return run


def _alone_on_a_gpu(plan: Sequence[recipes.Training], processes: int | None, ray: bool) -> bool:
    """Whether one process trains on a GPU, which one small network does not fill."""
    return processes is None and not ray and all(devices.device(r.accelerator).type == "cuda" for r in plan)


def _together(plan: Sequence[recipes.Training], paths: Sequence[Path], notify: Notify) -> None:
    """Train as one what is left of runs that differ in numbers alone."""
    kinds: dict[Hashable, list[tuple[recipes.Training, Path]]] = {}
    for recipe, path in zip(plan, paths, strict=True):
        run = _there(recipe, path)
        if (kind := ensemble.kind(recipe)) is not None and (run is None or not run.finished()):
            kinds.setdefault(kind, []).append((recipe, path))
    for members in kinds.values():
        if len(members) > 1:
            try:
                assembly.train_together(members, notify=notify)
            except Interrupted as stopped:
                raise hands.Stopped(stopped.exit_code - 128) from None


def _at_once(plan: Sequence[recipes.Training]) -> int:
    """How many runs train at once: one a core on a CPU, whose cores one small network does not fill; else one."""
    if any(devices.device(recipe.accelerator).type != "cpu" or recipe.devices > 1 for recipe in plan):
        return 1
    return min(len(plan), torch.get_num_threads())  # the cores that this process may use


def _by_processes(
    plan: Sequence[recipes.Training],
    paths: Sequence[Path],
    samples: int,
    how: Mapping[str, Any],
    processes: int,
    notify: Notify,
) -> None:
    """The runs by so many hands. One that fails does not keep the others from being made; the first is raised then."""
    shared = {"samples": samples, "how": dict(how)}
    jobs = iter(
        [
            {
                "name": str(path),
                "system": recipe.system,
                "words": recipes.as_flags(dataclasses.asdict(recipe)),
                **shared,
            }
            for recipe, path in zip(plan, paths, strict=True)
        ]
    )
    failures: list[str] = []

    def told(what: hands.Told) -> None:
        if what.failed:
            failures.append(f"{what.name}: {what.failed}; the same command goes on with it")
        notify(f"{what.name}: {what.line or what.failed or 'done'}")

    with hands.Hands("arzhang.sweep:by_hand", processes) as several:
        several.work(lambda: next(jobs, None), told)
    if failures:
        raise ArzhangError(failures[0])


def by_hand(job: hands.Job, notify: Notify) -> None:
    """One run of a sweep, in a process of its own."""
    recipe = recipes.from_words(recipes.SYSTEMS[job["system"]], job["words"])
    one(recipe, Path(job["name"]), job["samples"], notify, **job["how"])


def require_ray() -> None:
    """Raise UsageError where Ray is not here."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--ray: needs the extra: pip install 'arzhang[ray]'")


def finished_by_ray(plan: Sequence[tuple[recipes.Training, Path]], folder: Path) -> None:
    """The runs of a study, as `finished` makes each of them, handed to Ray Tune; what it keeps lies in `folder`/ray.

    Raises UsageError where Ray is not here, ArzhangError with the first run that failed.
    """
    require_ray()
    folder.mkdir(parents=True, exist_ok=True)
    _by_ray([functools.partial(finished, recipe, path.resolve(), _silent) for recipe, path in plan], folder)


def _by_ray(made: Sequence[Callable[[], object]], folder: Path) -> None:
    from ray import tune

    here = Path.cwd()

    def trial(config: dict[str, Any]) -> None:
        os.chdir(here)  # Tune moves to a folder of its own, where what was typed means something else
        made[config["index"]]()

    space = {"index": tune.grid_search(list(range(len(made))))}
    again = tune.FailureConfig(max_failures=RETRIED)  # a run whose worker died goes on from its checkpoint
    kept = tune.RunConfig(
        name="ray", storage_path=str(folder.resolve()), failure_config=again
    )  # not in the user's home
    found = tune.Tuner(trial, param_space=space, run_config=kept).fit()
    if found.errors:
        raise ArzhangError(f"{len(found.errors)} of {len(made)} runs failed: {found.errors[0]}")


def _silent(_: str) -> None:
    pass


# ------------------------------------------------------------------------------------------------- what came of it


def _called(option: str) -> str:
    """An option on an axis: by its symbol where the field has one."""
    return words(f"option.{option}") if f"option.{option}" in ENGLISH else recipes.flag(option)


def _axis(rows: Sequence[dict]) -> tuple[str, list[float]] | None:
    """The first swept option that is a number throughout, and its values, sorted."""
    for option in rows[0]["options"]:
        try:
            return option, sorted({float(row["options"][option]) for row in rows})
        except ValueError:
            continue
    return None


def _shared(rows: Sequence[dict]) -> list[str]:
    """Metrics that every run has, by one protocol; the data may be what is swept."""
    first = rows[0]["metrics"]
    settings = [name for name in scores.SETTINGS if name not in ("data", "real_sha256")]
    return [
        name
        for name, metric in first.items()
        if all(name in row["metrics"] and not scores.unlike(metric, row["metrics"][name], settings) for row in rows)
    ]


def _means(rows: Sequence[dict], option: str, at: list[float], metric: str) -> list[float]:
    found = []
    for value in at:
        own = [row["metrics"][metric]["value"] for row in rows if float(row["options"][option]) == value]
        found.append(sum(own) / len(own))
    return found


def _conclusions(rows: Sequence[dict]) -> list[dict[str, Any]]:
    """Which way each metric went as the option grew, and where it was least and greatest."""
    axis = _axis(rows)
    if axis is None or len(axis[1]) < 2:
        return []
    option, at = axis
    found = []
    for metric in _shared(rows):
        means = _means(rows, option, at, metric)
        if len(set(means)) == 1:
            continue
        steps = [b - a for a, b in itertools.pairwise(means)]
        kind = "rises" if min(steps) >= 0 else "falls" if max(steps) <= 0 else "turns"
        low, high = min(range(len(at)), key=means.__getitem__), max(range(len(at)), key=means.__getitem__)
        values = {
            "term": metric, "option": recipes.flag(option), "first": means[0], "last": means[-1], "from": at[0],
            "to": at[-1], "least": means[low], "least_at": at[low], "greatest": means[high], "greatest_at": at[high],
        }  # fmt: skip
        found.append({"id": f"sweep.{kind}", "values": values})
    return found


def _table(rows: Sequence[dict]) -> dict[str, Any]:
    options, metrics = list(rows[0]["options"]), _shared(rows)
    cells = [[*row["options"].values(), *(row["metrics"][metric]["value"] for metric in metrics)] for row in rows]
    return {"id": "sweep.runs", "columns": [*options, *metrics], "rows": cells}


@figures.styled()
def _draw(rows: Sequence[dict], out: Path) -> list[str]:
    """Every metric against the swept option: a point for each run, a line through their means."""
    axis = _axis(rows)
    if axis is None:
        return []
    option, at = axis
    metrics = _shared(rows)
    figure, panels = figures.panels(
        len(metrics), words("sweep.figure.terms", {"option": _called(option)}), size=(4.2, 2.7)
    )
    for axes, metric in zip(panels, metrics, strict=True):
        for row in rows:
            found = row["metrics"][metric]
            x, error = float(row["options"][option]), found["uncertainty"] or 0.0
            axes.errorbar(x, found["value"], error, fmt="o", color=figures.SERIES[0], markersize=4, linewidth=1)
        axes.plot(at, _means(rows, option, at, metric), color=figures.SERIES[0], alpha=0.5)
        if min(at) > 0 and max(at) / min(at) > 5:
            axes.set_xscale("log")
        title = words(f"label.{metric}") if f"label.{metric}" in ENGLISH else metric.replace("_", " ")
        axes.set_title(textwrap.fill(title, 34))
        axes.set_xlabel(_called(option))
    return [figures.save(figure, out, "terms")]
