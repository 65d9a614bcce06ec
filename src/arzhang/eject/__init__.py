"""A run as one readable file that needs only torch: its networks, loss, data reading and loop, from our own source."""

import dataclasses
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from arzhang import assembly, recipes
from arzhang.contracts import Batch, Task
from arzhang.data import sources
from arzhang.data.images import DRAWN, Images
from arzhang.data.pairs import Pairs
from arzhang.eject.listing import LOOP, READING, Listing, Watched
from arzhang.eject.source import External, Key, module
from arzhang.eject.tidy import tidied
from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.randomness import generator
from arzhang.training.run import Run

Notify = Callable[[str], None]
SECTIONS = (
    ("randomness", "random numbers"),
    ("contracts", "what passes between the parts"),
    ("memory", "data"),
    ("data", "data"),
    ("palettes", "data"),
    ("eject.reading", "data"),
    ("networks", "networks"),
    ("divergences", "divergences"),
    ("gradients", "gradients of expectations"),
    ("tasks", "losses"),
    ("training.averaging", "the loop"),
    ("eject.loop", "the loop"),
)
"""Rooms of the package, in the order in which a listing has them, and what they are called there."""
PLACES = {
    "DEVICE": 'or "cuda": the same losses but for rounding',
    "FILES": "the data set's own files are here",
    "TENSORS": "written with this file; a path from where you start it",
}
"""What is said beside the constants that are no options of the run."""
CPU = torch.device("cpu")
WIDTH = 120


def eject(path: Path | str, out: Path | str, *, overwrite: bool = False, notify: Notify = print) -> Path:
    """Write the file of a run; where its data cannot be read by torch alone, or what it began with is not made by its
    seed alone, a file of tensors beside it. Returns where the file is.

    Raises UsageError where the run is none, its data are gone, or its precision is not plain.
    """
    run, out = Run(path), Path(out)
    recipe = run.recipe
    if out.suffix != ".py":
        raise UsageError(f"--out {out}: a Python file is written, so its name ends in .py")
    if taken := next((one for one in (out, out.with_suffix(".pt")) if one.exists() and not overwrite), None):
        raise UsageError(f"{taken}: is there already; --overwrite writes in its place, --out chooses another")
    if recipe.precision != "32-true":
        raise UsageError(f"{run.path}: trained in {recipe.precision}; a file is ejected of runs in 32-true alone")
    parts = assembly.splits(recipe, CPU, notify)
    if parts.sha256 != run.config.get("data", {}).get("sha256"):
        raise UsageError(f"{run.path}: the data are not those that this run was trained on ({parts.description})")
    text, tensors = listing(recipe, parts, out.with_suffix(".pt").name, notify)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, text)
    if tensors:
        torch.save(tensors, out.with_suffix(".pt"))
        notify(f"written: {out.with_suffix('.pt')}: {_beside(tensors)}")
    return out


def listing(recipe: recipes.Training, parts: Any, beside: str, notify: Notify) -> tuple[str, dict[str, Any]]:
    """The text of a run's file, and the tensors that it reads from `beside`."""
    built, stepping = Watched(), Watched()
    examples, reader, tensors = _data(recipe, parts, built)
    shape, given = parts.train.shape, getattr(parts.train, "input_shape", None)
    levels, classes = parts.train.levels, len(parts.classes or ())
    task = built.during(lambda: assembly.build(recipe, shape, levels, CPU, classes, given))
    fresh = {name: tensor.clone() for name, tensor in task.networks.state_dict().items()}
    assembly.begin(task, recipe, parts, notify)
    started = task.networks.state_dict()
    if any(not torch.equal(fresh[name], started[name]) for name in fresh):
        tensors["start"] = {name: tensor.contiguous() for name, tensor in started.items()}
    stepping.during(lambda: _step(task, recipe, examples))
    kind = type(task)
    arguments = {"shape": shape, "levels": levels, "classes": classes, "input_shape": given}
    wanted = [name for name in inspect.signature(kind).parameters if name in arguments]
    main = _main(kind.__name__, [repr(arguments[name]) for name in wanted], reader, "start" in tensors)
    values = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    values |= {"players": recipe.players, "conditional": getattr(recipe, "conditional", None)}
    classed = {
        "Task": Key(kind.__module__, kind.__name__),
        "Examples": Key(type(examples).__module__, type(examples).__name__),
    }
    found = Listing(values, _objects(task, examples), built.constant(stepping), built.types(stepping), classed)
    found.brought |= {(LOOP, name): key for name, key in classed.items()} | {(LOOP, kind.__name__): classed["Task"]}
    found.brought[LOOP, type(examples).__name__] = classed["Examples"]
    found.brought |= {(LOOP, reader): Key(READING, reader), (LOOP, "mix"): Key("arzhang.randomness", "mix")}
    found.brought[LOOP, "TENSORS"] = Key(READING, "TENSORS")
    found.grow(main, [])
    folder = sources.locate(recipe.dataset, recipe.data_root) if reader == "read_idx" else None
    places: dict[str, Any] = {"DEVICE": "cpu"}
    if folder is not None:
        places["FILES"] = next(iter(folder.values())).parent.resolve()
    if tensors:
        places["TENSORS"] = Path(beside)
    return _page(found, recipe, parts, places, tensors), tensors


