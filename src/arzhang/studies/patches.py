"""Assignment 4f observed: how much of an image one decision of a PatchGAN sees, and what it decides where."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import matplotlib as mpl
import torch
import torch.nn.functional as F
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from arzhang import assembly, pictures, recipes
from arzhang.errors import UsageError
from arzhang.evaluation.moments import Moments, blocks
from arzhang.evaluation.translation import alike
from arzhang.files import write_atomically
from arzhang.networks.pix2pix import HALVINGS, Discriminator, ReceptiveField
from arzhang.report import figures
from arzhang.studies import trained
from arzhang.studies.options import PatchStudy, changed
from arzhang.tasks.adversarial import signed
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.wording import words

RESULTS = "patches.json"
SHOWN = 4
"""Test images on a sheet of decisions."""
WHITE, ORANGE = "#fefefe", "#b4540b"
"""On photos, which look the same in every scheme of a page: so these are no colours of the palette, which follow it."""
Notify = Callable[[str], None]
Box = tuple[int, int, int, int]
"""First row, first column, height and width, in pixels."""


class Seen(NamedTuple):
    """What the decision in the middle of a discriminator's map depends on."""

    field: int
    """Pixels across, measured on an image that is large enough to hold it."""
    box: Box
    """Of an image of the study's size, as far as it reaches."""
    map: tuple[int, int]
    """Decisions an image of that size gets."""


def study(options: PatchStudy, out: Path, notify: Notify = print) -> dict[str, Any]:
    """Each discriminator's receptive field by gradient, and its decisions over real and made photos. Writes
    `patches.json`, figures, pictures; returns what it holds."""
    fields = _checked(options)
    out.mkdir(parents=True, exist_ok=True)
    rows, sheets, examples = [], [], None
    for field in fields:
        changes = {} if options.run else {"receptive_field": field}
        run, task, parts = trained.pix2pix(options, out, notify, **changes)
        if "discriminator" not in dict(task.networks.named_children()):
            raise UsageError(f"--run {options.run}: trained by L1 alone, it has no discriminator")
        indices = trained.taken("n", options.n, parts, task.device)
        examples = parts.test
        own = task.recipe.receptive_field
        row = {"receptive_field": own, "run": run.path.name, **seen(own, task.shape[1:])._asdict()}
        rows.append(row | {"decisions": decided(task, examples, indices)})
        sheets.append(_sheet(task, examples, indices, out))
    results = {
        "study": "patches",
        "options": dataclasses.asdict(options),
        "command": ["study", "patches", *recipes.as_flags(changed(options))],
        "fields": rows,
        "size": list(examples.shape[1:]) if examples is not None else [],
    }
    results["conclusions"] = conclude(results)
    results["tables"] = [_numbers(rows)]
    results["figures"] = [_boxes(rows, cast(Any, examples), out), _decisions(rows, out)]
    results["pictures"] = sheets
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _checked(options: PatchStudy) -> list[int]:
    fields = list(options.receptive_fields)
    for field in fields:
        if field not in HALVINGS:
            raise UsageError(f"--receptive-fields {field}: there is {', '.join(map(str, HALVINGS))}")
    if not fields or len(set(fields)) < len(fields):
        raise UsageError(f"--receptive-fields {' '.join(map(str, fields))}: give at least one, and none twice")
    if options.run is not None:
        return fields[:1]  # the run's own
    for field in fields:
        assembly.refuse_unfit(trained.small(options, receptive_field=cast(Any, field)))
    return fields


# ------------------------------------------------------------------------------------------------------- measuring


def seen(field: int, size: Sequence[int]) -> Seen:
    """By the gradient of the middle decision with respect to every pixel: an untrained discriminator's, since which
    pixels reach it is a matter of its layers alone, with running statistics, which join no pixels."""
    network = Discriminator(1, 4, cast(ReceptiveField, field)).eval()
    large = 3 * field + network.smallest + 1
    _, (_, _, height, width) = _reached(network, (large, large))
    assert height == width
    logits, box = _reached(network, size)
    return Seen(height, box, logits)


