"""Source text without what a run does not use: branches not taken, checks of what users type, shapes in types.

Every change is a splice of the text at a node of its syntax tree, after which the text is parsed anew; so comments and
the author's own lines stay. What cannot be decided from constants is left as it stands.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

SHAPED = {"Float", "Float32", "Int64", "UInt8", "Bool", "Shaped", "Num"}
"""jaxtyping's names: what they hold first is the plain type."""
TOLD = ("UsageError", "ArzhangError")
"""Errors that speak of what a user typed; a run that began has passed them."""
DROPPED = ("test_mode", "refuse_unfit", "broadcast_shapes")
"""Calls that prepare what training does not do, or refuse what it cannot."""
COMPUTING = ("_posterior", "prior", "log", "prod", "len", "max", "min", "flatten")
"""Functions that compute a value and do nothing else, so that where nobody reads it they need not be called."""
PLAIN = (bool, int, float, str, type(None))


class Unknown:
    """A value that only running the code tells."""


class Something(Unknown):
    """Such a value, of which is known that it is not None."""


UNKNOWN, SOMETHING = Unknown(), Something()


class Edit(NamedTuple):
    """Bytes from `start` to `end` become `text`."""

    start: int
    end: int
    text: str
    within: int = 0
    """The list of statements or arguments that loses one: of each, one at a time."""


@dataclass
class Known:
    """What is known of a definition's names before it runs."""

    recipe: Mapping[str, Any]
    """The run's options; in the text they become constants of the file."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Of `self`: what every object of the class has there."""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of each function: parameters that have one value in every call."""
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of each function: the types of parameters that always have one."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names under which whole modules of the package are known."""
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of records: fields that have one value in all of them."""
    gives: Mapping[str, str] = field(default_factory=dict)
    """Of functions: the record that they give."""
    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of every class: what `attributes` is of this one."""


class Text:
    """Source with its tree and the place of each node in it."""

    def __init__(self, source: str) -> None:
        self.source, self.bytes, self.tree = source, source.encode(), ast.parse(source)
        self.lines = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self._stores: dict[ast.FunctionDef, dict[str, list[ast.Name]]] = {}
        self.nodes = list(ast.walk(self.tree))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    def start(self, node: Any) -> int:
        return self.lines[node.lineno - 1] + node.col_offset

    def end(self, node: Any) -> int:
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def of(self, node: Any) -> str:
        return self.bytes[self.start(node) : self.end(node)].decode()

    def replace(self, node: Any, text: str) -> Edit:
        return Edit(self.start(node), self.end(node), text)

    def first(self, node: Any) -> int:
        """The first line of a statement, counted from 0, its decorators and the comments above it included."""
        line = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        while line and self.bytes[self.lines[line - 1] : self.lines[line]].strip().startswith(b"#"):
            line -= 1
        return line

    def without(self, node: Any) -> Edit:
        """The text without a whole statement; a body that would be empty says `pass`."""
        parent = self.parents[node]
        body = next(b for b in _bodies(parent) if node in b)
        start, end = self.lines[self.first(node)], self.lines[node.end_lineno]
        left = " " * node.col_offset + "pass\n" if len(body) == 1 else ""
        return Edit(start, end, left, id(body))

    def after(self, edits: Sequence[Edit]) -> str:
        """The text after those edits that leave one another alone, of others the first; the rest come anew."""
        kept: list[Edit] = []
        for edit in edits:
            apart = all(edit.end < other.start or other.end < edit.start for other in kept)
            if apart and (not edit.within or edit.within not in {other.within for other in kept}):
                kept.append(edit)
        data = self.bytes
        for edit in sorted(kept, reverse=True):
            data = data[: edit.start] + edit.text.encode() + data[edit.end :]
        return data.decode()

    def stores(self, function: ast.FunctionDef, name: str) -> list[ast.Name]:
        """Where a function assigns to a name."""
        if function not in self._stores:
            found: dict[str, list[ast.Name]] = {}
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    found.setdefault(node.id, []).append(node)
            self._stores[function] = found
        return self._stores[function].get(name, [])

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        """The function around a node."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef):
                return node
        return None

    def place(self, function: ast.FunctionDef | None) -> str:
        """`Class.method` or `function`, as parameters are kept under."""
        if function is None:
            return ""
        parent = self.parents.get(function)
        return f"{parent.name}.{function.name}" if isinstance(parent, ast.ClassDef) else function.name


def _bodies(node: Any) -> list[list[ast.stmt]]:
    return [body for name in ("body", "orelse", "finalbody") if isinstance(body := getattr(node, name, None), list)]


def simplified(source: str, known: Known, more: Sequence[Callable[[Text, Known], Iterator[Edit]]] = ()) -> str:
    """The text after every rule has nothing left to say."""
    source = re.sub(r"  # (type: ignore|fmt: skip)[^\n]*", "", source)
    rules = (*RULES, *more)
    while True:
        text = parsed(source)
        edits = next((found for rule in rules if (found := list(rule(text, known)))), None)
        if edits is None:
            return source
        source = text.after(edits)


@lru_cache(maxsize=4_096)
def parsed(source: str) -> Text:
    """A text with its tree: one that did not change is not parsed again."""
    return Text(source)


# ------------------------------------------------------------------------------------------------------------ values


def value(node: ast.expr, text: Text, known: Known) -> Any:
    """What an expression is, if it is known; else `UNKNOWN`, or `SOMETHING` where it is at least not None."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Tuple():
            parts = [value(part, text, known) for part in node.elts]
            return UNKNOWN if any(isinstance(part, Unknown) for part in parts) else tuple(parts)
        case ast.Attribute():
            if (option := _option(node)) is not None and option in known.recipe:
                return known.recipe[option]
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                return known.attributes.get(node.attr, UNKNOWN)
            record = _record(node.value, text, known) if isinstance(node.value, ast.Name) else ""
            return (known.fields.get(record) or known.classes.get(record, {})).get(node.attr, UNKNOWN)
        case ast.Name():
            return _named(node, text, known)
        case ast.UnaryOp(op=ast.Not()):
            inner = value(node.operand, text, known)
            return UNKNOWN if isinstance(inner, Unknown) else not inner
        case ast.BoolOp():
            parts = [value(part, text, known) for part in node.values]
            decisive = isinstance(node.op, ast.Or)
            if any(not isinstance(part, Unknown) and bool(part) is decisive for part in parts):
                return decisive  # of an unknown part before it only the truth is lost, and tests ask for no more
            return UNKNOWN if any(isinstance(part, Unknown) for part in parts) else parts[-1]
        case ast.Compare(ops=[op]):
            return _compared(op, value(node.left, text, known), value(node.comparators[0], text, known))
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), kind]):
            kinds = known.kinds.get(text.place(text.function(node)), {})
            return kinds[name] == text.of(kind).split(".")[-1] if name in kinds else UNKNOWN
    return UNKNOWN


