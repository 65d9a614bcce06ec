"""A pix2pix run as a Kaggle notebook that stands alone beside the Cityscapes pairs: executed, and its metadata."""

import contextlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from arzhang.data import layouts
from arzhang.data.pairs import BUILT_IN, KAGGLE, cityscapes
from arzhang.errors import ArzhangError, UsageError
from arzhang.publish import bundle, notebook, wheel
from arzhang.publish.document import SOURCE, Told
from arzhang.training.run import CONFIG

Notify = Callable[[str], None]
NOTEBOOK, WHEEL = "notebook.ipynb", "wheel"
OWNER = "OWNER"
"""What stands for the account in the metadata on this disk; a push fills in the user's."""
PATIENCE, PAUSE = 120.0, 3.0
"""Seconds that Kaggle may take to unpack the wheel, and between two looks."""
MACHINE = ("accelerator", "devices", "nodes", "strategy", "memory_share", "compile", "deterministic")
HERE = ("data", "data_root", "dataset", "init_from")
"""Options that are the machine's or the data's, and not the notebook's."""


def write(run: Path, folder: Path, name: str, notify: Notify) -> None:
    """Fill the bundle. The notebook is executed here, where it finds the run and does not train again."""
    told = Told(run)
    if told.system != "pix2pix":
        raise UsageError(
            f"{run}: a run of {told.system}; the Kaggle notebook trains pix2pix (`--to notebook` has the rest)"
        )
    changed = {key: value for key, value in told.changed.items() if key not in MACHINE + HERE}
    spare = told.dataset if told.dataset in BUILT_IN and told.dataset != "cityscapes" else "streets"
    book = notebook.composed("kaggle.py.j2", pairs=KAGGLE, source=SOURCE, changed=changed, spare=spare)
    if told.given.get("data") not in (None, *BUILT_IN):
        notify(f"kaggle: there it trains this recipe on {KAGGLE}, not on {told.given['data']}")
    notify("kaggle: executing the notebook, which takes minutes")
    with tempfile.TemporaryDirectory() as private:
        place = Path(private)
        _as_attached(run, told, place, notify)
        notebook.execute(book, place)
    notebook.write(book, folder / NOTEBOOK)
    (folder / WHEEL).mkdir()
    wheel.pack(folder / WHEEL)
    shelf = f"{name}-wheel"
    _json(
        folder / "kernel-metadata.json",
        {
            "id": f"{OWNER}/{name}",
            "title": name.replace("-", " "),
            "code_file": NOTEBOOK,
            "language": "python",
            "kernel_type": "notebook",
            "is_private": True,
            "enable_gpu": True,
            "enable_internet": True,
            "dataset_sources": [KAGGLE, f"{OWNER}/{shelf}"],
            "competition_sources": [],
            "kernel_sources": [],
            "model_sources": [],
        },
    )
    _json(
        folder / WHEEL / "dataset-metadata.json",
        {"id": f"{OWNER}/{shelf}", "title": shelf.replace("-", " "), "licenses": [{"name": "MIT"}]},
    )


def _as_attached(run: Path, told: Told, place: Path, notify: Notify) -> None:
    """The run, and its pairs under their own name, as they would lie on Kaggle: neither tells of this machine."""
    copy = place / "pix2pix"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns(".lock", "report.html"))
    root = _pairs(told.given, notify)
    recipe = told.recipe if root is None else {**told.recipe, "data": root.name}
    config = {"system": told.system, "recipe": recipe, "data": told.data, "versions": told.results.versions}
    (copy / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    if root is not None:
        shutil.copytree(root, place / root.name, copy_function=bundle.linked)


def _pairs(recipe: Mapping[str, Any], notify: Notify) -> Path | None:
    """The folder of a run's pairs, if they are files."""
    name = str(recipe.get("data") or recipe.get("dataset"))
    if name == "cityscapes":
        return layouts.find(cityscapes(recipe.get("data_root"), notify)).root
    return None if name in BUILT_IN else layouts.find(Path(name)).root


def _json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def plan(name: str, owner: str | None) -> list[str]:
    """What a push would do."""
    who = owner or "YOU"
    return [
        f"a push would make two private things on kaggle.com with your own key: the data set {who}/{name}-wheel (the "
        f"package) and the notebook {who}/{name}, which then runs there beside {KAGGLE}",
        "make the notebook public there once you have looked at it",
    ]


def push(folder: Path, name: str, owner: str | None, notify: Notify) -> str:
    """Send the wheel as a data set and the notebook as a kernel, with the official client and the user's own key."""
    api, account = _client()
    who = owner or account
    with tempfile.TemporaryDirectory() as private:
        copy = Path(private) / "bundle"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(bundle.MARK))
        for path in (copy / "kernel-metadata.json", copy / WHEEL / "dataset-metadata.json"):
            path.write_text(path.read_text(encoding="utf-8").replace(f"{OWNER}/", f"{who}/"), encoding="utf-8")
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):  # the client speaks of the copy's folder
                _shelve(api, copy / WHEEL, f"{who}/{name}-wheel")
                answer = api.kernels_push(str(copy))
        except (Exception, SystemExit) as error:  # of Kaggle's client, of the network beneath it
            raise ArzhangError(f"kaggle.com: {_first(error)}; the bundle is written") from None
    if problem := getattr(answer, "error", None):
        raise ArzhangError(f"kaggle.com: {problem}; the bundle is written")
    return getattr(answer, "url", None) or f"https://www.kaggle.com/code/{who}/{name}"


def _shelve(api: Any, folder: Path, where: str) -> None:
    """The wheel's data set: a new version where there is one, else a new set; back once the notebook can attach it."""
    slug = where.partition("/")[2]
    known = {str(getattr(one, "ref", one)) for one in api.dataset_list(mine=True, search=slug) or ()}
    if where in known:
        answer = api.dataset_create_version(str(folder), version_notes="a new version", quiet=True)
    else:
        answer = api.dataset_create_new(str(folder), public=False, quiet=True)
    if problem := getattr(answer, "error", None):
        raise ArzhangError(str(problem))
    for _ in range(round(PATIENCE / PAUSE)):
        if str(api.dataset_status(where)).lower() == "ready":
            return
        time.sleep(PAUSE)


def _client() -> tuple[Any, str]:
    """Kaggle's official client with the user's own key, and the account's name."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            from kaggle.api.kaggle_api_extended import KaggleApi
    except ImportError:
        raise UsageError("--push: needs the extra: pip install 'arzhang[kaggle]'") from None
    missing = ArzhangError(
        "no credentials for kaggle.com: set KAGGLE_USERNAME and KAGGLE_KEY, or put kaggle.json into ~/.kaggle; the "
        "bundle is written"
    )
    api = KaggleApi()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            api.authenticate()
        account = api.get_config_value("username")
    except (Exception, SystemExit):  # the client prints its advice and leaves the interpreter
        raise missing from None
    if not account:
        raise missing
    return api, str(account)


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
