"""Assignment 3c observed: what a transposed convolution does, its size formula, and its checkerboards."""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.networks.vae import Decoder
from arzhang.randomness import generator
from arzhang.studies import transposed_figures
from arzhang.studies.options import TransposedStudy

RESULTS = "transposed.json"
LAYERS = 4_096
"""Random layers whose answer to an even image is looked at: the mean power of one pixel is then known to 2 %."""
CHANNELS = 16
"""Channels that come into each of them."""
ONE_TO_NINE = torch.arange(1.0, 10.0, dtype=torch.float64).view(1, 1, 3, 3)
BASE = {"n": 5, "k": 3, "s": 2, "p": 1, "o": 0, "d": 1}
"""From which the picture of the formula changes one parameter at a time."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """Input side n, kernel k, stride s, padding p, output padding o, dilation d; the same on both axes."""

    n: int
    k: int
    s: int
    p: int = 0
    o: int = 0
    d: int = 1

    @property
    def side(self) -> int:
        """The output's side: (n − 1)s inputs apart, d(k − 1) + 1 the kernel's reach, 2p cut off, o given back."""
        return (self.n - 1) * self.s - 2 * self.p + self.d * (self.k - 1) + self.o + 1

    @property
    def allowed(self) -> bool:
        """Output padding below the stride or the dilation, and a pixel left."""
        return self.o < max(self.s, self.d) and self.side >= 1

    def make(self, weight: Tensor) -> nn.ConvTranspose2d:
        """torch's layer of one channel with this (1, 1, k, k) kernel."""
        module = nn.ConvTranspose2d(1, 1, self.k, self.s, self.p, self.o, bias=False, dilation=self.d).double()
        module.weight.data.copy_(weight)
        return module.requires_grad_(False)

    def convolution(self, x: Tensor, weight: Tensor) -> Tensor:
        """The convolution whose transpose the layer is: from images of the output's side to those of the input's."""
        return F.conv2d(x, weight, stride=self.s, padding=self.p, dilation=self.d)