def _option(node: ast.Attribute) -> str | None:
    """The option that `recipe.x` or `self.recipe.x` names."""
    holder = node.value
    if isinstance(holder, ast.Attribute) and holder.attr == "recipe":
        return node.attr
    return node.attr if isinstance(holder, ast.Name) and holder.id == "recipe" else None


def _named(node: ast.Name, text: Text, known: Known) -> Any:
    function = text.function(node)
    if function is None:
        return UNKNOWN
    stores = text.stores(function, node.id)
    parameters = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    if node.id in parameters:
        return UNKNOWN if stores else known.parameters.get(text.place(function), {}).get(node.id, UNKNOWN)
    assigned = text.parents[stores[0]] if len(stores) == 1 else None
    if isinstance(assigned, ast.Assign) and assigned.targets == stores and text.parents[assigned] is function:
        return value(assigned.value, text, known)
    return UNKNOWN


def _record(node: ast.Name, text: Text, known: Known) -> str:
    """The record that a name holds: by a parameter's type, or by what the function gives that it was assigned from."""
    function = text.function(node)
    if function is None:
        return ""
    for argument in function.args.args:
        if argument.arg == node.id and isinstance(argument.annotation, ast.Name):
            return argument.annotation.id
    for part in ast.walk(function):
        if isinstance(part, ast.Assign) and isinstance(part.value, ast.Call):
            func = part.value.func
            if any(isinstance(target, ast.Name) and target.id == node.id for target in part.targets):
                return known.gives.get(getattr(func, "attr", getattr(func, "id", "")), "")
    return ""


def _compared(op: ast.cmpop, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Is | ast.IsNot):
        same: Any = UNKNOWN
        if right is None and not (isinstance(left, Unknown) and left is not SOMETHING):
            same = left is None
        return same if isinstance(same, Unknown) else same is isinstance(op, ast.Is)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return UNKNOWN
    found: dict[type, Callable[[], bool]] = {
        ast.Eq: lambda: left == right, ast.NotEq: lambda: left != right, ast.In: lambda: left in right,
        ast.NotIn: lambda: left not in right, ast.Gt: lambda: left > right, ast.GtE: lambda: left >= right,
        ast.Lt: lambda: left < right, ast.LtE: lambda: left <= right,
    }  # fmt: skip
    return found[type(op)]()


