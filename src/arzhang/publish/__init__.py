"""From a run, or from everything that `arzhang reproduce` left, to what others can read, run and load. (5g)"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from arzhang.errors import UsageError
from arzhang.publish import bundle, huggingface

Notify = Callable[[str], None]
KINDS = ("kaggle", "huggingface", "article", "notebook")


class Publication(NamedTuple):
    """A bundle on the disk, and where it stands for everyone, if it was pushed."""

    folder: Path
    link: str | None
