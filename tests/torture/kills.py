"""Verbs that are cut off: by signals, by the power, by disks that are full, vanish or may not be written to.

After each, the verb started again must come to the very results of one that nothing has disturbed, or stop with one
clear line; and no file that has its name may be half-written.
"""

import contextlib
import errno
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from torture.disk import CUT, Full, Power
from torture.forks import Child, Ended, nobody, verb
from torture.verbs import VERBS, Verb, half_written

TRIES = 3
"""Times that a verb is started again: what a kill left must not take more than one."""
MANY = 1 << 40


class Tally(NamedTuple):
    """How often something was done to a verb, how often it struck, and every failure with what repeats it."""

    done: int
    struck: int
    failures: list[str]


class Torture:
    """One verb, tortured in places of its own under `at`; its undisturbed results are found once."""

    def __init__(self, verb: Verb, world: Path, at: Path, seed: int) -> None:
        self.verb, self.world, self.at, self.seed = verb, world, at, seed
        self.n = 0
        with self.place() as place:
            ended = verb.start(place).ended()
            assert ended.code == 0, ended.said
            self.seconds, self.wanted = ended.seconds, verb.result(place)

    @contextlib.contextmanager
    def place(self) -> Iterator[Path]:
        self.n += 1
        path = self.verb.place(self.world, self.at / f"{self.verb.name}-{self.n}")
        yield path
        shutil.rmtree(path, ignore_errors=True)

    def wrong(self, place: Path, ended: Ended) -> str | None:
        """What is wrong after a disturbance: at once, and when the verb was started again."""
        if bad := half_written(place):
            return f"half-written: {'; '.join(bad)}"
        if not ended.clear and ended.code != CUT:
            return f"ended with {ended.code}: {_last(ended.said)}"
        for _ in range(TRIES):
            again = self.verb.start(place, again=True).ended()
            if again.code == 0:
                break
            if not again.clear:
                return f"started again, ended with {again.code}: {_last(again.said)}"
        else:
            return f"would not go on: {_last(again.said)}"
        if bad := half_written(place):
            return f"half-written after going on: {'; '.join(bad)}"
        found = self.verb.result(place)
        unlike = sorted(name for name in found.keys() | self.wanted.keys() if found.get(name) != self.wanted.get(name))
        # A checkpoint that a signal asked for is one of the two last too: which others are left hangs on when it came.
        others = _steps(found) ^ _steps(self.wanted) - {max(_steps(self.wanted), default="")}
        unlike = [name for name in unlike if not _steps([name]) & others]
        return f"other results: {', '.join(unlike[:5])}" if unlike else None

    def killed(self, signum: int, times: int) -> Tally:
        """Struck by a signal at instants that are spread over its whole course."""
        luck, struck, failures = Random(f"{self.seed} {self.verb.name} {signum}"), 0, []
        for i in range(times):
            after = luck.uniform(0, self.seconds)
            with self.place() as place:
                ended = self.verb.start(place).strike(after, signum)
                struck += ended.code != 0
                if wrong := self.wrong(place, ended):
                    failures.append(f"{self.verb.name}, {signal.Signals(signum).name} {i} after {after:.3f} s: {wrong}")
        return Tally(times, struck, failures)

    def cut_off(self, times: int) -> Tally:
        """The power goes at some call that writes; what was not flushed is lost."""
        with self.place() as place:
            calls = self._counted(lambda: Power(place, None, 0), place)
        luck, struck, failures = Random(f"{self.seed} {self.verb.name} power"), 0, []
        for i in range(times):
            k, seed = luck.randint(1, calls), luck.randrange(1 << 30)
            with self.place() as place:
                left = place.parent / f"{place.name}-left"
                before = lambda: Power(place, k, seed, left).install()  # noqa: E731, B023
                ended = self.verb.start(place, before).ended()
                if ended.code == CUT:
                    struck += 1
                    promised = Path(f"{left}.promised")
                    told, here = int(promised.read_text()), place.parent / f"{place.name}-was"
                    promised.unlink()
                    place.rename(here)
                    left.rename(place)
                    for name in self.verb.given:  # links are no files of a disk that loses its files
                        if (here / name).is_symlink():
                            shutil.rmtree(place / name, ignore_errors=True)
                            (place / name).unlink(missing_ok=True)
                            (here / name).rename(place / name)
                    shutil.rmtree(here)
                    wrong = _forgotten(place, told) or self.wrong(place, ended)
                else:
                    wrong = self.wrong(place, ended)
                if wrong:
                    failures.append(f"{self.verb.name}, power cut {i} at call {k} of {calls}, seed {seed}: {wrong}")
        return Tally(times, struck, failures)

    def filled(self, calls: int, error: int = errno.ENOSPC, stays: bool = True) -> Tally:
        """The disk is full (or fails otherwise) from each writing call on in turn, or from so many of them on."""
        with self.place() as place:
            count = self._counted(lambda: Full(place, None), place)
        luck = Random(f"{self.seed} {self.verb.name} {error} {stays}")
        at = sorted(luck.sample(range(1, count + 1), min(calls, count)))
        struck, failures = 0, []
        for k in at:
            with self.place() as place:
                ended = self.verb.start(place, lambda: Full(place, k, error, stays).install()).ended()  # noqa: B023
                struck += ended.code != 0
                if wrong := self.wrong(place, ended):
                    name = errno.errorcode[error]
                    failures.append(
                        f"{self.verb.name}, {name} {'from' if stays else 'at'} call {k} of {count}: {wrong}"
                    )
        return Tally(len(at), struck, failures)

    def _counted(self, disk: Callable[[], Full | Power], place: Path) -> int:
        """Writing calls of an undisturbed verb."""

        def before() -> None:
            counting = disk()
            counting.install()
            written = place.parent / f"{place.name}.count"
            leave = os._exit

            def told(code: int) -> None:
                with counting._open(written, "w") as file:
                    file.write(str(counting.count))
                leave(code)

            os._exit = told  # type: ignore[assignment]

        ended = self.verb.start(place, before).ended()
        assert ended.code == 0, ended.said
        count = place.parent / f"{place.name}.count"
        found = int(count.read_text())
        count.unlink()
        return found


