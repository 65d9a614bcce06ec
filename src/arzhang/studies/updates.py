"""Assignment 4h observed: which term of pix2pix's objective reaches which weights, from its own training step."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from arzhang import assembly, recipes
from arzhang.contracts import LUCK, Batch
from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.randomness import generator, permutation
from arzhang.report import figures
from arzhang.studies import trained
from arzhang.studies.options import UpdateStudy, changed
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.training import checkpoint as checkpoints
from arzhang.training.loop import batch_of, only
from arzhang.wording import named, words

RESULTS = "updates.json"
Notify = Callable[[str], None]
Flow = dict[str, dict[str, float]]
"""By term (or turn), of every block: the norm of a gradient (or of a change)."""
PLAYERS = ("generator", "discriminator")
MUST_BE_ZERO = (("d_real", "generator"), ("d_fake", "generator"), ("g_l1", "discriminator"))
"""Terms, and the networks that they must not reach. The game's term reaches D on its way to G; there D is frozen."""


def study(options: UpdateStudy, out: Path, notify: Notify = print) -> dict[str, Any]:
    """Gradients of every term by block, before training and after it, and what each turn moves. Writes `updates.json`,
    figures; returns what it holds."""
    if options.steps < 1:
        raise UsageError(f"--steps {options.steps}: must be 1 or more")
    out.mkdir(parents=True, exist_ok=True)
    run, task, parts = trained.pix2pix(options, out, notify)
    recipe = task.recipe
    if recipe.adversarial == "none" or not recipe.l1_weight:
        raise UsageError(f"--run {run.path}: trained by one term alone, so there is nothing to tell apart")
    found = checkpoints.newest_sound(run.path / "checkpoints", notify, "last")
    assert found is not None
    tensors = {name: tensor.to(task.device) for name, tensor in found.tensors(checkpoints.OPTIMIZERS).items()}
    checkpoints.restore_optimizers({turn.name: turn.optimizer for turn in task.turns}, tensors)
    fresh = assembly.build(recipe, task.shape, None, task.device, input_shape=task.input_shape)
    assert isinstance(fresh, Pix2PixTask)
    moments = {}
    for name, one in (("start", fresh), ("trained", task)):
        one.networks.train()
        flow, error = gradients(one, list(_batches(one, parts.train, options.steps)))
        moments[name] = {
            "gradients": flow,
            "sum_error": error,
            "moved": moved(one, next(_batches(one, parts.train, 1))),
        }
    results: dict[str, Any] = {
        "study": "updates",
        "options": dataclasses.asdict(options),
        "command": ["study", "updates", *recipes.as_flags(changed(options))],
        "run": run.path.name,
        "weights": weights(recipe),
        "blocks": {network: list(blocks(task, network)) for network in PLAYERS},
        "moments": moments,
    }
    results["conclusions"] = conclude(results)
    results["tables"] = [_numbers(results)]
    results["figures"] = [_reach(results, out), _shares(results, out)]
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def weights(recipe: recipes.Pix2Pix) -> dict[str, float]:
    """What each logged term counts in its turn's loss: D's are halved; `g_l1` is logged in [0, 1], half of the
    networks' unit."""
    return {"d_real": 0.5, "d_fake": 0.5, "g_adversarial": 1.0, "g_l1": 2 * recipe.l1_weight}


def blocks(task: Pix2PixTask, network: str) -> dict[str, list[nn.Parameter]]:
    """The weights of each block of a network, in order: `down 1` … `up 6`, or `1` … `5`."""
    found = {}
    for part, members in task.networks.get_submodule(network).named_children():
        for i, block in enumerate(members.children(), 1):
            name = f"{i}" if part == "blocks" else f"{part} {i}"
            found[f"{network[0].upper()} {name}"] = list(block.parameters())
    return found


def _batches(task: Pix2PixTask, examples: Any, steps: int) -> Iterator[Batch]:
    """The first batches of a training, jittered and mirrored as there."""
    recipe = task.recipe
    order = permutation(len(examples), recipe.seed, 0).to(examples.device)
    for step in range(steps):
        places = torch.arange(recipe.batch_size, device=order.device) + step * recipe.batch_size
        indices = order[places % len(order)]
        noise = task.noise(recipe.batch_size, generator(recipe.seed, "noise", step, device=task.device))
        luck = torch.rand(recipe.batch_size, LUCK, generator=generator(recipe.seed, "luck", step))
        yield batch_of(examples, indices, noise, luck=luck.to(task.device) if examples.augmented else None)