def study(options: TransposedStudy, out: Path, notify: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, compare, conclude. Writes `transposed.json` and the figures; returns what the JSON holds."""
    _check(options)
    out.mkdir(parents=True, exist_ok=True)
    grid = _grid(options)
    notify(f"{grid['combinations']:,} combinations, of which the layer takes {grid['accepted']:,}")
    matrices, overlaps, arms = _matrices(), _overlaps(options), _arms(options.seed)
    decoder, courses = _decoder(), _courses(options)
    results = {
        "study": "transposed",
        "options": dataclasses.asdict(options),
        "grid": grid,
        "courses": courses,
        "matrices": matrices,
        "overlaps": overlaps,
        "arms": [{k: v for k, v in arm.items() if k != "picture"} for arm in arms],
        "conclusions": _conclusions(grid, matrices, overlaps, arms, decoder),
        "tables": [_decoder_table(decoder), _overlap_table(overlaps), _arm_table(arms)],
        "figures": [
            transposed_figures.spread(_spreads(), out),
            transposed_figures.sides(courses, out),
            transposed_figures.matrices(matrices, out),
            transposed_figures.checkerboards(_coverages(((3, 2), (4, 2), (5, 3))), arms, out),
        ],
    }
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _check(options: TransposedStudy) -> None:
    least = {"side": 1, "kernel": 1, "stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
    for name, low in least.items():
        values = getattr(options, name)
        flag = "--" + name.replace("_", "-")
        if not values:
            raise UsageError(f"{flag}: give at least one")
        if wrong := [value for value in values if not low <= value <= 16]:
            raise UsageError(f"{flag} {wrong[0]}: must be from {low} to 16")


# ------------------------------------------------------------------------------------------- formula, layer, transpose


def _layers(options: TransposedStudy) -> Iterator[Layer]:
    for values in itertools.product(
        options.side, options.kernel, options.stride, options.padding, options.output_padding, options.dilation
    ):
        yield Layer(*values)


def _grid(options: TransposedStudy) -> dict[str, Any]:
    """Every combination given to the real layer: does it take it, what comes out, and by which other ways."""
    rng = generator(options.seed, "transposed", "grid")
    found: dict[str, Any] = {"combinations": 0, "accepted": 0, "sides": 0, "verdicts": 0}
    largest = {"crop": 0.0, "zeros": 0.0, "product": 0.0}
    restored = 0
    for layer in _layers(options):
        found["combinations"] += 1
        x = torch.randn(1, 1, layer.n, layer.n, generator=rng, dtype=torch.float64)
        weight = torch.randn(1, 1, layer.k, layer.k, generator=rng, dtype=torch.float64)
        try:
            y = layer.make(weight)(x)
        except (RuntimeError, ValueError):  # torch names both: too much output padding, and no pixel left
            found["verdicts"] += not layer.allowed
            continue
        found["accepted"] += 1
        found["verdicts"] += layer.allowed
        found["sides"] += y.shape[2:] == (layer.side, layer.side)
        for name, other in (("crop", by_cropping(layer, x, weight)), ("zeros", by_zeros(layer, x, weight))):
            same = other.shape == y.shape
            largest[name] = max(largest[name], float((other - y).abs().max()) if same else math.inf)
        image = torch.randn(y.shape, generator=rng, dtype=torch.float64)
        seen = layer.convolution(image, weight) if y.shape[-1] + 2 * layer.p > layer.d * (layer.k - 1) else None
        if seen is not None and seen.shape == x.shape:  # o is what the convolution's division by s leaves over
            restored += 1
            largest["product"] = max(largest["product"], float(((seen * x).sum() - (image * y).sum()).abs()))
    return found | {"restored": restored, **{f"{name}_error": value for name, value in largest.items()}}


def by_cropping(layer: Layer, x: Tensor, weight: Tensor) -> Tensor:
    """Padding and output padding as what they are: p rows fewer at the beginning, p − o fewer at the end."""
    full = F.conv_transpose2d(x, weight, stride=layer.s, dilation=layer.d)
    end = layer.o - layer.p
    return F.pad(full, (-layer.p, end, -layer.p, end))


def by_zeros(layer: Layer, x: Tensor, weight: Tensor) -> Tensor:
    """As a plain convolution: s − 1 zeros between pixels, d(k − 1) − p around, o more at the end, the kernel turned."""
    spaced = x.new_zeros(*x.shape[:2], *((side - 1) * layer.s + 1 for side in x.shape[2:]))
    spaced[..., :: layer.s, :: layer.s] = x
    edge = layer.d * (layer.k - 1) - layer.p
    return F.conv2d(F.pad(spaced, (edge, edge + layer.o) * 2), weight.flip(2, 3), dilation=layer.d)


def matrix(f: Callable[[Tensor], Tensor], side: int) -> Tensor:
    """The matrix of a linear map of one-channel images of that side: column i is what it makes of pixel i alone."""
    pixels = torch.eye(side * side, dtype=torch.float64).view(-1, 1, side, side)
    return f(pixels).flatten(1).T


def _matrices() -> dict[str, Any]:
    """A convolution of stride 2 from 5×5 to 3×3 and the layer with the same kernel, as matrices."""
    layer = Layer(3, 3, 2, p=1)
    there = matrix(lambda x: layer.convolution(x, ONE_TO_NINE), layer.side)
    back = matrix(layer.make(ONE_TO_NINE), layer.n)
    error = float((there.T - back).abs().max())
    return {"convolution": there.tolist(), "transposed": back.tolist(), "error": error, "n": layer.n, "m": layer.side}


def _courses(options: TransposedStudy) -> dict[str, Any]:
    """The output's side as one parameter changes: by the formula, and by the layer where it takes it."""
    ranges = {
        "n": range(1, 9), "k": range(1, 8), "s": range(1, 6), "p": range(6), "o": range(4), "d": range(1, 5)
    }  # fmt: skip
    found: dict[str, Any] = {}
    for name, values in ranges.items():
        layers = [Layer(**(BASE | {name: value})) for value in values]
        found[name] = {"x": list(values), "formula": [x.side for x in layers], "layer": [_real_side(x) for x in layers]}
    return found


def _real_side(layer: Layer) -> int | None:
    try:
        return int(layer.make(torch.zeros(()))(torch.zeros(1, 1, layer.n, layer.n, dtype=torch.float64)).shape[-1])
    except (RuntimeError, ValueError):
        return None


def _spreads() -> list[dict[str, Any]]:
    """Where the kernel of a single 1 in the middle of 3×3 pixels lands; what padding cuts off stays to be seen."""
    shown = {
        "plain": Layer(3, 3, 1), "stride_2": Layer(3, 3, 2), "stride_3": Layer(3, 3, 3),
        "padding": Layer(3, 3, 2, p=1), "output_padding": Layer(3, 3, 2, p=1, o=1), "dilation": Layer(3, 3, 2, d=2),
    }  # fmt: skip
    one = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    one[..., 1, 1] = 1
    found = []
    for name, layer in shown.items():
        kept = layer.make(ONE_TO_NINE)(one)[0, 0]
        full = F.conv_transpose2d(one, ONE_TO_NINE, stride=layer.s, dilation=layer.d)[0, 0]
        found.append({"name": name, **dataclasses.asdict(layer), "full": full.tolist(), "kept": kept.tolist()})
    return found


# -------------------------------------------------------------------------------------------------------- checkerboards


def coverage(k: int, s: int) -> Tensor:
    """How many inputs reach each output of one period, away from the border, (s, s): all weights are 1."""
    layer = Layer(2 * k + 3, k, s)
    y = layer.make(torch.ones(()))(torch.ones(1, 1, layer.n, layer.n, dtype=torch.float64))[0, 0]
    begin = s * (k + 1)  # beyond the first k inputs: reached by all that ever can
    return y[begin : begin + s, begin : begin + s]


def unevenness(values: Tensor) -> float:
    """Variance over the squared mean: 0 where all are equal."""
    return float(values.var(correction=0) / values.mean() ** 2)


def _coverages(pairs: tuple[tuple[int, int], ...]) -> list[dict[str, Any]]:
    return [{"k": k, "s": s, "counts": coverage(k, s).tolist()} for k, s in pairs]


def _overlaps(options: TransposedStudy) -> list[dict[str, Any]]:
    rows = []
    for s, k in itertools.product(sorted({*options.stride}), sorted({*options.kernel})):
        counts = coverage(k, s)
        ends = {"least": int(counts.min()), "most": int(counts.max())}
        rows.append({"k": k, "s": s, "divides": k % s == 0, **ends, "unevenness": unevenness(counts)})
    return rows


def share_at_stride(y: Tensor, s: int) -> float:
    """Of the power of images (B, 1, H, H), H a multiple of s, the share at the frequencies of a pattern of period s.

    The mean is part of the whole, and of no pattern.
    """
    power = torch.fft.fft2(y).abs().square().sum((0, 1))
    step = y.shape[-1] // s
    return float((power[::step, ::step].sum() - power[0, 0]) / power.sum())


def _arms(seed: int) -> list[dict[str, Any]]:
    """Layers that double the side, with random weights, given even images: every pattern is the layer's own."""
    rng = generator(seed, "transposed", "arms")
    bilinear = torch.tensor([0.25, 0.75, 0.75, 0.25], dtype=torch.float64)
    makes: dict[str, Callable[[], nn.Module]] = {
        "three": lambda: nn.ConvTranspose2d(CHANNELS, LAYERS, 3, 2, bias=False),
        "four": lambda: nn.ConvTranspose2d(CHANNELS, LAYERS, 4, 2, bias=False),
        "bilinear": lambda: nn.ConvTranspose2d(CHANNELS, LAYERS, 4, 2, bias=False),
        "resize": lambda: nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(CHANNELS, LAYERS, 3, padding=1, bias=False)
        ),
    }
    found = []
    for name, make in makes.items():
        module = make().double()
        (weight,) = module.parameters()
        with torch.no_grad():
            weight.copy_(torch.randn(weight.shape, generator=rng, dtype=torch.float64))
            if name == "bilinear":  # a random number for each pair of channels, and the same hat for all
                weight.copy_(weight[..., :1, :1] * bilinear[:, None] * bilinear)
            even = torch.randn(1, CHANNELS, 1, 1, generator=rng, dtype=torch.float64).expand(-1, -1, 8, 8)
            y = module(even)[0, :, None, 4:12, 4:12]  # away from the border
        found.append(
            {
                "name": name,
                "share": share_at_stride(y, 2),
                "unevenness": unevenness(y[..., :2, :2].square().mean((0, 1))),
                "picture": (y[0, 0] / y[0, 0].abs().max()).tolist(),
            }
        )
    return found


