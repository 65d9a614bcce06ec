"""From a few roots to one listing: the definitions they need, each without what this run does not use, in an order in
which they can be read."""

import ast
import builtins
import inspect
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from arzhang.eject import simplify
from arzhang.eject.simplify import PLAIN, SOMETHING, UNKNOWN, Edit, Known, Text, parsed, simplified
from arzhang.eject.source import PACKAGE, External, Key, module, resolve

LOOP, READING = f"{PACKAGE}.eject.loop", f"{PACKAGE}.eject.reading"
COMMON = (Tensor, nn.Module, str, dict, list, set)
"""What has methods of its own under many names."""
INTERFACE = ("forward", "loss", "make", "judge", "prepare", "noise", "take")
"""Methods that are called by who knows only their names and arguments: their parameters stay."""


@dataclass
class Watched:
    """What was seen while a run's objects were made: the values and types that each function's parameters had."""

    values: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    kinds: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def during(self, make: Callable[[], Any]) -> Any:
        """Make something, and note every call of a function of the package."""
        folder = str(module(PACKAGE + ".errors").name and _folder())

        def note(frame: Any, event: str, _: Any) -> None:
            code = frame.f_code
            if event != "call" or not code.co_filename.startswith(folder):
                return
            values, kinds = self.values.setdefault(code.co_qualname, {}), self.kinds.setdefault(code.co_qualname, {})
            for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
                found = frame.f_locals.get(name, UNKNOWN)
                values.setdefault(name, []).append(found if _plain(found) else UNKNOWN)
                kinds.setdefault(name, set()).add(type(found).__name__)

        sys.setprofile(note)
        try:
            return make()
        finally:
            sys.setprofile(None)

    def constant(self, apart: "Watched") -> dict[str, dict[str, Any]]:
        """Parameters that had one plain value in every call of functions that are not called `apart` as well."""
        return {
            place: {name: found[0] for name, found in values.items() if _one(found)}
            for place, values in self.values.items()
            if place not in apart.values
        }

    def types(self, apart: "Watched") -> dict[str, dict[str, str]]:
        """Parameters that were of one type."""
        return {
            place: {name: next(iter(found)) for name, found in kinds.items() if len(found) == 1}
            for place, kinds in self.kinds.items()
            if place not in apart.kinds
        }


def _folder() -> str:
    import arzhang

    return str(inspect.getfile(arzhang)).removesuffix("__init__.py")


def _plain(value: Any) -> bool:
    return isinstance(value, PLAIN) or (isinstance(value, tuple) and all(map(_plain, value)))


def _one(found: Sequence[Any]) -> bool:
    return bool(found) and _plain(found[0]) and all(type(one) is type(found[0]) and one == found[0] for one in found)


