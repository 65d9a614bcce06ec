"""A user's file in a process and a folder of its own, within limits: what comes back is data, never objects."""

import contextlib
import json
import os
import re
import signal
import site
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from arzhang.check.exercises import Exercise
from arzhang.check.findings import Finding, Result
from arzhang.errors import ArzhangError

KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "WINDIR",
    "VIRTUAL_ENV",
)
"""What the process sees of the environment: no keys and tokens."""
START = 120
"""Seconds that importing torch may take, before the user's own begin."""
PRINTED = 2_000
"""Characters that are kept of what the code printed."""


@dataclass(frozen=True)
class Limits:
    """What the user's code may use."""

    seconds: float
    memory: int
    """MiB, beyond what torch takes."""


def examine(exercise: Exercise, path: Path, name: str | None, piece: str | None, limits: Limits) -> list[Result]:
    """Check a file in a process of its own. However it ends, there is a finding for each piece."""
    with tempfile.TemporaryDirectory(prefix="arzhang-check-", ignore_cleanup_errors=True) as root:
        work, out = Path(root) / "work", Path(root) / "out"
        work.mkdir()
        out.mkdir()
        request = {
            "id": exercise.id, "path": str(path.resolve()), "name": name, "piece": piece, "out": str(out),
            "seconds": limits.seconds, "memory": limits.memory,
        }  # fmt: skip
        code, reason = _run(request, work, out, limits)
        pieces = [piece] if piece else list(exercise.pieces)
        return _read(pieces, code, reason, path, out, limits)


def _environment(work: Path) -> dict[str, str]:
    kept = {key: os.environ[key] for key in KEPT if key in os.environ}
    own = {
        name: str(work) for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR", "XDG_CACHE_HOME")
    }
    also = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "PYTHONUSERBASE": site.getuserbase(),
        "MPLBACKEND": "agg",
    }
    paths = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    also["PYTHONPATH"] = os.pathsep.join(str(Path(path).resolve()) for path in paths)  # it runs elsewhere
    return kept | own | also


def _run(request: dict[str, Any], work: Path, out: Path, limits: Limits) -> tuple[int, str]:
    """Run it to its end, or to ours: (exit code, why we ended it)."""
    words = [sys.executable, "-m", "arzhang.check.worker", json.dumps(request)]
    with (out / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            words, cwd=work, env=_environment(work), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            return _watch(process, out, limits)
        finally:
            _end(process)


def _watch(process: subprocess.Popen, out: Path, limits: Limits) -> tuple[int, str]:
    began, running, baseline = time.monotonic(), None, 0
    while process.poll() is None:
        now = time.monotonic()
        if running is None and (out / "started").exists():
            running, baseline = now, _resident(process.pid)
        if running is None and now - began > START:
            return -1, "start"
        if running is not None and now - running > limits.seconds + 5:  # its own watchdog should have ended it
            return -1, "time"
        if running is not None and _resident(process.pid) - baseline > limits.memory << 20:
            return -1, "memory"
        time.sleep(0.02)
    return process.returncode, ""


def _resident(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (parent, *parent.children(recursive=True)))
    except psutil.Error:
        return 0


def _end(process: subprocess.Popen) -> None:
    """It and whatever it has started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


def _read(pieces: list[str], code: int, reason: str, path: Path, out: Path, limits: Limits) -> list[Result]:
    said = _text(out / "said.txt")
    try:
        left = json.loads(_text(out / "result.json"))
        found = [
            Result(str(one["piece"]), tuple(Finding(**finding) for finding in one["findings"]))
            for one in left["results"]
        ]
        wrote = [str(name) for name in left["wrote"]]
        for finding in (finding for one in found for finding in one.findings):
            finding.sentence  # noqa: B018  what is no finding of ours has none
    except (ValueError, KeyError, TypeError, IndexError):
        found, wrote = [], []
    if found and code == 0:
        return _with_remarks(found, said, wrote)
    if not (out / "started").exists():
        raise ArzhangError(
            f"{path}: the process for it did not start: {said.strip().splitlines()[-1:] or 'no reason given'}"
        )
    ended = _ending(code, reason, path, out, said, limits)
    return [Result(name, (ended,)) for name in pieces]


def _ending(code: int, reason: str, path: Path, out: Path, said: str, limits: Limits) -> Finding:
    """Why there is no result."""
    stuck = _text(out / "stuck.txt")
    if reason == "time" or "Timeout" in stuck:
        # the innermost line of the user's own file stands first
        where = re.search(rf'File "{re.escape(str(path.resolve()))}", line (\d+)', stuck)
        line = int(where[1]) if where else 0
        return Finding("wrong", "code.endless", {"file": path.name, "line": line, "seconds": limits.seconds})
    if reason == "memory" or "MemoryError" in said:
        return Finding("wrong", "code.memory", {"file": path.name, "line": 0})
    if code < 0:
        return Finding("wrong", "code.killed", {"file": path.name, "signal": signal.Signals(-code).name})
    if code == 0:
        return Finding("wrong", "code.left", {"file": path.name})
    if "Traceback" in said and "arzhang" in said:
        last = said.strip().splitlines()[-1]
        raise ArzhangError(f"{path}: the check itself failed, which is a mistake of Arzhang's: {last}")
    return Finding("wrong", "code.left", {"file": path.name})


def _with_remarks(found: list[Result], said: str, wrote: list[str]) -> list[Result]:
    """What it printed and wrote, told once, with the last piece."""
    remarks = []
    if said.strip():
        remarks.append(Finding("remark", "code.printed", {"first": said.strip().splitlines()[0][:80]}))
    if wrote:
        remarks.append(Finding("remark", "code.wrote", {"count": len(wrote), "first": wrote[0]}))
    last = found[-1]
    return [*found[:-1], Result(last.piece, (*last.findings, *remarks))]


def _text(path: Path) -> str:
    """The beginning of a text file; nothing, where there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20) if path.suffix == ".json" else file.read(PRINTED)
    except OSError:
        return ""
