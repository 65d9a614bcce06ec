"""The exercises that have code: what is asked for, by which names, and their marks. Answers without torch."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from arzhang.errors import UsageError

BLANKS = Path(__file__).parent / "blanks"

PROBLEMS = {"1": 15, "2": 10, "3": 25, "4": 20, "5": 30}
"""The assignment's marks."""
MARKS = {
    "1a": 3, "1b": 3, "1c": 4, "1d": 5, "2a": 3, "2b": 4, "2c": 3, "3a": 5, "3b": 3, "3c": 3, "3d": 4, "3e": 3, "3f":
    2, "3g": 3, "3h": 2, "4a–4h": 20, "5a": 3, "5b": 8, "5c": 6, "5d": 6, "5e": 4, "5f": 3,
}  # fmt: skip
"""By id. The assignment gives marks by problem; this split is ours, and a course's marks.json may have another."""


@dataclass(frozen=True)
class Piece:
    """One function or class of an exercise."""

    name: str
    parameters: tuple[str, ...]
    source: str
    """Its signature and docstring, as handed out."""


@dataclass(frozen=True)
class Exercise:
    """What is asked for by one id of the assignment."""

    id: str
    title: str
    blank: Path
    pieces: Mapping[str, Piece]

    @property
    def file(self) -> str:
        """What a course's file of it is called."""
        return self.blank.name

    def shown(self) -> str:
        """The signatures, docstrings, units and an example."""
        return self.blank.read_text(encoding="utf-8")


@cache
def exercises() -> dict[str, Exercise]:
    """Every exercise that can be checked, in the assignment's order."""
    found = {}
    for blank in sorted(BLANKS.glob("exercise_*.py")):
        id = blank.stem.removeprefix("exercise_")
        source = blank.read_text(encoding="utf-8")
        tree = ast.parse(source)
        title = (ast.get_docstring(tree) or "").splitlines()[0].removeprefix(f"{id}. ")
        parts = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        pieces = {part.name: _piece(part, source) for part in parts}
        found[id] = Exercise(id, title, blank, pieces)
    return found


def _piece(node: ast.FunctionDef | ast.ClassDef, source: str) -> Piece:
    made = node
    if isinstance(node, ast.ClassDef):
        made = next(part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
    assert isinstance(made, ast.FunctionDef)
    names = tuple(argument.arg for argument in made.args.args if argument.arg != "self")
    return Piece(node.name, names, ast.get_source_segment(source, node) or "")


def exercise(id: str) -> Exercise:
    """The exercise of an id. Raises UsageError with those that there are."""
    known = exercises()
    if id not in known:
        theory = id[:1] in PROBLEMS and len(id) == 2 and id[1] in "abcdefgh"
        other = "it has no code to check" if theory else "no such exercise"
        raise UsageError(f"--id {id}: {other}; there are: {', '.join(known)}")
    return known[id]


def guessed(path: Path, name: str | None) -> Exercise:
    """The exercise that a file is of, by its own name or the names in it. Raises UsageError where that is not clear."""
    known = exercises()
    if (id := path.stem.removeprefix("exercise_")) in known:
        return known[id]
    names = {name} if name else set()
    if not name:
        try:
            tree = ast.parse(path.read_bytes())
            names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        except (SyntaxError, ValueError):
            names = set()
    fitting = [one for one in known.values() if names & set(one.pieces)]
    if len(fitting) == 1:
        return fitting[0]
    which = f"it could be {', '.join(one.id for one in fitting)}" if fitting else f"there are: {', '.join(known)}"
    raise UsageError(f"{path}: of which exercise is it? give --id; {which}")


def as_piece(asked: Exercise, name: str) -> str:
    """The piece that an object of the user's is checked as. Raises UsageError where its name does not tell."""
    pieces = list(asked.pieces)
    plain = {one.replace("_", "").lower(): one for one in pieces}
    found = plain.get(name.replace("_", "").lower(), pieces[0] if len(pieces) == 1 else None)
    if found is None:
        raise UsageError(f"{name}: exercise {asked.id} asks for {', '.join(pieces)}: call it by one of these names")
    return found


def shown(id: str | None) -> str:
    """What an exercise asks for; without an id, a list of all."""
    if id is not None:
        return exercise(id).shown()
    rows = [f"  {one.id}  {', '.join(one.pieces):55} {one.title}" for one in exercises().values()]
    return "\n".join(["arzhang check --id ID --show says more of each:", *rows])
