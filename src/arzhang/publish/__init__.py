"""From a run, or from everything that `arzhang reproduce` left, to what others can read, run and load. (5g)

Each kind is a bundle: a folder of its own, written without the network. A push sends it with the official client and
the user's own credentials, which only that client reads.
"""

import functools
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from arzhang import recipes
from arzhang.errors import ArzhangError, UsageError
from arzhang.publish import article, bundle, handin, huggingface, kaggle
from arzhang.publish.found import runs_in
from arzhang.report import pdf
from arzhang.report.results import read

Notify = Callable[[str], None]
MODULES = {"kaggle": kaggle, "huggingface": huggingface, "article": article, "notebook": handin}
BY_HAND = {
    "article": "Medium takes no uploads from programs; open article.html and paste it there",
    "notebook": "the notebook of the assignment is handed in by hand; --to kaggle has one that is pushed",
}
"""What nobody can push, and why. These tell of everything that `arzhang reproduce` left; the others are of one run."""
PREFERRED = ("pix2pix", "vae", "cgan", "gan", "cyclegan", "segmenter", "classifier")
"""Of a folder of runs the one that is published as a model: the first of these systems that there is."""


class Publication(NamedTuple):
    """A bundle on the disk, and where it stands for everyone, if it was pushed."""

    folder: Path
    link: str | None


def publish(
    path: Path,
    to: str,
    out: Path | None = None,
    *,
    push: bool = False,
    accept_licence: bool = False,
    owner: str | None = None,
    name: str | None = None,
    notify: Notify = print,
) -> Publication:
    """Write the bundle of a run, or of a folder of runs, and push it if that is asked for.

    `owner` is the account (none: that of the credentials), `name` what it is called there. Raises UsageError where
    there is nothing to publish or the data's licence was not accepted, ArzhangError where the bundle would tell of this
    machine, credentials are missing, or the platform refuses.
    """
    if to not in MODULES:
        raise UsageError(f"--to {to}: there is {', '.join(MODULES)}")
    if push and to in BY_HAND:
        raise UsageError(f"--push: {BY_HAND[to]}")
    chosen = path if to in BY_HAND else _one_run(path, "pix2pix" if to == "kaggle" else None, notify)
    name = None if to in BY_HAND else name or _name(chosen)
    if name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9-]{4,49}", name):
        raise UsageError(f"--name {name}: 5 to 50 small letters, digits and dashes")
    warnings = _warnings(chosen)
    for warning in warnings:
        notify(f"licence: {warning}")
    if push and warnings and not accept_licence:
        raise UsageError(f"--push: {warnings[0]}; add --accept-licence if you may publish it")
    out = out or Path("published") / f"{chosen.resolve().name}-{to}"
    kind: Any = MODULES[to]
    with bundle.fresh(out) as folder:
        kind.write(chosen, folder, name, notify)
    notify(f"written: {out}")
    for line in bundle.listing(out):
        notify(line)
    if not push:
        for line in kind.plan(name, owner):
            notify(line)
        return Publication(out, None)
    link = kind.push(out, name, owner, notify)
    notify(f"published: {link}")
    return Publication(out, link)


def leave(pages: Sequence[Path], home: Path, *, notify: Notify = print) -> None:
    """Beside the pages of `arzhang reproduce` the same as PDF, and the notebook to hand in; a line for what fails."""
    with ThreadPoolExecutor() as printers:  # each is a browser's process
        makers: list[Callable[[], Path]] = [printers.submit(pdf.write, page).result for page in pages]
        makers.insert(0, functools.partial(_notebook, home, notify))
        for make in makers:
            try:
                notify(f"written: {make()}")
            except ArzhangError as error:
                notify(f"not written: {error}")


def _notebook(home: Path, notify: Notify) -> Path:
    with tempfile.TemporaryDirectory(dir=home, prefix=".notebook.") as beside:
        with bundle.fresh(Path(beside) / "bundle") as folder:
            handin.write(home, folder, None, notify)
        for path in (Path(beside) / "bundle").iterdir():
            if path.name != bundle.MARK:
                path.replace(home / path.name)
    return home / handin.NOTEBOOK


def _one_run(path: Path, system: str | None, notify: Notify) -> Path:
    """A run, or of a folder the one to publish."""
    if (path / "config.yaml").is_file():
        return path
    runs = runs_in(path) if path.is_dir() else {}
    wanted = (system,) if system else PREFERRED
    chosen = next((runs[kind] for kind in wanted if kind in runs), None)
    if chosen is None:
        what = "no such folder" if not path.exists() else f"holds no run of {system}" if system else "holds no run"
        raise UsageError(f"{path}: {what} (`arzhang train` and `arzhang reproduce` make runs)")
    notify(f"of the runs in {path}: {chosen.name}; any other is published by its own folder")
    return chosen


def _warnings(path: Path) -> list[str]:
    """What the licences of the data say of publishing, for each run that is told of."""
    runs = [path] if (path / "config.yaml").is_file() else runs_in(path).values() if path.is_dir() else []
    configs = [recipes.read_yaml(run / "config.yaml") for run in runs]
    licences = [
        bundle.licence(config.get("recipe") or {}, str((config.get("data") or {}).get("description", "")))
        for config in configs
    ]
    return sorted({one.warning for one in licences if one.warning})


def _name(run: Path) -> str:
    """What a model or notebook is called: by what was trained, and on what."""
    found = read(run)
    words = f"arzhang-{found.system}-{found.recipe.get('data') or found.recipe.get('dataset')}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:50]