def attributes(objects: Sequence[Any]) -> dict[str, Any]:
    """What `self.x` is in every one of a class's objects; only what `__init__` alone assigns."""
    kind = type(objects[0])
    text = textwrap.dedent(inspect.getsource(kind))
    moving = {
        node.attr
        for method in ast.walk(ast.parse(text))
        if isinstance(method, ast.FunctionDef) and method.name != "__init__"
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    names = {name for one in objects for name in [*vars(one), *getattr(one, "_modules", ()), *_class_values(kind)]}
    found: dict[str, Any] = {}
    for name in names - moving:
        values = [getattr(one, name, UNKNOWN) for one in objects]
        if _one(values):
            found[name] = values[0]
        elif all(value is not None and value is not UNKNOWN for value in values):
            found[name] = SOMETHING
    if isinstance(objects[0], nn.Module):
        found["training"] = True  # the file trains, and does nothing else
    return found


def _class_values(kind: type) -> list[str]:
    return [name for name, value in vars(kind).items() if _plain(value) and not name.startswith("__")]


@dataclass
class Listing:
    """The definitions that some roots need, and what is known of the run."""

    recipe: Mapping[str, Any]
    objects: Mapping[str, Sequence[Any]]
    """Of each class's name its objects, as they are before the first step."""
    parameters: Mapping[str, Mapping[str, Any]]
    kinds: Mapping[str, Mapping[str, str]]
    renamed: Mapping[str, Key]
    """Protocols of the loop → the classes that stand in their place."""
    texts: dict[Key, str] = field(default_factory=dict)
    brought: dict[tuple[str, str], Key] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """Options that the listing names."""

    def __post_init__(self) -> None:
        self.known = {name: attributes(some) for name, some in self.objects.items()}

    def grow(self, main: str, roots: Sequence[Key]) -> None:
        """Take in everything that `main` and the roots need, and leave out what then turns out not to be needed."""
        start = Key(LOOP, "main")
        self.texts[start] = main
        while True:
            reached = self._reached([start, *roots])
            before = {key: self.texts[key] for key in reached}
            self.texts = dict(before)
            self._prune()
            if self.texts == before:
                break
        self.used = {name for name in self.recipe if any(name.upper() in _names(text) for text in self.texts.values())}

    def _reached(self, roots: Sequence[Key]) -> list[Key]:
        reached: dict[Key, None] = {}
        waiting = list(roots)
        while waiting:
            key = waiting.pop()
            if key in reached:
                continue
            if key not in self.texts:
                self.texts[key] = self._first(key)
            reached[key] = None
            for name in sorted(_names(self.texts[key])):
                found = self.meaning(key, name)
                if isinstance(found, Key) and found.name:
                    waiting.append(found)
        return list(reached)

    def meaning(self, key: Key, name: str) -> Key | External | None:
        """What a name in a definition's text is."""
        if key.module == LOOP and name in self.renamed:
            return self.renamed[name]
        return self.brought.get((key.module, name)) or resolve(key.module, name)

    def _first(self, key: Key) -> str:
        text = module(key.module).source(key.name)
        if key.module == LOOP:
            for name, other in self.renamed.items():
                text = text.replace(f": {name},", f": {other.name},").replace(f": {name})", f": {other.name})")
        return self._simplified(key, text)

    def _simplified(
        self,
        key: Key,
        text: str,
        *rules: Any,
        literal: Mapping[str, Any] | None = None,
        fields: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        aliases = {
            local: found.module
            for local, found in module(key.module).imports.items()
            if isinstance(found, Key) and not found.name
        }
        for node in parsed(text).nodes if aliases else ():
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
                found = resolve(aliases[node.value.id], node.attr)
                if isinstance(found, Key):
                    self.brought[key.module, node.attr] = found
        parameters = {place: dict(known) for place, known in self.parameters.items()}
        for place, known in (literal or {}).items():
            parameters.setdefault(place, {}).update(known)
        own, classes = self.known.get(key.name, {}), self.known
        known = Known(self.recipe, own, parameters, self.kinds, aliases, **(fields or {}), classes=classes)
        return simplified(text, known, rules)

    # ------------------------------------------------------------------------------------------- the whole at once

    def _prune(self) -> None:
        """One round of what only the whole tells: members nobody asks for, parameters with one value, or unread."""
        trees = {key: parsed(text).tree for key, text in self.texts.items()}
        literal, fields = _literals(trees), _fields(trees)
        read = _read(trees.values())
        task = self.renamed["Task"]
        asked = {
            node.attr
            for key, tree in trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if node.value.id == ("self" if key == task else "task") and isinstance(node.ctx, ast.Load)
        }
        for key in list(self.texts):
            members = _members(asked if key == task else read)
            self.texts[key] = self._simplified(key, self.texts[key], members, literal=literal, fields=fields)
        self._unused_parameters()

    def _unused_parameters(self) -> None:
        """Take out one parameter that its function does not read, and what calls give for it."""
        for key, text in self.texts.items():
            for place, function in _functions(parsed(text).tree):
                name = key.name if place.endswith(".__init__") else function.name
                if function.name in INTERFACE or (function.name.startswith("__") and name == function.name):
                    continue
                inner = {n.id for part in function.body for n in ast.walk(part) if isinstance(n, ast.Name)}
                own = function.args.args[1:] if "." in place else function.args.args
                for position, argument in enumerate([*own, *function.args.kwonlyargs]):
                    method = "." in place and name == function.name
                    if argument.arg in inner or (method and any(hasattr(kind, name) for kind in COMMON)):
                        continue
                    calls = self._calls(name, method, argument.arg, position)
                    if not calls or None in calls.values():
                        continue
                    self._take_out(key, place, argument.arg, name, position)
                    return

    def _calls(self, name: str, method: bool, argument: str, position: int) -> dict[Key, bool | None]:
        """Where a function is called: True where all calls there are plain ones, None where one is not."""
        found: dict[Key, bool | None] = {}
        for key, text in self.texts.items():
            tree = parsed(text)
            for node in tree.nodes:
                kind = ast.Attribute if method else ast.Name
                if not isinstance(node, kind) or getattr(node, "attr" if method else "id") != name:
                    continue
                call = tree.parents[node]
                if not (isinstance(call, ast.Call) and call.func is node):
                    if isinstance(call, ast.arg | ast.FunctionDef | ast.AnnAssign | ast.Subscript | ast.BinOp):
                        continue  # a type
                    found[key] = None
                    continue
                plain = not any(isinstance(a, ast.Starred) for a in call.args) and all(k.arg for k in call.keywords)
                given = list(call.args[position : position + 1])
                given += [k.value for k in call.keywords if k.arg == argument]
                plain &= all(simplify._pure(one) for one in given)
                found[key] = True if plain and found.get(key, True) else None
        return found

    def _take_out(self, home: Key, place: str, argument: str, name: str, position: int) -> None:
        def parameter(text: Text, known: Known) -> Iterator[Edit]:
            for at, function in _functions(text.tree):
                for own in (*function.args.args, *function.args.kwonlyargs):
                    if at == place and own.arg == argument:
                        yield _without_parameter(text, function, own)

        def arguments(text: Text, known: Known) -> Iterator[Edit]:
            for node in text.nodes:
                word = "attr" if "." in place and not place.endswith(".__init__") else "id"
                if not isinstance(node, ast.Call) or getattr(node.func, word, "") != name:
                    continue
                for one in [*node.args[position : position + 1], *(k for k in node.keywords if k.arg == argument)]:
                    yield simplify._listed_out(text, one)

        for key in self.texts:
            text = self.texts[key]
            # From the last call to the first, each once: after one, the others' places are still right.
            edits = sorted(arguments(Text(text), _NOTHING), reverse=True)
            data = text.encode()
            for edit in edits:
                data = data[: edit.start] + edit.text.encode() + data[edit.end :]
            self.texts[key] = data.decode()
        whole = Text(self.texts[home])
        self.texts[home] = whole.after(list(parameter(whole, _NOTHING))[:1])


_NOTHING = Known({})


def _without_parameter(text: Text, function: ast.FunctionDef, own: ast.arg) -> Edit:
    """Without a parameter, its type and its default, and the `*` before it where it was the only one after that."""
    args = function.args
    places = dict(zip(reversed(args.args), reversed(args.defaults), strict=False))
    places |= {one: given for one, given in zip(args.kwonlyargs, args.kw_defaults, strict=True) if given is not None}
    start, end = text.start(own), text.end(places.get(own, own))
    if args.kwonlyargs == [own] and args.vararg is None:
        start = text.bytes.rindex(b"*", 0, start)
    rest = text.bytes[end:]
    comma = len(rest) - len(rest.lstrip())
    if rest[comma : comma + 1] == b",":
        after = rest[comma + 1 :]
        if after.lstrip().startswith(b")"):
            return Edit(len(text.bytes[:start].rstrip()), end + comma + 1, "")
        return Edit(start, end + comma + 1 + len(after) - len(after.lstrip()), "")
    before = text.bytes[:start].rstrip()
    return Edit(len(before) - before.endswith(b","), end, "")


def _functions(tree: ast.AST) -> list[tuple[str, ast.FunctionDef]]:
    """Functions and methods of a definition, under `Class.method` or `function`."""
    found = []
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.FunctionDef):
            found.append((node.name, node))
        if isinstance(node, ast.ClassDef):
            found += [(f"{node.name}.{part.name}", part) for part in node.body if isinstance(part, ast.FunctionDef)]
    return found


@lru_cache(maxsize=4_096)
def _names(text: str) -> set[str]:
    """Names that a text reads and that neither its top nor the function that reads them binds, builtins apart."""
    tree = parsed(text).tree
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names, scopes = set[str](), [symtable.symtable(text, "", "exec")]
    while scopes:
        scope = scopes.pop()
        top = scope.get_type() == "module"
        names |= {one.get_name() for one in scope.get_symbols() if one.is_referenced() and (top or one.is_global())}
        scopes += scope.get_children()
    for node in ast.walk(tree):  # types that are written as strings
        if isinstance(node, ast.FunctionDef | ast.AnnAssign | ast.arg):
            quoted = getattr(node, "returns", None) or getattr(node, "annotation", None)
            if isinstance(quoted, ast.Constant) and isinstance(quoted.value, str):
                names |= _names(quoted.value)
    return {name for name in names - own if not hasattr(builtins, name)}


def _members(read: set[str]) -> Callable[[Text, Known], Iterator[Edit]]:
    """Rule: a class without methods and values that nobody asks for, and without attributes that nobody reads."""

    def unread(target: ast.expr) -> bool:
        match target:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return name not in read
        return False

    def rule(text: Text, known: Known) -> Iterator[Edit]:
        for kind in [node for node in text.tree.body if isinstance(node, ast.ClassDef)]:
            record = any(isinstance(b, ast.Name) and b.id == "NamedTuple" for b in kind.bases) or kind.decorator_list
            for part in kind.body:
                if isinstance(part, ast.FunctionDef):
                    unasked = not part.name.startswith("__") and part.name != "forward" and part.name not in read
                    if unasked or (_begins_nothing(part) and len(kind.body) > 1):
                        yield text.without(part)
                elif isinstance(part, ast.Assign | ast.AnnAssign) and not record:
                    target = _targets(part)[0]
                    if isinstance(target, ast.Name) and target.id not in read:
                        if (note := _below(text, part)) is not None:
                            yield text.without(note)
                        yield text.without(part)
            for node in ast.walk(kind):
                if isinstance(node, ast.Assign | ast.AnnAssign):
                    yield from simplify._unread(text, node, unread)
                    note = _below(text, node)
                    if note is not None and all(map(unread, _targets(node))):
                        yield text.without(note)

    return rule


def _begins_nothing(part: ast.FunctionDef) -> bool:
    """Whether this is an `__init__` that does what there would be without it."""
    plain = part.name == "__init__" and len(part.args.args) == 1 and not part.args.kwonlyargs
    said = ast.get_docstring(part) is not None
    return plain and [ast.unparse(line) for line in part.body[said:]] in ([], ["pass"], ["super().__init__()"])


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _below(text: Text, node: ast.stmt) -> ast.stmt | None:
    """The string right below an assignment, which says what it is."""
    body = next(body for body in simplify._bodies(text.parents[node]) if node in body)
    after = body[body.index(node) + 1 :][:1]
    return next((s for s in after if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)), None)


