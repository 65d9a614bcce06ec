"""docs/performance.md and its figures, from docs/performance.json alone. What stands outside the marks is written by
hand, and left as it is."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arzhang.report.figures import INK, SERIES, SOFT, STYLE
from bench.timing import ratios, spread

PAGE, FIGURE = "performance.md", "performance.png"
SHOWN = """![Two panels of dots on logarithmic axes: how many times as fast each row is as its peers, and which share of
its limit each reaches; left of the line at one, ours is slower. Upright marks are goals.](performance.png)"""
GROUPS = {
    "training": ("vae-", "pix2pix-", "cyclegan-"),
    "data": ("data",),
    "metrics": ("frechet", "fid", "kid", "prdc"),
    "mathematics": ("gradients", "divergence"),
    "running": ("checkpoint-", "start-", "sweep"),
    "scale": ("scale-",),
}
"""A table each: the rows whose names begin so."""
Found = Mapping[str, Any]


def summary(row: Found) -> str:
    """One line of a row, for the terminal."""
    own, *others = row["seconds"]
    parts = [f"{own} {_time(_median(row, own))} a {row['unit']}"]
    parts += [f"{_of(row, name)} {name}" for name in others]
    load = row["machine"]["load"]
    return f"{'; '.join(parts)}   ({len(row['seconds'][own])} rounds, {row['took']:.0f} s, load {max(load):.1f})"


def write(known: Found, folder: Path, device: str = "cpu") -> None:
    """The tables between their marks, and the figure; all that a GPU has measured is one table."""
    path = folder / PAGE
    text = path.read_text(encoding="utf-8")
    if device != "cpu":
        path.write_text(_between(text, device, f"{_machines(known)}\n\n{_table(known)}"), encoding="utf-8")
        return
    for group, starts in GROUPS.items():
        rows = {name: row for name, row in known.items() if name.startswith(starts)}
        text = _between(text, group, _table(rows) if rows else "Not measured yet.")
    text = _between(text, "machine", _machines(known))
    if any(_drawn(known)):
        _draw(known, folder / FIGURE)
        text = _between(text, "figure", SHOWN)
    path.write_text(text, encoding="utf-8")


def _between(text: str, name: str, content: str) -> str:
    marks = f"<!-- measured: {name} -->", f"<!-- /measured: {name} -->"
    pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    return pattern.sub(lambda _: f"{marks[0]}\n{content}\n{marks[1]}", text)


def _table(rows: Found) -> str:
    lines = ["| row | what | ours | beside | times as fast, or share of the limit | goal | peak memory, MB | quality |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        own, *others = row["seconds"]
        first = f"`{name}`", row["title"], f"{own}: {_time(_median(row, own))} a {row['unit']}"
        if row["most"]:
            met = "met" if _median(row, own) <= row["most"] else "**not met**"
            first = (*first[:2], f"{first[2]} (goal: under {row['most']:g} s, {met})")
        for i, other in enumerate(others or [None]):
            cells = [*(first if i == 0 else ("", "", ""))]
            if other is None:
                cells += ["–", "–", "–", _peaks(row, own), _quality(row, own)]
            else:
                what = f"{other}{' (limit)' if other == row['limit'] else ''}: {_time(_median(row, other))}"
                cells += [what, _of(row, other), _goal(row, other)]
                cells += [_peaks(row, own, other), _quality(row, own, other)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _median(row: Found, name: str) -> float:
    return spread(row["seconds"][name])[0] / row["per"]


def _of(row: Found, name: str) -> str:
    """The ratio to another contender, with its quartiles."""
    middle, low, high = spread(ratios(row, name))
    return f"{_number(middle)} × ({_number(low)}–{_number(high)})"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _goal(row: Found, name: str) -> str:
    goal = row["goals"].get(name)
    if goal is None:
        return ""
    return f"{goal:g}: {'met' if spread(ratios(row, name))[0] >= goal else '**not met**'}"


def _peaks(row: Found, *names: str) -> str:
    held = row.get("peak", {})
    return " / ".join(f"{held[name]:,}" if name in held else "–" for name in names)


def _quality(row: Found, *names: str) -> str:
    found = row["values"]
    if not any(name in found for name in names):
        return ""
    parts = []
    for name in names:
        middle, low, high = spread(found[name]) if name in found else (None, 0, 0)
        own = "–" if middle is None else f"{middle:.4g}"
        parts.append(own if high - low < 1e-4 * abs(low) or middle is None else f"{own} ± {(high - low) / 2:.2g}")
    return f"{' / '.join(parts)} ({row['quality']})"


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _machines(known: Found) -> str:
    """What the rows were measured on; rows of one machine together."""
    kinds: dict[str, list[str]] = {}
    for name, row in known.items():
        m = row["machine"]
        versions = ", ".join(f"{package} {version}" for package, version in m["versions"].items())
        device = m["device"] or "no GPU"
        words = f"{m['processor']} ({m['instructions']}), {m['cores']} cores, {m['threads']} threads, {device}"
        kinds.setdefault(f"{words}; Python {m['python']}, {versions}", []).append(name)
    lines = [f"- {kind}: {len(names)} rows" for kind, names in kinds.items()]
    busy = {name: max(row["machine"]["load"]) for name, row in known.items()}
    if over := [name for name, load in busy.items() if load > known[name]["machine"]["cores"] + 0.5]:
        lines.append(
            f"- measured while other work ran (load above the number of cores), to be measured again: "
            f"{', '.join(f'`{name}` ({busy[name]:.0f})' for name in over)}"
        )
    return "\n".join(lines)


# -------------------------------------------------------------------------------------------------------- the figure


def _drawn(known: Found) -> tuple[list[Any], list[Any]]:
    """(label, middle, low, high, goal) of what is beside a peer, and of what is beside a limit."""
    peers, limits = [], []
    for name, row in known.items():
        if name.startswith("scale-"):
            continue
        _, *others = row["seconds"]
        for other in others:
            entry = f"{name}: {other}", *spread(ratios(row, other)), row["goals"].get(other)
            (limits if other == row["limit"] else peers).append(entry)
    return peers, limits


def _draw(known: Found, path: Path) -> None:
    peers, limits = _drawn(known)
    rows = max(len(peers), len(limits), 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 0.24 * rows + 1.2), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        _panel(left, peers, "times as fast as …", "×")
        _panel(right, limits, "share of the limit reached", "")
        figure.savefig(path, dpi=110, metadata={"Software": None})


def _panel(axes: Axes, entries: list[Any], title: str, unit: str) -> None:
    axes.set_title(title)
    axes.set_xscale("log")
    for i, (_, middle, low, high, goal) in enumerate(entries):
        axes.plot([low, high], [i, i], color=SERIES[0], linewidth=2.5, alpha=0.5, solid_capstyle="butt")
        axes.plot(middle, i, "o", color=SERIES[0], markersize=4)
        if goal is not None:
            axes.plot(goal, i, marker="|", color=SERIES[1], markersize=11, markeredgewidth=2)
    axes.axvline(1, color=SOFT, linewidth=0.8)
    axes.set_yticks(range(len(entries)), [label for label, *_ in entries], fontsize=7.5, color=INK)
    axes.set_ylim(len(entries) - 0.5, -0.5)
    values = [value for _, *some, _ in entries for value in some] or [1.0]
    steps = (1,) if max(values) > 300 * min(values) else (1, 2, 5)  # labels that do not meet
    ticks = [step * 10.0**power for power in range(-2, 6) for step in steps]
    shown = [t for t in ticks if min(values) / 1.5 <= t <= max(values) * 1.5]
    axes.set_xticks(shown, [f"{t:g}{unit}" for t in shown])
    axes.minorticks_off()
    axes.grid(axis="y", visible=False)
