"""One file checked and told, or a whole course in a folder: written blank, with marks beside; checked and summed."""

import json
import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arzhang.check import sandbox
from arzhang.check.exercises import MARKS, PROBLEMS, Exercise, as_piece, exercise, exercises, guessed
from arzhang.check.findings import Finding, Result
from arzhang.check.sandbox import Limits
from arzhang.errors import UsageError

MARKS_FILE = "marks.json"


@dataclass(frozen=True)
class Report:
    """What one file came to: its pieces share the exercise's marks evenly."""

    id: str
    file: str
    pieces: Sequence[Result]
    out_of: float

    @property
    def right(self) -> bool:
        return all(piece.right for piece in self.pieces)

    @property
    def marks(self) -> float:
        return round(self.out_of * sum(piece.right for piece in self.pieces) / len(self.pieces), 2)

    def as_json(self) -> dict[str, Any]:
        """For autograders."""
        return {
            "id": self.id, "file": self.file, "right": self.right, "marks": self.marks, "out_of": self.out_of,
            "pieces": [
                {
                    "name": piece.piece,
                    "right": piece.right,
                    "findings": [
                        {
                            "level": f.level, "id": f.id, "evidence": f.evidence, "values": dict(f.values),
                            "sentence": f.sentence,
                        }
                        for f in piece.findings
                    ],
                }
                for piece in self.pieces
            ],
        }  # fmt: skip

    def lines(self, width: int) -> list[str]:
        """For people."""
        total = "right" if self.right else "not yet right"
        shown = [f"{self.id}  {self.file}: {total}, {self.marks:g} of {self.out_of:g} marks"]
        for piece in self.pieces:
            for finding in piece.findings:
                told = f"    {SIGNS[finding.level]} {piece.piece}: {finding.sentence}"
                shown += textwrap.wrap(told, width, subsequent_indent=" " * 6, break_on_hyphens=False)
        return shown


SIGNS = {"right": "✓", "wrong": "✗", "remark": "·"}


def check(where: str, id: str | None, limits: Limits, notify: Callable[[str], None] = print) -> dict[str, Any]:
    """Run and check `FILE.py`, `FILE.py:NAME` or a folder of exercises; tell it line by line, and give it as JSON.

    Raises UsageError for a file that is not there, or of which the exercise is not known.
    """
    if limits.seconds <= 0 or limits.memory <= 0:
        raise UsageError(f"--seconds {limits.seconds:g} --memory {limits.memory}: both must be above 0")
    if Path(where).is_dir():
        if id is not None:
            return _one(
                Path(where) / exercise(id).file, None, exercise(id), limits, marks_of(Path(where)), notify
            ).as_json()
        return _folder(Path(where), limits, notify)
    path, name = _split(where)
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if path.suffix != ".py":
        raise UsageError(f"{path}: a Python file (.py) is checked; export a notebook's code to one")
    asked = guessed(path, name) if id is None else exercise(id)
    return _one(path, name, asked, limits, marks_of(path.parent), notify).as_json()


def _split(where: str) -> tuple[Path, str | None]:
    """FILE.py:NAME; a colon may stand in a path, too."""
    path, colon, name = where.rpartition(":")
    return (Path(path), name) if colon and name.isidentifier() and not Path(where).exists() else (Path(where), None)


def _one(
    path: Path,
    name: str | None,
    asked: Exercise,
    limits: Limits,
    marks: Mapping[str, float],
    notify: Callable[[str], None],
) -> Report:
    piece = None if name is None else as_piece(asked, name)
    out_of = marks.get(asked.id, 0.0)
    if path.exists():
        share = 1 if piece is None else 1 / len(asked.pieces)
        report = Report(asked.id, path.name, sandbox.examine(asked, path, name, piece, limits), out_of * share)
    else:
        absent = Finding("wrong", "code.no_file", {"file": asked.file})
        report = Report(asked.id, asked.file, [Result(one, (absent,)) for one in asked.pieces], out_of)
    for line in report.lines(shutil.get_terminal_size((10_000, 0)).columns):
        notify(line)
    return report