def _read(trees: Iterable[ast.AST]) -> set[str]:
    """Attributes that are asked for. Not by who only hands one on to its own of that name (`self.x = other.x`), nor by
    a method of that name."""
    found: set[str] = set()
    for tree in trees:
        waiting: list[tuple[ast.AST, str]] = [(tree, "")]
        while waiting:
            node, within = waiting.pop()
            name = within
            if isinstance(node, ast.FunctionDef):
                name = node.name
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr != within:
                found.add(node.attr)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                sides = [getattr(side, "elts", [side]) for side in (node.targets[0], node.value)]
                if len(sides[0]) == len(sides[1]):
                    for target, given in zip(*sides, strict=True):
                        own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
                        waiting.append((given, target.attr if own else name))
                    continue
            waiting += [(child, name) for child in ast.iter_child_nodes(node)]
    return found


def _literals(trees: Mapping[Key, ast.Module]) -> dict[str, dict[str, Any]]:
    """Parameters for which every call gives the same True, False or None."""
    calls: dict[tuple[bool, str], list[ast.Call | None]] = {}
    for tree in trees.values():
        by_function = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                name = node.id if isinstance(node, ast.Name) else node.attr
                # What is not called here is handed on: who knows how it is called.
                calls.setdefault((isinstance(node, ast.Attribute), name), []).append(by_function.get(id(node)))
    found: dict[str, dict[str, Any]] = {}
    for tree in trees.values():
        for place, function in _functions(tree):
            method = "." in place
            own_calls = calls.get((method, function.name), [None])
            if function.name in INTERFACE or function.name.startswith("__") or None in own_calls:
                continue
            args = function.args
            defaults = dict(zip(reversed([a.arg for a in args.args]), reversed(args.defaults), strict=False))
            for i, argument in enumerate(args.args[1:] if method else args.args):
                given = [_given(call, i, argument.arg, defaults.get(argument.arg)) for call in own_calls]
                if _one(given) and (given[0] is None or isinstance(given[0], bool)):
                    found.setdefault(place, {})[argument.arg] = given[0]
    return found


