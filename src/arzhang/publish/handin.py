"""The whole assignment as an executed notebook, to hand in or to teach from.

Under each id stand what is asked, the derivation, the package's own source, the results and what they say.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arzhang.errors import UsageError
from arzhang.publish import bundle, notebook, wheel
from arzhang.publish.document import SOURCE
from arzhang.report.prose import IDS, written

Notify = Callable[[str], None]
NOTEBOOK = "assignment.ipynb"
RECORD = "reproduce.json"
SHOWN: dict[str, tuple[str, ...]] = {
    "1a": ("gradients.estimators Pathwise",),
    "1b": ("gradients.estimators ScoreFunction",),
    "1c": ("gradients.estimators MeasureValued",),
    "1d": ("gradients.expectation expectation per_sample_gradients",),
    "2a": ("divergences log_overlap _log_overlap overlaps cauchy_schwarz",),
    "2b": ("networks.vae MixturePrior",),
    "3a": ("networks.vae Encoder Decoder",),
    "3b": ("networks.vae reparameterise VAE",),
    "3d": ("tasks.vae Likelihood gaussian_kl", "tasks.vae VAETask"),
    "3f": ("metrics.frechet distance",),
    "3h": ("metrics.kernel kid", "metrics.neighbours prdc"),
    "4a": ("networks.gan Generator Discriminator", "tasks.gan GANTask"),
    "4c": ("networks.resnet ResNetGenerator", "tasks.cyclegan CycleGANTask"),
    "5a": ("data.pairs Pairs",),
    "5b": ("networks.pix2pix DownSample UpSample", "networks.pix2pix Generator", "networks.pix2pix Discriminator"),
    "5c": ("tasks.adversarial AdversarialLoss", "tasks.pix2pix Pix2PixTask"),
    "5d": ("training.loop Loop",),
}
"""The classes, losses and the loop that answer an id: module and names, a cell each."""
PROBLEMS = {
    "1": "Stochastic gradient estimation",
    "2": "A different divergence",
    "3": "β-VAE on Fashion-MNIST",
    "4": "pix2pix, the theory",
    "5": "pix2pix, the implementation",
}


def compose(budget: str) -> Any:
    """The notebook before it is run. It makes what is missing itself, so it also runs where nothing is."""
    texts = {id: written(id) for id in IDS}
    return notebook.composed(
        "assignment.py.j2", texts=texts, shown=SHOWN, problems=PROBLEMS, budget=budget, source=SOURCE
    )


def write(home: Path, folder: Path, name: str | None, notify: Notify) -> None:
    """Fill the bundle: the notebook, executed beside the results of `arzhang reproduce` in `home`, and the wheel.

    Raises UsageError where `home` holds no results or the extra 'publish' is missing, ArzhangError where a cell fails.
    """
    budgets = [path.parent for path in home.glob(f"*/{RECORD}")] if home.is_dir() else []
    if not budgets:
        raise UsageError(f"{home}: holds no results of `arzhang reproduce`")
    latest = max(budgets, key=lambda path: (path / RECORD).stat().st_mtime)
    book = compose(latest.name)
    notify("executing the notebook of the assignment")
    with tempfile.TemporaryDirectory() as private:  # what its cells write stays there
        place = Path(private)
        shutil.copytree(latest, place / "reproduce" / latest.name, copy_function=bundle.linked)
        notebook.execute(book, place)
    notebook.write(book, folder / NOTEBOOK)
    wheel.pack(folder)


def plan(name: str | None, owner: str | None) -> list[str]:
    """What is left to the author."""
    return [f"fill in the declaration at the end of {NOTEBOOK}; on Kaggle or Colab, upload the wheel with it"]
