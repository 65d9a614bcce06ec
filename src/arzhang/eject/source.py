"""The package's own source as definitions: where each name of a module comes from, and the text that defines it."""

import ast
import importlib.util
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = "arzhang"


class Key(NamedTuple):
    """A definition of the package: its module, and its name there."""

    module: str
    name: str


class External(NamedTuple):
    """Something of another package: the import that brings it."""

    statement: str


@dataclass(frozen=True)
class Module:
    """One module of the package."""

    name: str
    text: str
    definitions: dict[str, ast.stmt]
    """Top-level functions, classes and constants, in their order."""
    imports: dict[str, Key | External]
    """Local name → what it is; of a whole module of the package, a key without a name."""
    notes: dict[str, str] = field(default_factory=dict)
    """Constant → the string below it that says what it is."""

    def source(self, name: str) -> str:
        """The text of a definition, with the comments within it and at the end of its line."""
        node = self.definitions[name]
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        assert node.end_lineno is not None
        text = "\n".join(self.text.splitlines()[first - 1 : node.end_lineno])
        return f'{text}\n"""{self.notes[name]}"""' if name in self.notes else text


@cache
def module(name: str) -> Module:
    """A module of the package, by its full name, parsed once."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, Key | External] = {}
    notes: dict[str, str] = {}
    named = None
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _imported(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            names = [t.id for t in getattr(target, "elts", [target]) if isinstance(t, ast.Name)]
            definitions |= dict.fromkeys(names, node)
        elif named and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            notes |= dict.fromkeys(named, str(node.value.value))
        named = names if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return Module(name, text, definitions, imports, notes)


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, Key | External]:
    found: dict[str, Key | External] = {}
    for alias in node.names:
        local = alias.asname or alias.name.split(".")[0]
        renamed = f" as {alias.asname}" if alias.asname and alias.asname != alias.name else ""
        if isinstance(node, ast.Import):
            found[local] = External(f"import {alias.name}{renamed}")
        elif not (node.module or "").startswith(PACKAGE):
            found[local] = External(f"from {node.module} import {alias.name}{renamed}")
        elif importlib.util.find_spec(f"{node.module}.{alias.name}") if _holds_modules(node.module or "") else None:
            found[local] = Key(f"{node.module}.{alias.name}", "")
        else:
            found[local] = Key(node.module or "", alias.name)
    return found


def _holds_modules(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.submodule_search_locations is not None


def resolve(where: str, name: str) -> Key | External | None:
    """What a name means in a module; None where it is none of the module's own or imported ones, such as a builtin.

    What a package hands on (`gradients.expectation`) is followed to where it is defined.
    """
    home = module(where)
    if name in home.definitions:
        return Key(where, name)
    found = home.imports.get(name)
    if isinstance(found, Key) and found.name and found.name not in module(found.module).definitions:
        return resolve(found.module, found.name)
    return found