# ------------------------------------------------------------------------------------------------------------- rules


def plain_types(text: Text, known: Known) -> Iterator[Edit]:
    """`Float[Tensor, "B C"]` → `Tensor`; `cast(T, x)` → `x`."""
    for node in text.nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in SHAPED:
            assert isinstance(node.slice, ast.Tuple)
            yield text.replace(node, text.of(node.slice.elts[0]))
        if isinstance(node, ast.arg) and node.annotation is not None and "np.ndarray" in text.of(node.annotation):
            kinds = known.kinds.get(text.place(text.function(node)), {})
            yield from [text.replace(node.annotation, "Tensor")] * (kinds.get(node.arg) == "Tensor")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast":
            meant = text.of(node.args[1])
            yield text.replace(node, meant if _atomic(node.args[1]) else f"({meant})")


def checks(text: Text, known: Known) -> Iterator[Edit]:
    """Without assertions, without refusals of what a user typed, without calls that only these and testing need."""
    for node in text.nodes:
        if isinstance(node, ast.Assert):
            yield text.without(node)
        if isinstance(node, ast.If) and not node.orelse and _tells(node.body[-1]):
            yield text.without(node)
        if isinstance(node, ast.Try) and all(_tells(handler.body[-1]) for handler in node.handlers):
            lines = text.bytes[
                text.lines[text.first(node.body[0])] : text.lines[node.body[-1].end_lineno or 0]
            ].decode()
            by = node.body[0].col_offset - node.col_offset
            yield Edit(text.lines[node.lineno - 1], text.lines[node.end_lineno or 0], _dedented(lines, by))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if getattr(called, "id", getattr(called, "attr", "")) in DROPPED:
                yield text.without(node)


def _tells(node: ast.stmt) -> bool:
    """Whether a statement refuses what a user typed."""
    raised = node.exc if isinstance(node, ast.Raise) else None
    return isinstance(raised, ast.Call) and isinstance(raised.func, ast.Name) and raised.func.id in TOLD


def _atomic(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant)


def branches(text: Text, known: Known) -> Iterator[Edit]:
    """The branch that is taken in place of the choice, where the choice is known."""
    for node in text.nodes:
        if isinstance(node, ast.If):
            taken = value(node.test, text, known)
            if not isinstance(taken, Unknown):
                yield _chosen(text, node, bool(taken))
        elif isinstance(node, ast.IfExp):
            taken = value(node.test, text, known)
            if not isinstance(taken, Unknown):
                yield _unwrapped(text, node, node.body if taken else node.orelse)
        elif isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            found = value(node, text, known)
            if isinstance(found, bool):
                yield text.replace(node, str(found))
        elif isinstance(node, ast.BoolOp):
            yield from _shortened(text, node, known)


def _chosen(text: Text, node: ast.If, taken: bool) -> Edit:
    body = node.body if taken else node.orelse
    start, end = text.lines[node.lineno - 1], text.lines[node.end_lineno or node.lineno]
    chained = text.bytes[text.start(node) :].startswith(b"elif")
    if not body:
        return Edit(start, end, "") if chained else text.without(node)
    if not taken and text.bytes[text.start(body[0]) :].startswith(b"elif"):
        rest = text.bytes[text.start(body[0]) : end].decode()
        return Edit(text.start(node), end, rest if chained else rest.removeprefix("el"))
    lines = text.bytes[text.lines[text.first(body[0])] : text.lines[body[-1].end_lineno or 0]].decode()
    if chained:
        return Edit(start, end, " " * node.col_offset + "else:\n" + lines)
    return Edit(start, end, _dedented(lines, body[0].col_offset - node.col_offset))


def _unwrapped(text: Text, node: ast.expr, chosen: ast.expr) -> Edit:
    """One expression in place of another, without brackets that it does not need."""
    start, end = text.start(node), text.end(node)
    around = text.bytes[start - 1 : start] + text.bytes[end : end + 1]
    called = re.search(rb"[\w)\]]\($", text.bytes[:start])
    if around == b"()" and not called and _atomic(chosen):
        start, end = start - 1, end + 1
    return Edit(start, end, text.of(chosen))


def _dedented(lines: str, by: int) -> str:
    return "".join(line[by:] if line[:by].isspace() else line for line in lines.splitlines(keepends=True))