# ---------------------------------------------------------------------------------------------- the decoder; in numbers


def _decoder() -> list[dict[str, Any]]:
    """The three layers of 3a's decoder, read from the module, with what they really make of a map."""
    rows, n = [], 3
    for module in Decoder().modules():
        if not isinstance(module, nn.ConvTranspose2d):
            continue
        settings = (module.kernel_size, module.stride, module.padding, module.output_padding, module.dilation)
        layer = Layer(n, *(int(pair[0]) for pair in settings))
        with torch.no_grad():
            y = module(torch.zeros(1, module.in_channels, n, n))
        counts = coverage(layer.k, layer.s)
        rows.append(
            {
                **dataclasses.asdict(layer),
                "channels_in": module.in_channels,
                "channels_out": module.out_channels,
                "formula": layer.side,
                "side": y.shape[-1],
                "weights": sum(parameter.numel() for parameter in module.parameters()),
                "least": int(counts.min()),
                "most": int(counts.max()),
            }
        )
        n = y.shape[-1]
    return rows


def _decoder_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    def spelt(r: dict[str, Any]) -> str:
        return f"({r['n']} − 1)·{r['s']} − 2·{r['p']} + {r['d']}·({r['k']} − 1) + {r['o']} + 1 = {r['formula']}"

    cells = [
        [
            f"{r['channels_in']}×{r['n']}×{r['n']}", f"{r['channels_out']}×{r['side']}×{r['side']}",
            r["k"], r["s"], r["p"], r["o"], spelt(r), r["weights"], f"{r['least']} … {r['most']}",
        ]
        for r in rows
    ]  # fmt: skip
    columns = ["input", "output", "kernel", "stride", "padding", "output_padding", "side", "weights", "reached"]
    return {"id": "transposed.decoder", "columns": columns, "rows": cells}