def _data(recipe: recipes.Training, parts: Any, watched: Watched) -> tuple[Any, str, dict[str, Any]]:
    """The training part as the file will have it, the function that reads it there, and what it reads if not the
    data set's own files."""
    train = parts.train
    if isinstance(train, Pairs):
        tensors = {"images": _pixels(train.images), "inputs": _pixels(train.inputs)}
        how = {name: getattr(train, name) for name in ("classes_are", "jitter", "mirror", "unpaired")}
        examples: Any = watched.during(
            lambda: Pairs(Images(tensors["images"]), Images(tensors["inputs"]), how["classes_are"], **_flags(how))
        )
        return examples, "read_pairs", tensors | how
    plain = recipe.data is None and recipe.dataset in sources.SOURCES and recipe.size in (None, train.shape[-1])
    drawn = recipe.data is None and recipe.dataset == DRAWN
    tensors = {"images": _pixels(train)}
    examples = watched.during(lambda: Images(tensors["images"], train.range, train.labels, device="cpu"))
    if drawn:
        return examples, "draw_sprites", {}
    if plain and train.shape[-1] == 28:
        return examples, "read_idx", {}
    return examples, "read_images", {**tensors, "labels": train.labels, "range": list(train.range)}


def _flags(how: Mapping[str, Any]) -> dict[str, bool]:
    return {name: how[name] for name in ("jitter", "mirror", "unpaired")}


def _pixels(images: Images) -> Tensor:
    """All of a part, in the type of its source."""
    raw = images.raw(torch.arange(len(images)))
    return raw.view(torch.uint16) if images.kind == "uint16" else raw


def _beside(tensors: Mapping[str, Any]) -> str:
    images = len(tensors["images"]) if "images" in tensors else 0
    what = [f"{images:,} training images as they were decoded"] if images else []
    return " and ".join([*what, *["the weights that the run began with"] * ("start" in tensors)])


def _step(task: Task, recipe: recipes.Training, examples: Any) -> None:
    """One step, of which nothing is kept: to see what is called in it."""
    indices = torch.arange(min(recipe.batch_size, len(examples)))
    luck = torch.zeros(len(indices), 4) if examples.augmented else None
    found = examples.take(indices, luck)
    noise = task.noise(len(indices), generator(0))
    batch = Batch(found.images, indices, noise, 0.0, found.labels, found.inputs)
    shared = task.prepare(batch)
    for turn in task.turns:
        turn.loss(batch, shared)


def _objects(task: Any, examples: Any) -> dict[str, list[Any]]:
    """Every object of the package's classes that a run is made of, by its class."""
    found: dict[str, list[Any]] = {type(task).__name__: [task]}
    if getattr(task, "game", None) is not None:
        found["AdversarialLoss"] = [task.game]
    modules = [*task.networks.modules(), *(task.memory.modules() if hasattr(task, "memory") else ())]
    parts = [examples, examples.images, examples.inputs] if isinstance(examples, Pairs) else [examples]
    for one in [*modules, *parts]:
        if type(one).__module__.startswith("arzhang."):
            found.setdefault(type(one).__name__, []).append(one)
    return found


def _main(kind: str, arguments: Sequence[str], reader: str, started: bool) -> str:
    lines = [
        "def main() -> None:",
        '    """Train, and print the log."""',
        '    torch.manual_seed(mix(recipe.seed, "weights"))',
        f"    task = {kind}({', '.join([*arguments, 'DEVICE'])})",
    ]
    if started:
        lines.append('    task.networks.load_state_dict(torch.load(TENSORS, weights_only=True)["start"])')
    lines += [f"    for said in log(task, {reader}(recipe), recipe):", "        print(said, flush=True)"]
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------- the page


def _page(found: Listing, recipe: recipes.Training, parts: Any, places: Mapping[str, Any], tensors: Any) -> str:
    """The file: what it is, imports, constants, and the definitions by rooms."""
    used = {name for text in found.texts.values() for name in _loaded(text)}
    constants = [
        _remarked(f"{name} = {_literal(value)}", PLACES[name]) for name, value in places.items() if name in used
    ]
    words = recipes.documentation(type(recipe))
    for field in dataclasses.fields(recipe):
        if field.name in found.used:
            line = f"{field.name.upper()} = {_literal(getattr(recipe, field.name))}"
            constants.append(_remarked(line, words.get(field.name, "")))
    own = [key for key in found.texts if key.name not in places]
    imports: set[str] = {"from pathlib import Path"} & {_path(places, used)}
    for key in own:
        for name in _loaded(found.texts[key]):
            if isinstance(meaning := found.meaning(key, name), External):
                imports.add(meaning.statement)
    blocks: list[str] = []
    title, apart = "", False
    for room, name in SECTIONS:
        for key in _ordered(own, room, found):
            if name != title:
                title, apart = name, False
                blocks.append(f"# {'-' * (WIDTH - 4 - len(name))} {name}")
            text, constant = tidied(found.texts[key]), not found.texts[key].startswith(("def ", "class ", "@"))
            if constant and apart and name == title and not blocks[-1].startswith("# ---"):
                blocks[-1] += f"\n{text}"
            else:
                blocks.append(text)
            apart = constant
    head = _head(recipe, parts, tensors)
    body = "\n\n\n".join(blocks)
    begin = "\n\n".join([head, _imports(imports), "\n".join(constants)])
    return "\n\n\n".join([begin, body, 'if __name__ == "__main__":\n    main()\n'])