def _shortened(text: Text, node: ast.BoolOp, known: Known) -> Iterator[Edit]:
    """`known and x` → `x` or `False`; where it stands as a test, or its known parts are booleans."""
    whole = value(node, text, known)
    if isinstance(whole, bool):
        yield text.replace(node, str(whole))
        return
    parts = [(part, value(part, text, known)) for part in node.values]
    left = [text.of(part) for part, found in parts if isinstance(found, Unknown)]
    if len(left) < len(parts) and left:
        kept = f" {'and' if isinstance(node.op, ast.And) else 'or'} ".join(left)
        yield text.replace(node, kept)


def options(text: Text, known: Known) -> Iterator[Edit]:
    """`recipe.lr` → `LR`, and no `recipe` that is handed on."""
    for node in text.nodes:
        if isinstance(node, ast.Attribute) and (name := _option(node)) is not None and name in known.recipe:
            found = known.recipe[name]
            if found is None or isinstance(found, bool):
                yield text.replace(node, repr(found))
            else:
                yield text.replace(node, name.upper())
        if isinstance(node, ast.arg) and node.arg == "recipe":
            yield _listed_out(text, node)
        if isinstance(node, ast.Call):
            for argument in node.args:
                if text.of(argument) in ("recipe", "self.recipe"):
                    yield _listed_out(text, argument)
        if isinstance(node, ast.Attribute) and isinstance(holder := node.value, ast.Name):
            of_module = holder.id in known.aliases and not _bound(text, holder)
            yield from [text.replace(node, node.attr)] * of_module


def _bound(text: Text, name: ast.Name) -> bool:
    """Whether a name is the function's own, not the module's."""
    function = text.function(name)
    while function is not None:
        own = {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
        own |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if name.id in own:
            return True
        function = text.function(function)
    return False


def _listed_out(text: Text, node: Any) -> Edit:
    """Without one element of a list of parameters or arguments, and the comma after it, or before."""
    start, end, within = text.start(node), text.end(node), id(text.parents[node])
    after = re.match(rb"\s*,\s*", text.bytes[end:])
    if after:
        return Edit(start, end + after.end(), "", within)
    before = re.search(rb",\s*$", text.bytes[:start])
    return Edit(start - len(before.group()) if before else start, end, "", within)


def unreachable(text: Text, known: Known) -> Iterator[Edit]:
    """Nothing after a return; no `pass` beside other statements."""
    for node in text.nodes:
        for body in _bodies(node):
            for before, after in pairwise(body):
                if isinstance(before, ast.Return | ast.Raise):
                    yield text.without(after)
                if isinstance(after, ast.Pass):
                    yield text.without(after)


def overwritten(text: Text, known: Known) -> Iterator[Edit]:
    """`x = None; x = …` → `x = …`, where the second does not ask for the first."""
    for node in text.nodes:
        for body in _bodies(node):
            for before, after in pairwise(body):
                if not (isinstance(before, ast.Assign) and isinstance(after, ast.Assign) and _pure(before.value)):
                    continue
                one, two = before.targets[0], after.targets[0]
                if not (isinstance(one, ast.Name) and isinstance(two, ast.Name) and one.id == two.id):
                    continue
                if len(before.targets) == 1 and one.id not in {
                    n.id for n in ast.walk(after.value) if isinstance(n, ast.Name)
                }:
                    yield text.without(before)


def returned(text: Text, known: Known) -> Iterator[Edit]:
    """`x = …; return x` → `return …`."""
    for node in text.nodes:
        for body in _bodies(node):
            for before, after in pairwise(body):
                if not (isinstance(before, ast.Assign) and isinstance(after, ast.Return) and len(before.targets) == 1):
                    continue
                target, given = before.targets[0], after.value
                if isinstance(target, ast.Name) and isinstance(given, ast.Name) and target.id == given.id:
                    yield Edit(text.start(before), text.end(after), f"return {text.of(before.value)}")


def locals_(text: Text, known: Known) -> Iterator[Edit]:
    """A local name that is known to be True, False or None is that; one that nobody reads is not computed."""
    for function in [node for node in text.nodes if isinstance(node, ast.FunctionDef)]:
        names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        parameters = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        for node in [n for n in names if isinstance(n.ctx, ast.Load) and text.function(n) is function]:
            if len(text.stores(function, node.id)) != 1 or node.id in parameters:
                continue
            found = _named(node, text, known)
            if found is None or isinstance(found, bool):
                yield text.replace(node, repr(found))
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        unread = {id(node) for node in names if node.id not in read}
        for assigned in ast.walk(function):
            if isinstance(assigned, ast.Assign | ast.AnnAssign):
                yield from _unread(text, assigned, partial(_among, unread))


def copies(text: Text, known: Known) -> Iterator[Edit]:
    """A local that is another name's value, or None, gives way to it; `locals_` then takes it out."""
    for function in [node for node in text.nodes if isinstance(node, ast.FunctionDef)]:
        inner = [a.arg for node in ast.walk(function) if node is not function and isinstance(node, ast.arguments)
                 and node is not function.args for a in node.args]  # fmt: skip
        parameters = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        for assigned in [node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AnnAssign)]:
            target = assigned.targets[0] if isinstance(assigned, ast.Assign) else assigned.target
            if not isinstance(target, ast.Name) or text.stores(function, target.id) != [target]:
                continue
            if target.id in parameters or not _second(assigned.value, text, function, parameters, inner):
                continue
            body = next(body for body in _bodies(text.parents[assigned]) if assigned in body)
            after = {id(n) for line in body[body.index(assigned) + 1 :] for n in ast.walk(line)}
            reads = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == target.id and n is not target]
            if all(id(n) in after and text.function(n) is function for n in reads):
                yield from (text.replace(n, text.of(assigned.value)) for n in reads)


