"""The whole assignment, 1a to 5g: a table of parts, each with its share of the time, made in order, shown on one page.

Killed at any instant and started again, it does what is missing. A part that fails does not lose the others.
"""

import json
import os
import platform
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from arzhang import devices, hands, recipes
from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_atomically
from arzhang.report import assignment, parts
from arzhang.report.assignment import Progress, Show, Shown
from arzhang.report.page import page_name
from arzhang.report.prose import IDS
from arzhang.reproduce import making
from arzhang.reproduce.budgets import BUDGETS
from arzhang.reproduce.making import Notify, Work
from arzhang.reproduce.overview import Overview
from arzhang.wording import LANGUAGES

MOST = 4
"""Parts made at once; further cores are threads of theirs."""
RECORD = "reproduce.json"
"""How far each part has come, and the seconds that it took; beside the parts' folders."""


@dataclass(frozen=True)
class Part:
    """One part of the assignment."""

    name: str
    ids: str
    """What it answers, whole or in part."""
    seconds: float
    """Its share of the quick budget on two cores, which make two parts at once; all together leave a minute of ten."""
    make: Callable[[Work], None]
    show: Show
    needs: tuple[str, ...] = ()
    """Parts that it rests on."""
    of: str = ""
    """The field of the budget without which it is left out."""


VAE, CLASSIFIER = ("vae",), ("classifier",)
PIX2PIX = ("pix2pix",)
PARTS = (
    #    name            ids                seconds  how it is made                     how it is shown, and what it rests on
    Part("networks",     "3a 4f 4g 5b 5c",        5, making.networks,                   parts.networks),
    Part("gradients",    "1a 1b 1c 1d",          18, making.study("gradients"),         parts.gradients),
    Part("divergences",  "2a",                    9, making.study("divergences"),       parts.study("divergences", "2a")),
    Part("batches",      "3b",                   14, making.study("batches"),           parts.study("batches", "3b")),
    Part("transposed",   "3c",                    5, making.study("transposed"),        parts.study("transposed", "3c")),
    Part("classifier",   "5f",                   16, making.classifier,                 parts.runs("classifier")),
    Part("vae",          "3a 3b 3d 3e 3g 3h 5f", 36, making.vae,                        parts.vae, ("networks", "classifier")),
    Part("fid",          "3g",                   32, making.fid,                        parts.fid, VAE),
    Part("mixture",      "2b 2c 5f",             24, making.mixture,                    parts.mixture, VAE),
    Part("weights",      "2c",                   30, making.weights,                    parts.study("weights", "2c"), VAE),
    Part("beta",         "3d",                   34, making.beta,                       parts.study("beta", "3d"), CLASSIFIER),
    Part("metrics",      "3f 3h",                11, making.metrics,                    parts.metrics, VAE),
    Part("gan",          "4d 5f",                38, making.gan(recipes.GAN),           parts.one_run("gan", "4d", "setup", "samples", "curves", "numbers"), CLASSIFIER),
    Part("cgan",         "4a 5f",                48, making.gan(recipes.CGAN),          parts.one_run("cgan", "4a", "setup", "curves", "numbers"), CLASSIFIER),
    Part("classes",      "4a",                    2, making.classes,                    parts.study("classes", "4a"), ("cgan",)),
    Part("pairs",        "4b 5a",                24, making.pairs,                      parts.pairs),
    Part("garments",     "4b 5f",                 0, making.garments,                   parts.one_run("garments", "4b", "setup", "triplets", "numbers"), CLASSIFIER,
         of="garment_epochs"),
    Part("segmenter",    "5f",                   14, making.segmenter,                  parts.runs("segmenter-[0-9]*")),
    Part("pix2pix",      "5c 5d 5e 5f",          22, making.pix2pix,                    parts.streets, ("segmenter",)),
    Part("translation",  "4c 4e 4f 4g 5f",       38, making.translation,                parts.translation, ("segmenter",)),
    Part("patches",      "4f",                    1, making.looking_into("patches"),    parts.study("patches", "4f"), PIX2PIX),
    Part("variety",      "4g",                    2, making.looking_into("variety"),    parts.study("variety", "4g"), PIX2PIX),
    Part("updates",      "4h",                    4, making.looking_into("updates"),    parts.study("updates", "4h"), PIX2PIX),
    Part("publications", "5g",                    1, making.publications,               parts.publications),
)  # fmt: skip
"""In the order in which they are made."""