def gradients(task: Pix2PixTask, batches: Sequence[Batch]) -> tuple[Flow, float]:
    """Of each term as it counts in its loss: the norm of its gradient in each block, the root mean square over steps;
    and how far the terms' sum is from the losses' own gradients, as a share of these.

    Nothing is frozen here: what a term would move if it could. `only` holds the other player in a training.
    """
    counts = weights(task.recipe)
    owned = {name: members for network in PLAYERS for name, members in blocks(task, network).items()}
    parameters = [p for members in owned.values() for p in members]
    squares: Flow = {term: dict.fromkeys(owned, 0.0) for term in counts}
    error = 0.0
    for batch in batches:
        shared = task.prepare(batch)
        for turn in task.turns:
            loss, scalars = turn.loss(batch, shared)
            whole = _gradient(loss, parameters)
            total = [torch.zeros_like(p) for p in parameters]
            for term in (name for name in scalars if name in counts):
                found = _gradient(counts[term] * scalars[term], parameters)
                total = [a + b for a, b in zip(total, found, strict=True)]
                own = iter(found)
                for name, members in owned.items():
                    squares[term][name] += sum(float(next(own).double().square().sum()) for _ in members)
            error = max(error, _apart(total, whole))
    return {t: {b: math.sqrt(s / len(batches)) for b, s in row.items()} for t, row in squares.items()}, error


def _gradient(loss: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]


def _apart(found: Sequence[Tensor], truth: Sequence[Tensor]) -> float:
    off = sum(float((a - b).double().square().sum()) for a, b in zip(found, truth, strict=True))
    return math.sqrt(off / max(1e-300, sum(float(b.double().square().sum()) for b in truth)))


def moved(task: Pix2PixTask, batch: Batch) -> Flow:
    """One step as the loop takes it, each player's turn with the other frozen: by turn, how far each block's weights
    went, as a share of their own norm."""
    owned = {name: members for network in PLAYERS for name, members in blocks(task, network).items()}
    shared = task.prepare(batch)
    found: Flow = {}
    for turn in task.turns:
        before = {name: [p.detach().clone() for p in members] for name, members in owned.items()}
        with only(turn.modules, task.networks):
            loss, _ = turn.loss(batch, shared)
            loss.backward()
            turn.optimizer.step()
            turn.optimizer.zero_grad()
        found[turn.name] = {
            name: _apart([p.detach() for p in members], before[name]) for name, members in owned.items()
        }
    return found


# -------------------------------------------------------------------------------------------------------- findings