def _folder(path: Path, limits: Limits, notify: Callable[[str], None]) -> dict[str, Any]:
    """All exercises of a course; one without a file has no marks. Raises UsageError where there are none."""
    marks = marks_of(path)
    known = [one for one in exercises().values() if one.id in marks]
    if not any((path / one.file).exists() for one in known):
        raise UsageError(f"{path}: no exercise_*.py in it; `arzhang check --blanks {path}` writes them")
    reports = [_one(path / one.file, None, one, limits, marks, notify) for one in known]
    total, out_of = round(sum(report.marks for report in reports), 2), sum(report.out_of for report in reports)
    notify(f"{total:g} of {out_of:g} marks")
    whole = all(report.right for report in reports)
    return {"right": whole, "marks": total, "out_of": out_of, "exercises": [report.as_json() for report in reports]}


def marks_of(path: Path) -> dict[str, float]:
    """Marks by id: those of the folder's marks.json, else ours. Raises UsageError where that file is none."""
    at = path / MARKS_FILE
    if not at.exists():
        return {id: float(MARKS[id]) for id in exercises()}
    try:
        given = json.loads(at.read_text(encoding="utf-8"))
        return {id: float(given[id]) for id in exercises() if id in given}
    except (ValueError, TypeError, AttributeError):
        raise UsageError(f'{at}: no marks; it holds a number for each id, as {{"1a": 3, "1b": 4}}') from None


def write_blanks(path: Path) -> Path:
    """The exercises as skeleton files, their marks, and a page that says how to test them.

    Raises UsageError where one of them exists already: an answer may stand in it.
    """
    wanted = [path / one.file for one in exercises().values()] + [path / MARKS_FILE, path / "README.md"]
    if there := [at.name for at in wanted if at.exists()]:
        raise UsageError(f"{path}: {there[0]} is there already, and would be lost: give another folder")
    path.mkdir(parents=True, exist_ok=True)
    for one in exercises().values():
        (path / one.file).write_text(one.shown(), encoding="utf-8")
    marks = {id: MARKS[id] for id in exercises()}
    (path / MARKS_FILE).write_text(json.dumps(marks, indent=2) + "\n", encoding="utf-8")
    (path / "README.md").write_text(_page(), encoding="utf-8")
    return path


def _page() -> str:
    """What a student reads first."""
    rows = []
    for id, one in exercises().items():
        names = ", ".join(f"`{name}`" for name in one.pieces)
        rows.append(f"| {id} | {one.title} | [{one.file}]({one.file}): {names} | {MARKS[id]} |")
    total = sum(MARKS[id] for id in exercises())
    others = ", ".join(f"{id} ({marks})" for id, marks in MARKS.items() if id not in exercises())
    problems = ", ".join(f"{marks} for problem {problem}" for problem, marks in PROBLEMS.items())
    return PAGE.format(rows="\n".join(rows), total=total, others=others, problems=problems, rest=100 - total)


PAGE = """# Exercises

Each file asks for functions or classes: signature, shapes and units stand in their docstrings. Write them in place of
`raise NotImplementedError`, and test:

```sh
arzhang check exercise_1a.py    # one exercise: what is right, what is wrong, and why
arzhang check .                 # all of them, and the marks
```

Your code is run, in a process of its own, for half a minute at most. What `check` draws at random it draws from fixed
seeds, so an answer that is right stays right.

| id | exercise | file | marks |
|---|---|---|---|
{rows}

`check` gives {total} of 100 marks; the functions and classes of an exercise share its marks evenly. The other {rest}
are for what a person reads, derivations, figures and their analysis: {others}.

By problem: {problems}. A lecturer may change the marks in `marks.json`, and leave exercises out of it.
"""
