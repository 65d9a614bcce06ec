"""The package's own source, cut so that it can be read and run elsewhere: it cannot differ from what was trained.

Nothing is imported for it: the text of a module is parsed, and what a definition needs is seen from the names it uses.
"""

import ast
import builtins
from importlib import resources
from typing import Any


def cut(module: str, *names: str) -> str:
    """Definitions of a module, as they stand there, under the imports that they need: `cut("networks.vae", "Encoder")`.

    What they use of the same module, and is not among them, is imported from it. Raises ValueError for a name that the
    module does not define.
    """
    lines, tree = _read(module)
    defined = {name: node for node in tree.body for name in _defines(node)}
    if unknown := [name for name in names if name not in defined]:
        raise ValueError(f"{module} defines no {', '.join(unknown)}")
    chosen = sorted({id(defined[name]): defined[name] for name in names}.values(), key=lambda node: node.lineno)
    used = {name.id for node in chosen for name in ast.walk(node) if isinstance(name, ast.Name)}
    own = {name for node in chosen for name in _defines(node)}
    needed = used - own - set(dir(builtins))
    head = [line for node in tree.body for line in _imports(node, needed)]
    if within := sorted(needed & defined.keys()):
        head.append(f"from arzhang.{module} import {', '.join(within)}")
    parts = ["\n".join(_lines(lines, node)) for node in chosen]
    return "\n\n\n".join((["\n".join(head)] if head else []) + parts)


def definition(module: str, name: str) -> list[str]:
    """The lines of one definition alone; `Class.method` is one, too. Raises ValueError where the module has none.

    >>> definition("networks.vae", "Encoder.__init__")[0].strip()
    'def __init__(self, norm: Norm = "batch") -> None:'
    """
    lines, node = _read(module)
    for part in name.split("."):
        found = next((inner for inner in getattr(node, "body", ()) if part in _defines(inner)), None)
        if found is None:
            raise ValueError(f"{module} defines no {name}")
        node = found
    return _lines(lines, node)


def _read(module: str) -> tuple[list[str], Any]:
    """A module of the package: its lines, and its syntax tree."""
    text = resources.files("arzhang").joinpath(f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    return text.splitlines(), ast.parse(text)


def _lines(lines: list[str], node: Any) -> list[str]:
    """A definition's own, its decorators among them."""
    return lines[min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) - 1 : node.end_lineno]


def _defines(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module binds, imports apart."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def _imports(node: ast.stmt, needed: set[str]) -> list[str]:
    """Of an import those names that are needed."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return []
    # `import a.b` binds a.
    kept = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in needed]
    said = [f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in kept]
    if isinstance(node, ast.Import):
        return [f"import {one}" for one in said]
    return [f"from {node.module} import {', '.join(said)}"] if said else []
