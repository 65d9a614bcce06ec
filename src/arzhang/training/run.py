"""A run directory: its configuration, its log, its lock. The only thing that later steps read."""

import contextlib
import dataclasses
import errno
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Container, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from arzhang.errors import ArzhangError, UsageError
from arzhang.files import flush, umask, write_atomically
from arzhang.recipes import SYSTEMS, Training, from_mapping, read_yaml
from arzhang.training import thinning

CONFIG, METRICS, LOCK = "config.yaml", "metrics.jsonl", ".lock"
RECENT = 1000
"""Intervals of the log of which every row is kept; of older ones ever fewer."""


class Run:
    """One training's directory. `Run.create` makes it, `Run(path)` opens it."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not (self.path / CONFIG).is_file():
            what = "no such folder" if not self.path.exists() else f"not a run: it holds no {CONFIG}"
            raise UsageError(f"{self.path}: {what} (`arzhang train` makes runs)")
        self.config = read_yaml(self.path / CONFIG)

    @classmethod
    def create(cls, path: Path | str, recipe: Training, data: dict[str, Any], overwrite: bool = False) -> "Run":
        """A new run directory with its config. A folder that exists and is not empty is refused, a run may be
        overwritten if that is asked for."""
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            refuse_to_overwrite(path, overwrite)
            with cls(path).locked():
                pass  # nobody trains in it
            (path / CONFIG).unlink()  # a kill from here on leaves no run that could be gone on with
            shutil.rmtree(path)
        config = {
            "system": recipe.system,
            "recipe": dataclasses.asdict(recipe),
            "data": data,
            "versions": versions(),
        }
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        # Made beside and named when whole: a kill leaves no folder that is neither a run nor free for one.
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None  # as the user named it
        try:
            for folder in ("checkpoints", "samples", "figures"):
                (beside / folder).mkdir()
            write_atomically(beside / CONFIG, "# The resolved recipe of this run; `arzhang resume` reads it.\n" + text)
            beside.chmod(0o777 & ~umask())
            if path.exists():
                path.rmdir()
            beside.rename(path)
            flush(path.parent)
            for above in path.absolute().parent.parents:  # of which some may be as new as the run
                with contextlib.suppress(OSError):  # not all of them are ours to open
                    flush(above)
        except BaseException as error:
            shutil.rmtree(beside, ignore_errors=True)
            if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise ArzhangError(f"{path}: another process began a run here a moment ago") from None
            raise
        return cls(path)

    @property
    def recipe(self) -> Training:
        """The recipe of this run, checked as if typed."""
        where = str(self.path / CONFIG)
        system, values = self.config.get("system"), self.config.get("recipe")
        if not isinstance(system, str) or system not in SYSTEMS or not isinstance(values, dict):
            raise UsageError(f"{where}: says system '{str(system)[:80]}', known are {', '.join(SYSTEMS)}")
        return from_mapping(SYSTEMS[system], values, where)

    def update(self, recipe: Training) -> None:
        """Write a changed recipe (a longer run) into the config."""
        self.config["recipe"] = dataclasses.asdict(recipe)
        write_atomically(self.path / CONFIG, yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process trains in a run; the operating system gives the lock back when it dies."""
        lock = FileLock(self.path / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise ArzhangError(f"{self.path}: another process is at work in this run; wait for it or stop it") from None
        try:
            yield
        finally:
            lock.release()

    # ------------------------------------------------------------------------------------------------ the log

    def log(self, entry: dict[str, Any]) -> None:
        """One line of metrics.jsonl."""
        line = (json.dumps(entry) + "\n").encode()
        with (self.path / METRICS).open("ab", buffering=0) as file:
            before = file.tell()
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path / METRICS))
            except OSError:
                file.truncate(before)  # a whole line or none
                raise

    def flush_log(self) -> None:
        """Make the log durable: a checkpoint must not outlive the lines that lead to it, for they are not made anew."""
        if (self.path / METRICS).exists():
            flush(self.path / METRICS)
            flush(self.path)

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of the log; a line that a kill left half-written, or that is none of a log, is passed over."""
        path = self.path / METRICS
        entries = []
        if path.exists():
            with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
                for line in lines:
                    with contextlib.suppress(ValueError, RecursionError):
                        if _is_entry(entry := json.loads(line, object_pairs_hook=_shared)):
                            entries.append(entry)
        return entries

    def truncate(self, step: int) -> None:
        """Forget what was logged after `step`: it will be logged again."""
        self._rewrite([entry for entry in self.metrics() if entry["step"] <= step])

    def thin(self, step: int, spacing: int, marked: Container[int] = ()) -> None:
        """Keep every row of the last `RECENT` intervals of `spacing` steps, and of older ones, for each kind of row,
        the first of 2, of 4, of 8, … intervals; besides, the validation at `marked` steps, and whatever is rare."""
        kept, seen = [], set()
        for entry in self.metrics():
            at, split = entry["step"], entry.get("split")
            where = thinning.interval(at, step, spacing, RECENT)
            rare = split not in ("train", "validation", "watch", "preview") or (split == "validation" and at in marked)
            if where is None or rare or (split, where) not in seen:
                kept.append(entry)
            seen.add((split, where))
        self._rewrite(kept)

    def _rewrite(self, entries: list[dict[str, Any]]) -> None:
        write_atomically(self.path / METRICS, "".join(json.dumps(entry) + "\n" for entry in entries))

    def finished(self) -> bool:
        """Whether the last epoch was validated, by the log, and saved: a full disk may come between the two."""
        ends = [e["step"] for e in self.metrics() if e["split"] == "validation" and e["epoch"] >= self.recipe.epochs]
        saved = [path.parent.name for path in (self.path / "checkpoints").glob("step_*/manifest.json")]
        return bool(ends) and any(name[5:].isdigit() and int(name[5:]) >= ends[-1] for name in saved)


def _shared(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A line's values by name, where equal words of all lines are one: they are half of what a long log takes."""
    return {sys.intern(name): sys.intern(value) if type(value) is str else value for name, value in pairs}


def _is_entry(entry: Any) -> bool:
    """Whether it has what every line of a log has: a step and an epoch that are whole numbers, and a split."""
    return (
        isinstance(entry, dict)
        and all(type(entry.get(name)) is int and 0 <= entry[name] < 1 << 53 for name in ("step", "epoch"))
        and isinstance(entry.get("split"), str)
        and all(
            type(value) is not int or value.bit_length() < 1_024 for value in entry.values()
        )  # what a float can hold
        and (entry["split"] != "watch" or _is_watch(entry))
    )


def _is_watch(entry: dict[str, Any]) -> bool:
    ends, leaks = (entry.get("lowest"), entry.get("highest")), entry.get("leaks")
    return (
        all(isinstance(end, int | float) for end in ends)
        and isinstance(leaks, list)
        and all(isinstance(turn, str) for turn in leaks)
    )


def refuse_to_overwrite(path: Path, overwrite: bool) -> None:
    """Say why a folder that is in the way stays, unless it is a run and overwriting was asked for."""
    is_run = path.is_dir() and (path / CONFIG).is_file()
    if not is_run:
        raise UsageError(f"{path}: exists and is not a run of Arzhang; choose another --out")
    if not overwrite:
        state = "is finished" if Run(path).finished() else f"was interrupted; `arzhang resume {path}` goes on with it"
        raise UsageError(f"{path}: this run {state}. --overwrite starts anew in its place, --out chooses another")


def versions() -> dict[str, str]:
    """What the numbers of a run depend on besides its recipe."""
    names = ("arzhang", "torch", "torchvision", "lightning-fabric", "numpy", "safetensors")
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