def reproduce(
    budget: str,
    out: Path,
    *,
    only: Sequence[str] = (),
    language: str | None = None,
    teach: bool = False,
    processes: int | None = None,
    notify: Notify = print,
) -> Path:
    """Do what is missing in `out`, or what `only` some ids need, and write the page: at first, and after every part.

    Pages are in every language, or in the one that is named. So many `processes` make parts at once, where it is not
    said as many as `at_once` finds; one makes them here. Raises UsageError for an id that there is not, and at
    the end ArzhangError, which names each part that failed, with its error.
    """
    recipes.require(processes is None or processes >= 1, "processes", processes, "must be 1 or more")
    whole = _Whole(budget, out, teach, [language] if language else list(LANGUAGES), notify)
    wanted = whole.wanted(only)
    whole.home.mkdir(parents=True, exist_ok=True)
    count = min(at_once() if processes is None else processes, len(wanted))
    first: Exception | None = None
    with whole.overview.live([part.name for part in wanted], count):
        whole.write_pages()
        if count > 1:
            whole.make_at_once(wanted, count)
        for part in wanted if count == 1 else ():
            try:
                whole.make(part)
            except Exception as error:
                if hasattr(error, "exit_code"):  # a signal, not a failure
                    raise
                first = first or error
        whole.write_pages()
    lines = [f"{p.name} ({' '.join(p.ids)}): {p.error}" for p in whole.progress.values() if p.error]
    if lines:
        raise ArzhangError(
            "\narzhang: ".join([*lines, f"the same command goes on: {whole.command(' '.join(only))}"])
        ) from first
    return out / page_name("index", whole.languages[0])