def _second(
    node: ast.expr | None, text: Text, function: ast.FunctionDef, parameters: set[str], inner: Sequence[str]
) -> bool:
    """Whether this is None, or a name that stays what it is: a constant, a parameter, a local stored once."""
    if isinstance(node, ast.Constant):
        return node.value is None
    if not isinstance(node, ast.Name) or node.id in inner:
        return False
    return len(text.stores(function, node.id)) == (0 if node.id in parameters or node.id.isupper() else 1)


def _among(ids: set[int], node: ast.expr) -> bool:
    return id(node) in ids


def _unread(text: Text, node: ast.Assign | ast.AnnAssign, unread: Callable[[ast.expr], bool]) -> Iterator[Edit]:
    """Without the targets that nobody reads, where computing what they are given does nothing else."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    first = targets[0]
    if isinstance(text.parents[node], ast.ClassDef):
        return
    if node.value is None:
        if unread(first):
            yield text.without(node)
        return
    if isinstance(first, ast.Tuple) and not isinstance(node.value, ast.Tuple):
        for target in first.elts:
            if isinstance(target, ast.Name) and not target.id.startswith("_") and unread(target):
                yield text.replace(target, "_")
        return
    if len(targets) == 1 and isinstance(first, ast.Tuple) and isinstance(node.value, ast.Tuple):
        for target, given in zip(first.elts, node.value.elts, strict=True):
            if unread(target) and _pure(given):
                kept = [(t, v) for t, v in zip(first.elts, node.value.elts, strict=True) if t is not target]
                sides = (", ".join(text.of(one) for one in side) for side in zip(*kept, strict=True))
                yield text.replace(node, " = ".join(sides))
    elif len(targets) > 1 and _pure(node.value) and any(map(unread, targets)):
        kept_targets = [text.of(target) for target in targets if not unread(target)]
        yield (
            text.replace(node, " = ".join([*kept_targets, text.of(node.value)])) if kept_targets else text.without(node)
        )
    elif len(targets) == 1 and unread(first) and _pure(node.value):
        yield text.without(node)


def _pure(node: ast.expr) -> bool:
    calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    harmless = all(getattr(func, "id", getattr(func, "attr", "")) in COMPUTING for func in calls)
    return harmless and not any(isinstance(part, ast.Yield | ast.Await | ast.NamedExpr) for part in ast.walk(node))


def docstrings(text: Text, known: Known) -> Iterator[Edit]:
    """Without examples to be tested and without the errors that are no longer raised."""
    for node in text.nodes:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            before = text.of(first)
            after = re.sub(r"(\n[^\n]+)*:?\s*>>> .*?(?=\"\"\"$)", "", before, flags=re.DOTALL)
            after = re.sub(r"\s+Raises (UsageError|ArzhangError)\b[^.]*\.(?=\s|\"\"\")", "", after)
            after = re.sub(r"\s*\"\"\"$", '"""', after)
            if "\n\n" in after:
                after = after.removesuffix('"""') + "\n" + " " * first.col_offset + '"""'
            if after != before:
                yield text.replace(first, after)


def orphans(text: Text, known: Known) -> Iterator[Edit]:
    """Without the words of an attribute that is there no more."""
    for function in text.nodes:
        if not isinstance(function, ast.FunctionDef):
            continue
        for before, after in pairwise(function.body):
            targets = before.targets if isinstance(before, ast.Assign) else [getattr(before, "target", None)]
            said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if said and not any(isinstance(target, ast.Attribute | ast.Tuple) for target in targets):
                yield text.without(after)


RULES = (
    plain_types, checks, branches, options, unreachable, overwritten, returned, locals_, copies, docstrings, orphans,
)  # fmt: skip