def _given(call: ast.Call | None, position: int, name: str, default: ast.expr | None) -> Any:
    """What a call gives for a parameter, where that is a constant."""
    assert call is not None
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return UNKNOWN
    named = {k.arg: k.value for k in call.keywords}
    node = named.get(name) or (call.args[position] if position < len(call.args) else default)
    return node.value if isinstance(node, ast.Constant) else UNKNOWN


def _fields(trees: Mapping[Key, ast.Module]) -> dict[str, dict[str, Any]]:
    """Of records: fields that are given the same None, True or False wherever a record is made; and of functions the
    records that they give."""
    kinds = {key.name: tree.body[0] for key, tree in trees.items() if isinstance(tree.body[0], ast.ClassDef)}
    records = {
        name: [
            part.target.id
            for part in kind.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]
        for name, kind in kinds.items()
        if any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in kind.bases)
    }
    given: dict[tuple[str, str], list[Any]] = {}
    gives: dict[str, Any] = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in records:
                for i, name in enumerate(records[node.func.id]):
                    given.setdefault((node.func.id, name), []).append(_given(node, i, name, None))
            if isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Name) and node.returns.id in records:
                gives[node.name] = node.returns.id
    fixed: dict[str, Any] = {}
    for (record, name), values in given.items():
        if _one(values) and (values[0] is None or isinstance(values[0], bool)):
            fixed.setdefault(record, {})[name] = values[0]
    return {"fields": fixed, "gives": gives}
