"""What is drawn on the terminal while something runs: one console for all bars, so that those within others fit in."""

from functools import cache

from rich.console import Console


@cache
def console() -> Console:
    """Standard error; nothing is drawn where it is no terminal."""
    return Console(stderr=True)