def _steps(names: Iterable[str]) -> set[str]:
    """The checkpoints that files belong to."""
    return {Path(name).parts[2] for name in names if name.startswith("run/checkpoints/")}


def _last(said: str) -> str:
    return " / ".join(said.strip().splitlines()[-3:])[-600:]


def _forgotten(place: Path, promised: int) -> str | None:
    """A checkpoint that was made durable before the power went, and is not there."""
    steps = [int(path.name[5:]) for path in place.rglob("checkpoints/step_*")]
    return (
        f"step {promised} was saved, {steps} are left" if promised >= 0 and max(steps, default=-1) < promised else None
    )


# ------------------------------------------------------------------------------------------------- disks and rivals


def small_disks(world: Path, at: Path, seed: int, times: int) -> Tally:
    """A real file system, of memory, that has no more room at some point of a training or of the making of a cache."""
    luck, struck, failures, done = Random(f"{seed} small"), 0, [], 0
    mount = at / "small"
    for name in ("train", "cache", "zip", "streets"):
        one = (VERBS | OTHERS)[name]
        for i in range(times):
            mount.mkdir(exist_ok=True)
            kilobytes = luck.choice((4, 16, 64, 128, 200, 256, 400))
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", mount], check=True)
            try:
                place = one.place(world, mount / "place")
                used = sum(path.stat().st_blocks for path in mount.rglob("*") if path.is_file()) // 2 + 8
                subprocess.run(["mount", "-o", f"remount,size={used + kilobytes}k", mount], check=True)
                ended = one.start(place, said=at).ended()
                done, struck = done + 1, struck + (ended.code != 0)
                wrong = None
                if bad := half_written(place):
                    wrong = f"half-written: {'; '.join(bad)}"
                elif not ended.clear or ended.code < 0:
                    wrong = f"ended with {ended.code}: {_last(ended.said)}"
                else:
                    subprocess.run(["mount", "-o", "remount,size=64m", mount], check=True)
                    again = one.start(place, again=True).ended()
                    if again.code:
                        wrong = f"would not go on: {_last(again.said)}"
                if wrong:
                    failures.append(f"{name}, {kilobytes} KiB left, {i}: {wrong}")
            finally:
                subprocess.run(["umount", mount], check=True)
    return Tally(done, struck, failures)


OTHERS = {
    "streets": Verb(
        "streets",
        ["data", "show", "streets", "--pairs", "yes", "--size", 32, "--out", "sheet.png"],
        lambda place: OTHERS["streets"].begin,
        given=(),
        results=("sheet.png",),
    )
}