def _overlap_table(overlaps: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [[o["k"], o["s"], o["least"], o["most"], o["unevenness"]] for o in overlaps]
    return {"id": "transposed.overlaps", "columns": ["kernel", "stride", "least", "most", "unevenness"], "rows": rows}


def _arm_table(arms: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [[{"id": f"transposed.arm.{arm['name']}"}, arm["unevenness"], arm["share"]] for arm in arms]
    return {"id": "transposed.arms", "columns": ["layer", "power_unevenness", "share"], "rows": rows}


def _conclusions(
    grid: dict[str, Any], matrices: dict[str, Any], overlaps: list, arms: list, decoder: list
) -> list[dict[str, Any]]:
    whole = grid["sides"] == grid["accepted"]
    refused = grid["combinations"] - grid["accepted"]
    right = grid["verdicts"] == grid["combinations"]
    even = all((o["unevenness"] < 1e-12) == o["divides"] for o in overlaps)
    by_name = {arm["name"]: arm for arm in arms}
    values: dict[str, Any] = {f"{name}_share": arm["share"] for name, arm in by_name.items()}
    values |= {f"{name}_unevenness": arm["unevenness"] for name, arm in by_name.items()}
    course = {name: r["n"] for name, r in zip(("first", "second", "third"), decoder, strict=True)}
    course |= {"last": decoder[-1]["side"]}
    course |= {"least": min(r["least"] for r in decoder), "most": max(r["most"] for r in decoder)}
    found = [
        {"id": f"transposed.formula{'' if whole else '_fails'}", "values": grid},
        {"id": f"transposed.refused{'' if right else '_otherwise'}", "values": {**grid, "refused": refused}},
        {"id": "transposed.ways", "values": {"crop": grid["crop_error"], "zeros": grid["zeros_error"]}},
        {"id": "transposed.transpose", "values": {**grid, "error": matrices["error"]}},
        {"id": "transposed.decoder", "values": course},
        {"id": f"transposed.even{'' if even else '_otherwise'}", "values": {"pairs": len(overlaps)}},
    ]
    worst = max(overlaps, key=lambda o: o["unevenness"])
    if worst["unevenness"] > 1e-12:
        found.append({"id": "transposed.worst", "values": worst})
    found.append({"id": "transposed.weights", "values": values | {"layers": LAYERS}})
    return found
