"""What is tortured: verbs on small data, how each is gone on with, and what it must come to."""

import dataclasses
import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from command import folder_of_images
from PIL import Image

from torture.disk import tree
from torture.forks import Child, verb

Words = Sequence[object]
TRAINING = ["--batch-size", 8, "--epochs", 3, "--latent-dim", 3, "--log-every", 2, "--seed", 3, "--ema", 0.9,
            "--accelerator", "cpu"]  # fmt: skip
SECONDS = re.compile(r'"seconds": [\d.e+-]+')


@dataclass(frozen=True)
class Verb:
    """A verb, begun in a place of its own as `begin`, and gone on with as what `go_on` says of that place."""

    name: str
    begin: Words
    go_on: Callable[[Path], Words]
    given: tuple[str, ...] = ("images",)
    """What of the world lies in its place before it begins."""
    results: tuple[str, ...] = ("run",)
    """Where its results lie: they must be those of a verb that nothing has disturbed."""
    before: Callable[[], object] | None = None

    def place(self, world: Path, path: Path) -> Path:
        """A folder with what is given to it."""
        path.mkdir()
        for name in self.given:
            source = world / name
            if name.startswith("images"):
                (path / name).symlink_to(source.resolve())
            elif source.is_dir():
                shutil.copytree(source, path / name)
            else:
                shutil.copy2(source, path / name)
        (path / "cache").mkdir(exist_ok=True)
        return path

    def start(
        self,
        place: Path,
        before: Callable[[], object] | None = None,
        again: bool = False,
        said: Path | None = None,
    ) -> Child:
        words = self.go_on(place) if again else self.begin

        def prepare() -> None:
            if self.before is not None:
                self.before()
            if before is not None:
                before()

        return Child(verb(words, prepare), place, said)

    def result(self, place: Path) -> dict[str, str]:
        """Name → hash of every file that it leaves, but for clocks."""
        found: dict[str, str] = {}
        for top in self.results:
            for path in tree(place / top):
                content = path.read_bytes()
                if path.suffix in (".json", ".jsonl"):
                    content = SECONDS.sub("", content.decode()).encode()
                if path.name == "manifest.json":  # names its neighbours' hashes, the clock's file among them
                    hashes = json.loads(content)["sha256"]
                    content = json.dumps({name: hashes[name] for name in hashes if name != "state.json"}).encode()
                if path.suffix not in (".html", ".svg", ".lock") and path.name not in ("state.json", "reproduce.json"):
                    digest = hashlib.sha256(content).hexdigest()[:16]
                    # What a zip unpacks to has its own times, and so a key of its own in the cache.
                    name = re.sub(r"[0-9a-f]{32}", f"KEY {digest}", str(path.relative_to(place)))
                    found[name] = digest
        return found


def half_written(place: Path) -> list[str]:
    """Files under a place that do not parse, each with why; a log's last line may be cut, for it is passed over."""
    import torch
    from safetensors.torch import load_file

    bad = []
    for path in tree(place):
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".jsonl":
                for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
                    json.loads(line)
            elif path.suffix == ".safetensors":
                assert all(isinstance(one, torch.Tensor) for one in load_file(path).values())
            elif path.suffix == ".yaml":
                assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)
            elif path.suffix in (".png", ".jpg"):
                with Image.open(path) as image:
                    image.load()
            elif path.suffix == ".html":
                assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
            elif path.suffix == ".whl":
                with zipfile.ZipFile(path) as archive:
                    assert archive.testzip() is None
        except Exception as error:
            bad.append(f"{path.relative_to(place)}: {type(error).__name__} {error}")
    bad += [
        f"{path.relative_to(place)}: no manifest"
        for path in place.glob("*/checkpoints/step_*")
        if not (path / "manifest.json").exists()
    ]
    return bad


def _train(place: Path) -> Words:
    run = place / "run"
    return ["resume", "run"] if (run / "config.yaml").exists() else VERBS["train"].begin


def _same(*words: object) -> Callable[[Path], Words]:
    return lambda place: words


def _tiny() -> None:
    """The assignment on few images, in place of the quick budget."""
    from studies import few

    from arzhang import reproduce
    from arzhang.data import images
    from arzhang.report import figures
    from arzhang.reproduce.budgets import BUDGETS
    from arzhang.studies.options import DivergenceStudy, GradientStudy
    from arzhang.wording import LANGUAGES

    images.load = few.load
    reproduce.at_once = lambda: 1
    figures.LANGUAGES = {"en": LANGUAGES["en"]}
    BUDGETS["quick"] = dataclasses.replace(
        BUDGETS["quick"],
        gradients=GradientStudy(samples=1_000, mu="-1:1:3", f=("square",), n=(1, 10)),
        divergences=DivergenceStudy(pairs=50, mixture_pairs=10),
        classifier_epochs=1,
        gan_epochs=1,
        gan_width=4,
        samples=2,
    )


REPRODUCE = ("reproduce", "--only", "4a", "--language", "en", "--out", "out")
VERBS = {
    one.name: one
    for one in (
        Verb("train", ["train", "vae", "--data", "images", *TRAINING, "--out", "run"], _train),
        Verb(
            "evaluate",
            ["evaluate", "run", "--samples", 2],
            _same("evaluate", "run", "--samples", 2),
            given=("images", "run"),
        ),
        Verb(
            "cache",
            ["data", "show", "images", "--pairs", "no", "--size", 8, "--out", "sheet.png"],
            _same("data", "show", "images", "--pairs", "no", "--size", 8, "--out", "sheet.png"),
            results=("cache", "sheet.png"),
        ),
        Verb(
            "zip",
            ["data", "show", "pairs.zip", "--size", 16, "--out", "sheet.png"],
            _same("data", "show", "pairs.zip", "--size", 16, "--out", "sheet.png"),
            given=("pairs.zip",),
            results=("cache", "sheet.png"),
        ),
        Verb("reproduce", REPRODUCE, _same(*REPRODUCE), given=(), results=("out",), before=_tiny),
        Verb(
            "publish",
            ["publish", "evaluated", "--to", "huggingface", "--name", "model", "--out", "bundle"],
            _same("publish", "evaluated", "--to", "huggingface", "--name", "model", "--out", "bundle"),
            given=("images", "evaluated"),
            results=("bundle",),
        ),
        Verb("report", ["report", "evaluated"], _same("report", "evaluated"), given=("images", "evaluated"),
             results=("evaluated",)),
    )
}  # fmt: skip


def world(path: Path) -> Path:
    """Images, a zip of pairs, a run that was trained, and one that was evaluated too."""
    path.mkdir(parents=True, exist_ok=True)
    folder_of_images(path / "images", 60, size=12)
    rng = np.random.default_rng(1)
    with zipfile.ZipFile(path / "pairs.zip", "w") as file:
        for i in range(12):
            Image.fromarray(rng.integers(0, 255, (16, 32, 3), dtype=np.uint8)).save(path / "one.png")
            file.write(path / "one.png", f"train/{i}.png")
    for words in (VERBS["train"].begin, VERBS["evaluate"].begin):
        ended = Child(verb(words), path).ended()
        if ended.code:
            raise SystemExit(f"torture: the world could not be made: {ended.said}")
        name = "run" if words[0] == "train" else "evaluated"
        if name == "evaluated":
            shutil.copytree(path / "run", path / name)
            shutil.rmtree(path / "run")
            shutil.copytree(path / "plain", path / "run")
        else:
            shutil.copytree(path / "run", path / "plain")
    return path