class _Whole:
    """All parts of one budget: how far each has come, and the page of what there is."""

    def __init__(self, budget: str, out: Path, teach: bool, languages: Sequence[str], notify: Notify) -> None:
        self.budget, self.out, self.teach, self.languages = budget, out, teach, languages
        self.home = out / budget
        self.parts = {part.name: part for part in PARTS if not part.of or getattr(BUDGETS[budget], part.of)}
        self.progress = {name: self._before(part) for name, part in self.parts.items()}
        self.shown: dict[tuple[str, str], Mapping[str, Shown]] = {}
        self.begun: dict[str, tuple[Progress, float]] = {}
        """Of parts that are being made, or were: how far each had come, and when it was begun."""
        self.overview = Overview(lambda: list(self.progress.values()), notify)
        self.work = Work(BUDGETS[budget], self.home, self.overview.say)

    def wanted(self, only: Sequence[str]) -> list[Part]:
        """The parts of some ids and those that they rest on, in order; without ids all of them."""
        if unknown := next((id for id in only if id not in IDS), None):
            raise UsageError(f"--only {unknown}: no such id{recipes.nearest(unknown, IDS)}; there are {', '.join(IDS)}")
        chosen = {name for name, part in self.parts.items() if not only or set(only) & set(part.ids.split())}
        for part in reversed(self.parts.values()):
            chosen |= set(part.needs) if part.name in chosen else set()
        return [part for part in self.parts.values() if part.name in chosen]

    def make(self, part: Part) -> None:
        """One part, or nothing where one that it needs has failed. What goes wrong is kept, and raised."""
        if not self._begin(part):
            return
        state, error = "missing", ""  # as a signal leaves it
        try:
            part.make(self.work)
            self._show(part)
            state = "done"
        except Exception as failure:
            state, error = "failed", hands.line_of(failure)
            raise
        finally:
            self._end(part, state, error)

    def make_at_once(self, wanted: Sequence[Part], count: int) -> None:
        """Parts by several hands, each when those that it needs are done. What goes wrong is kept; raises Stopped
        where a signal arrives, after what is being trained has been saved."""
        waiting, running = list(wanted), dict[str, Part]()

        def ready() -> hands.Job | None:
            for part in list(waiting):
                unmade = [name for name in part.needs if self.progress[name].state != "done"]
                if any(name in running or self.parts[name] in waiting for name in unmade):
                    continue
                waiting.remove(part)
                if self._begin(part):
                    running[part.name] = part
                    return {"name": part.name, "budget": self.budget, "home": str(self.home)}
            return None

        def told(what: hands.Told) -> None:
            if what.line:
                self.overview.say(what.line, what.name)
            else:
                self._told(running.pop(what.name), what.failed)

        with hands.Hands("arzhang.reproduce:by_hand", count) as several:
            try:
                several.work(ready, told)
            except hands.Stopped:
                for part in running.values():
                    self._end(part, "missing", "")
                raise

    def _told(self, part: Part, error: str) -> None:
        """A hand has done a part, or it has not."""
        if not error:
            try:
                self._show(part)
            except Exception as failure:
                error = hands.line_of(failure)
        self._end(part, "failed" if error else "done", error)

    def _begin(self, part: Part) -> bool:
        """Say that a part is being made; False where one that it needs is not there."""
        if lacking := [name for name in part.needs if self.progress[name].state != "done"]:
            self._now(part, state="blocked", error=f"waits for {', '.join(lacking)}")
            return False
        self.begun[part.name] = self.progress[part.name], time.monotonic()
        self._now(part, state="running", error="")
        self.overview.begins(self.progress[part.name])
        return True

    def _end(self, part: Part, state: str, error: str) -> None:
        before, began = self.begun[part.name]
        again = before.state == "done" and state == "done"  # nothing was left to do: its time stands
        seconds = before.seconds + (0.0 if again else time.monotonic() - began)
        self._now(part, state=state, error=error, seconds=seconds)
        self.overview.ended(self.progress[part.name])

    def write_pages(self) -> None:
        found: dict[str, dict[str, list[Shown]]] = {language: {} for language in self.languages}
        for name, part in self.parts.items():
            if self.progress[name].state != "done":
                continue
            try:
                self._show(part)
            except Exception as failure:  # its files were changed or damaged since
                self.progress[name] = replace(self.progress[name], state="failed", error=hands.line_of(failure))
                continue
            for language in self.languages:
                for id, shown in self.shown[name, language].items():
                    found[language].setdefault(id, []).append(shown)
        progress = list(self.progress.values())
        about = {"budget": self.budget, "machine": _machine(), "total": sum(part.share for part in progress)}
        for language, shown_by_id in found.items():
            sections = assignment.sections(shown_by_id, progress, self.command, about, self.teach, language)
            assignment.write(self.out, sections, self.languages, language)

    def command(self, ids: str) -> str:
        """What makes some ids."""
        words = ["arzhang", "reproduce", "--budget", self.budget, *(["--only", *ids.split()] if ids else [])]
        return shlex.join([*words, "--out", self.out.resolve().name])

    def _show(self, part: Part) -> None:
        for language in self.languages:
            if (part.name, language) not in self.shown:
                self.shown[part.name, language] = part.show(self.home, language)

    def _now(self, part: Part, **changes: Any) -> None:
        self.progress[part.name] = replace(self.progress[part.name], **changes)
        if changes["state"] == "running":
            for language in self.languages:
                self.shown.pop((part.name, language), None)
        record = {"budget": self.budget, "machine": _machine(), "parts": [asdict(p) for p in self.progress.values()]}
        write_atomically(self.home / RECORD, json.dumps(record, indent=1) + "\n")
        if changes["state"] != "done":  # what is done shows as the next part begins
            self.write_pages()

    def _before(self, part: Part) -> Progress:
        """How far a part had come when this was started the last time."""
        new = Progress(part.name, part.ids.split(), part.seconds)
        try:
            record = json.loads((self.home / RECORD).read_text(encoding="utf-8"))
            found = next(entry for entry in record["parts"] if entry["name"] == part.name)
            return replace(
                new, state="done" if found["state"] == "done" else "missing", seconds=float(found["seconds"])
            )
        except (OSError, ValueError, LookupError, TypeError, StopIteration):  # the record is not what results rest on
            return new


def at_once() -> int:
    """How many parts are made at once: one on a GPU, which takes one thing at a time; else one a core, up to some."""
    return 1 if devices.device("auto").type != "cpu" else min(MOST, torch.get_num_threads())


def by_hand(job: hands.Job, notify: Notify) -> None:
    """One part, in a process of its own."""
    part = next(part for part in PARTS if part.name == job["name"])
    part.make(Work(BUDGETS[job["budget"]], Path(job["home"]), notify))


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores"
