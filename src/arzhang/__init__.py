"""Arzhang: generative models, measured and explained.

>>> import arzhang
>>> recipe = arzhang.recipes.VAE(beta=4.0, epochs=5)

`arzhang.train(recipe)` trains it in a run directory; `arzhang.load(run)` gives the model back.
Nothing heavy is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arzhang import recipes as recipes
    from arzhang.assembly import load as load
    from arzhang.assembly import resume as resume
    from arzhang.assembly import train as train
    from arzhang.evaluation import evaluate as evaluate

    __version__: str

_HOME = {"train": "assembly", "resume": "assembly", "load": "assembly", "evaluate": "evaluation"}
_ROOMS = ("data", "divergences", "gradients", "networks", "recipes", "tasks")
__all__ = ["divergences", "evaluate", "gradients", "load", "networks", "recipes", "resume", "train"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"arzhang.{_HOME[name]}"), name)
    if name in _ROOMS:
        return import_module(f"arzhang.{name}")
    if name == "__version__":
        from importlib.metadata import version  # takes longer than all the rest here

        return version("arzhang")
    raise AttributeError(f"module 'arzhang' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_ROOMS, "__version__"})