def _reached(network: Discriminator, size: Sequence[int]) -> tuple[tuple[int, int], Box]:
    images = torch.rand(1, 1, *size, dtype=torch.float64).requires_grad_()
    logits = network.double()(images)
    height, width = logits.shape[-2:]
    (gradient,) = torch.autograd.grad(logits[0, 0, height // 2, width // 2], images)
    reached = gradient[0, 0] != 0
    rows, columns = reached.any(1).nonzero(), reached.any(0).nonzero()
    top, left = int(rows.min()), int(columns.min())
    return (height, width), (top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1)


@torch.no_grad()
def verdicts(
    task: Pix2PixTask, inputs: Float[Tensor, "B D H W"], images: Float[Tensor, "B C H W"]
) -> Float[Tensor, "B 1 h w"]:
    """The discriminator's map of each pair, as the probability of being real: each with its own statistics, as in a
    training of one image a step."""
    task.networks.train()
    own = [task.verdict(signed(inputs[i : i + 1]), signed(images[i : i + 1])) for i in range(len(images))]
    task.networks.eval()
    logits = torch.cat(own)
    return logits if task.recipe.adversarial == "lsgan" else logits.sigmoid()


@torch.no_grad()
def decided(task: Pix2PixTask, examples: Any, indices: Tensor) -> dict[str, dict[str, float]]:
    """How often its decisions over test pairs are right, on real and on made photos; how far those of one photo lie
    apart; means over photos with standard errors."""
    moments = Moments()
    for _, rows in blocks(len(indices), "deciding", 20):
        found = examples.take(indices[rows.to(indices.device)])
        assert found.inputs is not None
        made = task.translate(found.inputs, first=int(rows[0]))
        maps = {name: verdicts(task, found.inputs, images) for name, images in (("real", found.images), ("made", made))}
        columns: dict[str, Tensor] = {}
        for name, values in maps.items():
            flat = values.flatten(1)
            right = flat > 0.5 if name == "real" else flat <= 0.5
            columns |= {f"right_{name}": right.double().mean(1), f"mean_{name}": flat.mean(1)}
            columns[f"spread_{name}"] = flat.std(1) if flat.shape[1] > 1 else torch.zeros(len(flat))
        moments.add(columns)
    found = {name: moments.metric(name, "", {}) for name in moments.names}
    return {name: {"value": metric["value"], "error": metric["uncertainty"]} for name, metric in found.items()}


# -------------------------------------------------------------------------------------------------------- findings


def conclude(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Whether the measured fields are what the names say, what share of an image one is, how often each is right."""
    rows = results["fields"]
    wrong = [row for row in rows if row["field"] != row["receptive_field"]]
    found = [_of("off", named=row["receptive_field"], field=row["field"]) for row in wrong]
    if not wrong:
        found.append(_of("exact", fields=", ".join(str(row["field"]) for row in rows), n=len(rows)))
    height, width = results["size"]
    for row in rows:
        share = row["box"][2] * row["box"][3] / (height * width)
        own = {name: value["value"] for name, value in row["decisions"].items()}
        errors = {f"{kind}_error": row["decisions"][f"right_{kind}"]["error"] for kind in ("real", "made")}
        values = {"field": row["field"], "rows": row["map"][0], "columns": row["map"][1], "share": share}
        values |= {**own, **errors, "n": results["options"]["n"]}
        found.append(_of("decides", **values))
    return found


def _of(id: str, **values: Any) -> dict[str, Any]:
    return {"id": f"patches.{id}", "values": values}


def _numbers(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = ("right_real", "right_made", "mean_real", "mean_made", "spread_real", "spread_made")
    cells = [
        [row["receptive_field"], row["field"], f"{row['map'][0]}×{row['map'][1]}",
         *(row["decisions"][name]["value"] for name in names)]
        for row in rows
    ]  # fmt: skip
    return {"id": "patches.fields", "columns": ["field_named", "field_measured", "decisions", *names], "rows": cells}


# --------------------------------------------------------------------------------------------------------- figures


@figures.styled()
def _boxes(rows: Sequence[dict[str, Any]], examples: Any, out: Path) -> str:
    """The patch of the middle decision on a test image, at each receptive field."""
    image = examples.take(torch.zeros(1, dtype=torch.int64, device=examples.device)).images[0]
    figure, panels = figures.panels(len(rows), words("patches.figure.fields"), columns=4, size=(2.4, 2.0))
    for axes, row in zip(panels, rows, strict=True):
        _show(axes, image)
        top, left, height, width = row["box"]
        for line, colour in ((3.5, WHITE), (1.8, ORANGE)):
            place = (left - 0.5, top - 0.5)
            axes.add_patch(Rectangle(place, width, height, fill=False, edgecolor=colour, lw=line))
        title = {"field": row["field"], "rows": row["map"][0], "columns": row["map"][1]}
        axes.set_title(words("patches.panel.field", title), fontsize=10)
    return figures.save(figure, out, "fields")


def _show(axes: Axes, image: Float[Tensor, "C H W"]) -> None:
    axes.imshow(image.permute(1, 2, 0).expand(-1, -1, 3).cpu().numpy(), interpolation="nearest")
    axes.set_xlim(-1.5, image.shape[2] + 0.5)
    axes.set_ylim(image.shape[1] + 0.5, -1.5)
    axes.axis("off")


@figures.styled()
def _decisions(rows: Sequence[dict[str, Any]], out: Path) -> str:
    """How often each discriminator is right, on real photos and on made ones."""
    figure, (axes,) = figures.panels(1, words("patches.figure.decisions"), size=(8.4, 3.0))
    for shift, name, colour in ((-0.17, "right_real", figures.SERIES[0]), (0.17, "right_made", figures.SERIES[1])):
        values = [row["decisions"][name] for row in rows]
        at = [i + shift for i in range(len(rows))]
        axes.bar(
            at,
            [v["value"] for v in values],
            0.32,
            yerr=[v["error"] for v in values],
            color=colour,
            capsize=2,
            ecolor=figures.INK,
        )
    axes.axhline(0.5, color=figures.SOFT, linestyle=":", linewidth=1)
    axes.set_xticks(range(len(rows)), [str(row["receptive_field"]) for row in rows])
    axes.grid(axis="x", visible=False)
    axes.set(ylim=(0, 1), xlabel=words("patches.axis.field"), ylabel=words("patches.axis.right"))
    figures.legend(
        figure,
        [
            (words("patches.legend.real"), figures.SERIES[0], "s", ""),
            (words("patches.legend.made"), figures.SERIES[1], "s", ""),
            (words("patches.legend.coin"), figures.SOFT, "", ":"),
        ],
    )
    return figures.save(figure, out, "decisions")


@torch.no_grad()
def _sheet(task: Pix2PixTask, examples: Any, indices: Tensor, out: Path) -> dict[str, Any]:
    """A row a test pair: what is given, the real photo and the map over it, the made one and the map over that."""
    found = examples.take(indices[:SHOWN])
    assert found.inputs is not None
    made = task.translate(found.inputs)
    columns = [alike(found.inputs, task)]
    for images in (found.images, made):
        columns += [images, _coloured(verdicts(task, found.inputs, images), images)]
    field = task.recipe.receptive_field
    pictures.write_sheet(torch.stack(columns, 1).flatten(0, 1), out / f"map_{field}.png", columns=len(columns))
    return {"file": f"map_{field}.png", "id": "patches.sheet", "values": {"field": field}}


def _coloured(maps: Float[Tensor, "B 1 h w"], images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Probabilities as colours, each decision a block of the image's pixels."""
    enlarged = F.interpolate(maps.clamp(0, 1), images.shape[-2:], mode="nearest")[:, 0]
    colours = torch.from_numpy(mpl.colormaps["RdBu"](enlarged.cpu().numpy()))[..., :3].permute(0, 3, 1, 2).to(images)
    return colours if images.shape[1] == 3 else colours.mean(1, keepdim=True)
