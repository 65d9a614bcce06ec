"""The whole assignment, in order: what each part trains and shows, and its share of each budget's time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from arzhang import recipes, sweep
from arzhang.report import page


@dataclass(frozen=True)
class Share:
    """What one budget gives to the β-VAE of problem 3."""

    epochs: int
    seeds: int
    samples: int
    """Importance samples of the likelihood."""


VAE = {
    "quick": Share(epochs=20, seeds=1, samples=128),
    "standard": Share(epochs=50, seeds=3, samples=1_000),
    "paper": Share(epochs=50, seeds=3, samples=5_000),
}


def reproduce(budget: str, out: Path, *, notify: Callable[[str], None] = print) -> Path:
    """Do what is missing in `out` and write its page: killed and started again, it goes on where it was."""
    share = VAE[budget]
    out.mkdir(parents=True, exist_ok=True)
    runs = []
    for seed in range(share.seeds):
        recipe = recipes.VAE(epochs=share.epochs, seed=seed)
        run = sweep.one(recipe, out / f"vae-{budget}-seed{seed}", share.samples, notify)
        runs.append(run.path)
    sections = [section for run in runs for section in page.run_sections(run)]
    return page.write_page(out / "index.html", "Arzhang: the assignment, reproduced", sections)
