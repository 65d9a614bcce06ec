"""What a person sees while the assignment is made: every part, its state, its time, and what is left."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.console import Group
from rich.live import Live
from rich.table import Table

from arzhang.report.assignment import Progress
from arzhang.terminal import console

MARKS = {"missing": "", "running": "…", "done": "done", "failed": "[red]failed[/]", "blocked": "waits"}


class Overview:
    """A table that follows `parts` on a terminal; without one, a line when a part begins and when it ends."""

    def __init__(self, parts: Callable[[], Sequence[Progress]], notify: Callable[[str], None]) -> None:
        self.parts, self.notify = parts, notify
        self.began = time.monotonic()
        self.since: dict[str, float] = {}
        self.wanted: Sequence[str] = ()
        self.hands = 1
        self.last = ""
        self.drawn = console().is_terminal

    def live(self, wanted: Sequence[str], hands: int) -> AbstractContextManager:
        """`wanted`: the parts that are made, so many `hands` at once."""
        self.wanted, self.hands = wanted, hands
        return Live(self, console=console(), refresh_per_second=2) if self.drawn else nullcontext()

    def say(self, line: str, part: str = "") -> None:
        """What a part tells of itself: the last line of it, where there is a terminal."""
        self.last = f"{part}: {line}" if part else line
        if not self.drawn:
            self.notify(f"  {self.last}")

    def begins(self, part: Progress) -> None:
        self.since[part.name], self.last = time.monotonic(), ""
        if not self.drawn:
            self.notify(f"{part.name} ({' '.join(part.ids)}){self._left()}")

    def ended(self, part: Progress) -> None:
        if not self.drawn:
            error = f": {part.error}" if part.error else ""
            self.notify(f"{part.name}: {part.state} after {part.seconds:.0f} s{error}")

    def left(self) -> float | None:
        """Seconds left, from the shares of what is left and what the parts so far took beside theirs."""
        done = [part for part in self.parts() if part.state == "done" and part.seconds]
        if not done:
            return None
        pace = sum(part.seconds for part in done) / sum(part.share for part in done)
        now = time.monotonic()
        begun = {part.name: now - self.since[part.name] for part in self.parts() if part.state == "running"}
        waiting = [
            max(0.0, pace * part.share - begun.get(part.name, 0.0))
            for part in self.parts()
            if part.state in ("missing", "running") and part.name in self.wanted
        ]
        return sum(waiting) / self.hands

    def _left(self) -> str:
        left = self.left()
        return (
            "" if left is None else f", about {left / 60:.0f} min left" if left >= 60 else ", less than a minute left"
        )

    def __rich__(self) -> Group:
        table = Table(box=None, pad_edge=False)
        for head, justify in (
            ("part", "left"),
            ("answers", "left"),
            ("state", "left"),
            ("s", "right"),
            ("share", "right"),
        ):
            table.add_column(head, justify=justify)  # type: ignore[arg-type]
        for part in self.parts():
            running = part.state == "running"
            seconds = part.seconds + (time.monotonic() - self.since[part.name] if running else 0)
            table.add_row(part.name, " ".join(part.ids), MARKS[part.state], f"{seconds:.0f}" if seconds else "",
                          f"{part.share:.0f}", style="bold" if running else None)  # fmt: skip
        spent = time.monotonic() - self.began
        return Group(table, f"{spent / 60:.0f} min so far{self._left()}", self.last[: console().width - 1])
