"""Text that lost parts of itself, laid out as if it had been written so: for the eye, and for linters."""

import ast
import re
from itertools import pairwise

WIDTH = 120


def tidied(source: str) -> str:
    """One definition, without gaps, rules of dashes and described arguments that are gone, and with statements on one
    line where they fit there."""
    source = re.sub(r"\n +# -{20,}[^\n]*(?=\n)", "", source)
    source = _described(source)
    source = re.sub(r"[ \t]+(?=\n)", "", source)
    while (after := _joined(source)) != source:
        source = after
    inner = re.sub(r"\n{3,}(?= )", "\n\n", source.strip())
    inner = re.sub(r"(:\n)\n+(?= +\S)", r"\1", inner)
    return re.sub(r"\n+(?=\n    (@property|@torch\.no_grad\(\)|def ))", "\n", inner)


def _described(source: str) -> str:
    """A class's docstring without arguments that it no longer takes."""
    kind = ast.parse(source).body[0]
    if not isinstance(kind, ast.ClassDef) or "    Args:\n" not in source:
        return source
    taken = {a.arg for part in kind.body if isinstance(part, ast.FunctionDef) for a in part.args.args}
    kept: list[str] = []
    dropping = False
    for line in source.splitlines():
        found = re.fullmatch(r"        ([a-z_, ]+): .*", line)
        if found and kept and any("Args:" in one for one in kept) and not any("def __init__" in one for one in kept):
            dropping = not taken & set(found[1].split(", "))
        elif not line.startswith("         "):
            dropping = False
        if not dropping:
            kept.append(line)
    return "\n".join(kept)


def _joined(source: str) -> str:
    """The first statement, or head of one, that stands on several lines and fits on one, on one."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt) or isinstance(node, ast.ClassDef | ast.Try):
            continue
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        if body := getattr(node, "body", None):
            last = body[0].lineno - 2
            while last > first and (not lines[last].strip() or lines[last].strip().startswith(("#", "@"))):
                last -= 1
        part = lines[first : last + 1]
        if len(part) < 2 or any("#" in line or '"""' in line for line in part):
            continue
        trailing = any(re.search(r",\s*$", a) and re.match(r"\s*[\])}]", b) for a, b in pairwise(part))
        if trailing and not (isinstance(node, ast.FunctionDef) and len(part) == 3 and part[1].count(",") <= 1):
            continue  # a trailing comma: one element a line is meant
        one = " ".join([part[0].rstrip(), *(line.strip() for line in part[1:])])
        one = re.sub(r"([(\[{]) ", r"\1", re.sub(r",? ([)\]}])", r"\1", one))
        if len(one) <= WIDTH:
            return "\n".join([*lines[:first], one, *lines[last + 1 :]])
    return source