def conclude(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Whether what must be zero is, what each turn moved, and which term weighs what."""
    owned, moments = results["blocks"], results["moments"]
    leaks = []
    for term, network in MUST_BE_ZERO:
        reached = {b: max(m["gradients"][term][b] for m in moments.values()) for b in owned[network]}
        if count := sum(value != 0 for value in reached.values()):
            values = {"term": term, "network": network, "count": count, "value": max(reached.values())}
            leaks.append(_of("leak", **values))
    found = leaks or [_of("zero", generator=len(owned["generator"]), discriminator=len(owned["discriminator"]))]
    through = math.hypot(*(moments["trained"]["gradients"]["g_adversarial"][b] for b in owned["discriminator"]))
    found.append(_of("through", value=through))
    for moment in ("start", "trained"):
        own = moments[moment]["moved"]
        for turn, others in (("discriminator", "generator"), ("generator", "discriminator")):
            if count := sum(own[turn][block] != 0 for block in owned[others]):
                found.append(_of("moved_leak", turn=turn, count=count, network=others))
    if all(conclusion["id"] != "updates.moved_leak" for conclusion in found):
        sizes = {turn: [moments["trained"]["moved"][turn][b] for b in owned[turn]] for turn in owned}
        found.append(_of("turns", **{f"{turn}_{k}": pick(sizes[turn]) for turn in sizes for k, pick in
            (("least", min), ("most", max))}))  # fmt: skip
    error = max(m["sum_error"] for m in moments.values())
    found.append(_of("sum" if error < 1e-3 else "sum_off", error=error, l1=results["weights"]["g_l1"] / 2))
    for moment in ("start", "trained"):
        game, l1 = (moments[moment]["gradients"][term] for term in ("g_adversarial", "g_l1"))
        ratios = {b: l1[b] / game[b] for b in owned["generator"] if game[b] > 0}
        if ratios:
            least, most = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
            whole = [math.hypot(*(row[b] for b in owned["generator"])) for row in (l1, game)]
            found.append(_of(f"ratio_{moment}", whole=whole[0] / whole[1], least=ratios[least], least_block=least,
                most=ratios[most], most_block=most))  # fmt: skip
    return found


def _of(id: str, **values: Any) -> dict[str, Any]:
    return {"id": f"updates.{id}", "values": values}


def _numbers(results: dict[str, Any]) -> dict[str, Any]:
    """Every block after training: the gradient of each term, and what each turn moved."""
    own = results["moments"]["trained"]
    rows = [
        [block, *(own["gradients"][term][block] for term in results["weights"]),
         *(own["moved"][turn][block] for turn in ("discriminator", "generator"))]
        for network in PLAYERS for block in results["blocks"][network]
    ]  # fmt: skip
    heads = ["block", *(f"updates_{term}" for term in results["weights"]), "moved_discriminator", "moved_generator"]
    return {"id": "updates.blocks", "columns": heads, "rows": rows}


# --------------------------------------------------------------------------------------------------------- figures


@figures.styled()
def _reach(results: dict[str, Any], out: Path) -> str:
    """Terms against blocks, each cell coloured by its gradient; 0 where there is none, framed where it is frozen."""
    names = [block for network in PLAYERS for block in results["blocks"][network]]
    shown = [value for m in results["moments"].values() for row in m["gradients"].values() for value in row.values()]
    scale = LogNorm(min(v for v in shown if v > 0), max(shown))
    figure, panels = figures.panels(2, words("updates.figure.reach"), columns=1, size=(0.52 * len(names) + 2.4, 2.2))
    for axes, moment in zip(panels, ("start", "trained"), strict=True):
        _cells(axes, results, results["moments"][moment]["gradients"], names, scale)
        axes.set_title(words(f"updates.panel.{moment}"), fontsize=10)
        image = axes.collections[0]
    bar = figure.colorbar(image, ax=panels, label=words("updates.axis.norm"), shrink=0.8)
    bar.outline.set_visible(False)
    figures.legend(
        figure,
        [
            (words("updates.legend.zero"), figures.SOFT, "$0$", ""),
            (words("updates.legend.frozen"), figures.INK, "s", ""),
        ],
    )
    return figures.save(figure, out, "reach")


def _cells(axes: Axes, results: dict[str, Any], flow: Flow, names: Sequence[str], scale: LogNorm) -> None:
    terms = list(results["weights"])
    values = [[flow[term][name] or math.nan for name in names] for term in terms]
    axes.pcolormesh(values, norm=scale, cmap="viridis", edgecolors="face", linewidth=0.4)
    for row, term in enumerate(terms):
        for column, name in enumerate(names):
            if flow[term][name] == 0:
                axes.text(column + 0.5, row + 0.5, "0", ha="center", va="center", color=figures.SOFT, fontsize=9)
            elif term.startswith("g_") and name in results["blocks"]["discriminator"]:
                for width, colour in ((3.2, "#010101"), (1.4, "#fefefe")):  # on cells, in any scheme of a page
                    frame = Rectangle((column + 0.1, row + 0.1), 0.8, 0.8, fill=False, edgecolor=colour, lw=width)
                    axes.add_patch(frame)
    axes.set_yticks([i + 0.5 for i in range(len(terms))], [words(f"updates.term.{term}") for term in terms])
    axes.set_xticks([i + 0.5 for i in range(len(names))], [named(name) for name in names], rotation=90, fontsize=8)
    axes.axvline(len(results["blocks"]["generator"]), color=figures.INK, linewidth=1)
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)


@figures.styled()
def _shares(results: dict[str, Any], out: Path) -> str:
    """The two terms of the generator's turn in each of its blocks, before training and after it."""
    names = results["blocks"]["generator"]
    figure, (axes,) = figures.panels(1, words("updates.figure.shares"), size=(8.8, 3.2))
    entries = []
    for term, colour in (("g_adversarial", figures.SERIES[1]), ("g_l1", figures.SERIES[0])):
        for moment, line in (("start", ":"), ("trained", "-")):
            values = [results["moments"][moment]["gradients"][term][name] for name in names]
            axes.plot(range(len(names)), values, "o", linestyle=line, color=colour, markersize=4)
            entries.append((words(f"updates.legend.{term}_{moment}"), colour, "o", line))
    axes.set_yscale("log")
    axes.set_xticks(range(len(names)), [named(name) for name in names], rotation=90)
    axes.set_ylabel(words("updates.axis.norm"))
    figures.legend(figure, entries)
    return figures.save(figure, out, "shares")