def _path(places: Mapping[str, Any], used: set[str]) -> str:
    return "from pathlib import Path" if any(isinstance(places.get(name), Path) for name in used) else ""


def _loaded(text: str) -> set[str]:
    from arzhang.eject.listing import _names

    return _names(text)


def _ordered(keys: Iterable[Key], room: str, found: Listing) -> list[Key]:
    """The definitions of a room, each after those it names, so that it reads from top to bottom; else modules in the
    order of what they import, and each in its own."""
    own = [key for key in keys if f"{key.module}.".startswith(f"arzhang.{room}.")]
    modules: list[str] = []

    def visit(name: str) -> None:
        if name not in modules:
            for key in module(name).imports.values():
                if isinstance(key, Key) and any(key.module == other.module for other in own):
                    visit(key.module)
            modules.append(name)

    for key in sorted(own):
        visit(key.module)

    def place(key: Key) -> tuple[int, int]:
        node = module(key.module).definitions.get(key.name)
        return modules.index(key.module), 1 << 30 if node is None else node.lineno

    ordered = sorted(own, key=place)
    once = [key for i, key in enumerate(ordered) if not i or place(key) != place(ordered[i - 1])]
    placed: dict[Key, None] = {}

    def put(key: Key, above: tuple[Key, ...] = ()) -> None:
        if key in placed or key in above:
            return
        needed = {found.meaning(key, name) for name in _loaded(found.texts[key])}
        for other in [one for one in once if one in needed]:
            put(other, (*above, key))
        placed[key] = None

    # A constant stands right before what first needs it.
    for key in sorted(once, key=lambda key: not found.texts[key].startswith(("def ", "class ", "@"))):
        put(key)
    return list(placed)


def _imports(statements: Iterable[str]) -> str:
    """Import lines, sorted: the standard library's, then torch's."""
    plain = {s for s in statements if s.startswith("import")}
    members: dict[str, set[str]] = {}
    for statement in set(statements) - plain:
        home, _, name = statement.removeprefix("from ").partition(" import ")
        members.setdefault(home, set()).add(name)

    def order(name: str) -> tuple[int, str]:
        return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name

    lines = [
        *sorted(plain),
        *(f"from {home} import {', '.join(sorted(members[home], key=order))}" for home in sorted(members)),
    ]
    ours = [line for line in lines if line.split()[1].split(".")[0] in ("torch", "numpy")]
    groups = [[line for line in lines if line not in ours], ours]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _literal(value: Any) -> str:
    if isinstance(value, Path):
        return f"Path({json.dumps(str(value), ensure_ascii=False)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _remarked(line: str, words: str) -> str:
    """A constant with what it is beside it, as far as the line reaches."""
    words = re.sub(r"--([a-z][a-z-]*)", lambda found: found[1].replace("-", "_").upper(), words)
    words = words.split(";")[0].split(" (")[0].strip()
    room = WIDTH - len(line) - 4
    return f"{line}  # {words}" if words and len(words) <= room else line


def _head(recipe: recipes.Training, parts: Any, tensors: Mapping[str, Any]) -> str:
    kind = type(recipe).__doc__ or ""
    needs = f"It reads a file that was written with it: {_beside(tensors)}." if tensors else ""
    version = torch.__version__.partition("+")[0]
    return "\n".join([
        *textwrap.wrap(f'"""A training of `{recipe.system}` on {parts.description}.', WIDTH),
        "",
        f"{kind.splitlines()[0]}",
        "",
        f"Ejected from Arzhang {metadata.version('arzhang')}. It needs torch alone ({version} or a near one).",
        *textwrap.wrap(needs, WIDTH),
        *textwrap.wrap(
            "On a CPU, with as many threads, it gives bit for bit the losses of such a run on a CPU, and prints them "
            "as that logs them. It trains, and writes weights.pt at the end; it does not validate, preview, save in "
            "between or go on. What this run did not use is not in it: a constant that decided that, such as a kind of "
            "normalisation, chooses nothing here any more.",
            WIDTH,
        ),
        '"""',
    ])  # fmt: skip