def forbidden(world: Path, at: Path) -> Tally:
    """Folders that may not be written to, and folders that vanish."""
    failures, done = [], 0
    cases: list[tuple[str, Verb, Callable[[Path], object]]] = []
    for name in ("train", "evaluate", "cache", "zip", "publish", "report"):
        cases.append((f"{name} in a read-only folder", VERBS[name], lambda place: _all(place, 0o555)))
        cases.append((f"{name} of what may not be read", VERBS[name], _closed))
    for what, one, spoil in cases:
        place = one.place(world, at / f"forbidden-{done}")
        _all(place, 0o777)
        at.chmod(0o777)
        for parent in at.parents:
            if parent.stat().st_uid == os.getuid() and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        spoil(place)
        log = at / f"said-{done}"
        log.mkdir()
        log.chmod(0o777)

        def work(one: Verb = one, place: Path = place) -> int:
            with nobody():
                os.chdir(place)
                os.environ["HOME"] = str(place)
                return verb(one.begin)()

        ended = Child(work, log).ended()
        done += 1
        _all(place, 0o777)
        if not ended.clear or (bad := half_written(place)):
            failures.append(f"{what}: ended with {ended.code}: {_last(ended.said)}{bad if ended.clear else ''}")
        shutil.rmtree(place)
    for name, gone in (("train", "run"), ("train", "run/checkpoints"), ("evaluate", "run"), ("cache", "cache")):
        for share in (0.1, 0.3, 0.5, 0.7, 0.9):
            one = VERBS[name]
            place = one.place(world, at / f"vanishing-{done}")
            child, began = one.start(place), time.monotonic()
            while time.monotonic() < began + 2 * share and not (place / gone).exists():
                time.sleep(0.005)
            time.sleep(share / 2)
            shutil.rmtree(place / gone, ignore_errors=True)
            ended = child.ended()
            done += 1
            if not ended.clear:
                failures.append(f"{name}, {gone} vanished: ended with {ended.code}: {_last(ended.said)}")
            shutil.rmtree(place)
    return Tally(done, done, failures)


def _closed(place: Path) -> None:
    _all(place, 0o000)
    place.chmod(0o555)


def _all(place: Path, mode: int) -> None:
    for path in [*place.rglob("*"), place] if mode & 0o100 else [place, *list(place.rglob("*"))][::-1]:
        if not path.is_symlink():
            path.chmod(mode)


def rivals(world: Path, at: Path, seed: int, times: int) -> Tally:
    """Two processes that want the same run, the same cache, the same bundle at once."""
    luck, failures, done = Random(f"{seed} rivals"), [], 0
    for name in ("train", "evaluate", "cache", "zip", "publish", "report"):
        torture = Torture(VERBS[name], world, at, seed)
        for _ in range(times):
            with torture.place() as place:
                first = torture.verb.start(place)
                time.sleep(luck.choice((0, 0, luck.uniform(0, torture.seconds))))
                second = torture.verb.start(place)
                both = [second.ended(), first.ended()]
                done += 1
                wrong = [f"ended with {one.code}: {_last(one.said)}" for one in both if not one.clear]
                if all(one.code for one in both):
                    wrong.append(f"neither came through: {' and '.join(_last(one.said) for one in both)}")
                if wrong or (wrong := [one for one in [torture.wrong(place, both[1])] if one]):
                    failures.append(f"{name}, two at once: {'; '.join(wrong)}")
    return Tally(done, done, failures)


def starved(world: Path, at: Path, seed: int, times: int) -> Tally:
    """Memory that runs out at some point, while a cache is built and while a network is trained."""
    luck, struck, failures, done = Random(f"{seed} memory"), 0, [], 0
    for name in ("cache", "zip", "train"):
        torture = Torture(VERBS[name], world, at, seed)
        for i in range(times):
            megabytes = luck.choice((0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 96))

            def little(megabytes: int = megabytes) -> None:
                held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (held + (megabytes << 20), resource.RLIM_INFINITY))

            with torture.place() as place:
                ended = torture.verb.start(place, little).ended()
                done, struck = done + 1, struck + (ended.code != 0)
                if wrong := torture.wrong(place, ended):
                    failures.append(f"{name}, {megabytes} MiB left, {i}: {wrong}")
    return Tally(done, struck, failures)
