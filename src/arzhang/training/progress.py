"""What a person sees of a training while it runs: one bar, and nothing without a terminal."""

from collections.abc import Mapping
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from arzhang.terminal import console


class Progress:
    """A bar over all steps, with the epoch, the rate, the last losses read, and the time left."""

    def __init__(self, epochs: int, steps: int, done: int, chief: bool) -> None:
        self.epochs, self.steps = epochs, steps
        self.words: dict[str, str] = {}
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=console(),
            disable=not (chief and console().is_terminal),
            transient=False,
        )
        self.line = self.bar.add_task("epoch", total=steps, completed=done, rate="", losses="")

    def __enter__(self) -> "Progress":
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bar.stop()

    def advance(self, step: int) -> None:
        """Say that `step` steps are done."""
        if not self.bar.disable:
            epoch = min(self.epochs, step * self.epochs // self.steps + 1)
            speed = self.bar.tasks[0].speed
            rate = f"{speed:.1f} steps/s" if speed else ""
            self.bar.update(self.line, completed=step, description=f"epoch {epoch}/{self.epochs}", rate=rate)

    def losses(self, means: Mapping[str, float]) -> None:
        """Show the terms that were just read."""
        for name, value in means.items():
            self.words[name] = f"{name.replace('_', ' ')} {value:.4g}"
        self.bar.update(self.line, losses="  ".join(self.words.values()))

    def validated(self, criterion: str, value: float) -> None:
        """Show the validation value beside them."""
        self.words["validation"] = f"validation {criterion.replace('_', ' ')} {value:.4g}"
        self.bar.update(self.line, losses="  ".join(self.words.values()))
