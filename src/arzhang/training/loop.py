"""Time: one loop for every task. It owns the order of steps, the machinery of an update, logs, checkpoints, signals.

Every step is a function of (seed, step): the order of the images, the noise and the random state are derived, not
saved, so that resuming is running the same code from a later step. The device is read once every `log_every` steps.
"""

import contextlib
import copy
import io
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.utils import make_grid, save_image

from arzhang import memory
from arzhang.contracts import LUCK, Batch, Examples, Remembering, Scalars, Task
from arzhang.devices import Fabric
from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_atomically
from arzhang.health import findings
from arzhang.randomness import generator, permutation, reseed
from arzhang.recipes import Training
from arzhang.training import checkpoint as checkpoints
from arzhang.training import run as runs
from arzhang.training import thinning
from arzhang.training.averaging import SETTLING, settle
from arzhang.training.progress import Progress
from arzhang.training.run import Run
from arzhang.wording import told

BLOCK, BLOCK_VALUES = 500, 1 << 22
"""Images measured at once, fewer where they are large. Their noise is keyed by the block, so that it is a function of
(seed, image index)."""
OBSERVED = 256
"""Images whose dearer terms are measured at previews."""
SAVE_SECONDS = 600
"""Within an epoch longer than this, a checkpoint is written so often."""
PREVIEWS = 32
"""Of the pictures in samples/ the last so many are kept, and of older ones ever fewer."""
JUDGED_EACH = 50
"""Epochs at whose ends the log is looked through for what is wrong; later, once for each such part of the course."""


class Interrupted(ArzhangError):
    """A signal arrived; the state is saved."""

    def __init__(self, run: Path, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}; the state is saved: `arzhang resume {run}`")
        self.exit_code = 128 + signum


class _Turns(nn.Module):
    """All turns of a task as one module, so that Fabric can wrap it for precision and for gradients over ranks.

    Batch and scalars pass beside the call: Fabric would search every value in them, at each step, for work to do.
    """

    def __init__(self, task: Task, compiled: bool) -> None:
        super().__init__()
        self.networks = task.networks
        self.losses = [torch.compile(turn.loss) if compiled else turn.loss for turn in task.turns]
        self.batch: Any = None  # of this step
        self.shared: dict[str, Any] = {}
        self.scalars: Scalars = {}

    def forward(self, turn: int) -> Tensor:
        loss, self.scalars = self.losses[turn](self.batch, self.shared)
        return loss


class Loop:
    """Trains a task on `train`, validates on `validation`, in a run directory; `fit` begins or goes on.

    `judge` measures the task at previews by what no single image tells, such as a distance between distributions.
    """

    def __init__(
        self,
        task: Task,
        recipe: Training,
        train: Examples,
        validation: Examples,
        run: Run,
        fabric: Fabric,
        notify: Callable[[str], None],
        judge: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        require_possible(recipe, len(train))
        self.task, self.recipe, self.run, self.fabric, self.notify = task, recipe, run, fabric, notify
        self.train, self.validation, self.judge = train, validation, judge
        self.steps_an_epoch = len(train) // recipe.batch_size
        self.last_step = recipe.epochs * self.steps_an_epoch
        share = recipe.batch_size // fabric.world_size
        self.rows = slice(share * fabric.global_rank, share * (fabric.global_rank + 1))
        self.turns = _Turns(task, recipe.compile)
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(self.turns)
        self.module = fabric.setup_module(self.turns)  # from here on weights are of the precision's type
        self.averaged = (
            AveragedModel(task.networks, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema)) if recipe.ema else None
        )
        self.optimizers = [cast(Optimizer, fabric.setup_optimizers(turn.optimizer)) for turn in task.turns]
        self.board = _summary_writer()(str(run.path)) if recipe.tensorboard and self._chief() else None
        self.step, self.seconds_before = 0, 0.0
        self.order: tuple[int, Tensor] | None = None
        """An epoch, and the order of its images."""
        self.settled = -1
        """The step whose averaged weights have measured themselves."""
        self.names: list[list[str]] = [[] for _ in task.turns]
        self.terms: list[Tensor] = []
        """Of this step's turns so far."""
        self.window: list[Tensor] = []
        self.warned: set[str] = set()
        self.leaks: set[str] = set()
        """Turns that left a gradient with weights which they do not update, where the next turn finds it."""

    # ------------------------------------------------------------------------------------------------ the course

    def fit(self) -> None:
        """Train from the last sound checkpoint, or from the start, to the last epoch."""
        self.restore()
        with underway(self.fabric.device) as arrived, contextlib.closing(self.course(arrived)) as course:
            for _ in course:
                self._update(self.batch(self.step))

    def course(self, arrived: Sequence[int], shown: bool = True) -> Generator[None, None, None]:
        """All that a training does besides its updates: whoever goes through it makes one at each stop. Raises
        Interrupted, the state saved, soon after a signal has `arrived`."""
        with Progress(self.recipe.epochs, self.last_step, self.step, shown and self._chief()) as self.progress:
            self.began = self.saved = time.monotonic()
            while self.step < self.last_step:
                yield from self._epoch(self.step // self.steps_an_epoch, arrived)
                if self._agreed(bool(arrived)):
                    raise Interrupted(self.run.path, arrived[0] if arrived else signal.SIGTERM)

    def _epoch(self, epoch: int, arrived: Sequence[int]) -> Generator[None, None, None]:
        self.task.networks.train()
        for position in range(self.step - epoch * self.steps_an_epoch, self.steps_an_epoch):
            yield
            self.step += 1
            if position == 0:
                self._watch(epoch + 1, self.turns.batch)
            self.progress.advance(self.step)
            pause = self.step % self.recipe.log_every == 0
            if pause:
                self._log(epoch)
            # Ranks ask one another only where they read the device anyway; an epoch's end saves by itself.
            if position + 1 < self.steps_an_epoch and (pause or self.fabric.world_size == 1):
                if self._agreed(bool(arrived)):
                    self._save(epoch)
                    raise Interrupted(self.run.path, arrived[0] if arrived else signal.SIGTERM)
                if self._agreed(time.monotonic() - self.saved > SAVE_SECONDS):
                    self._save(epoch)
        self._log(epoch)
        self._finish_epoch(epoch + 1)

    def _agreed(self, mine: bool) -> bool:
        """Whether any rank says so."""
        if self.fabric.world_size == 1:
            return mine
        flag = torch.tensor(float(mine), device=self.fabric.device)
        return bool(_over_ranks(self.fabric, flag, "sum") > 0)

    def batch(self, step: int) -> Batch:
        """What a step learns from; whatever it draws itself is seeded anew."""
        size, seed = self.recipe.batch_size, self.recipe.seed
        epoch, position = divmod(step, self.steps_an_epoch)
        if self.order is None or self.order[0] != epoch:
            self.order = epoch, permutation(len(self.train), seed, epoch)
        indices = self.order[1][position * size : (position + 1) * size][self.rows]
        noise = self.task.noise(size, generator(seed, "noise", step, device=self.fabric.device))[self.rows]
        reseed(seed, "step", step, self.fabric.global_rank, device=self.fabric.device)
        when = epoch + position / self.steps_an_epoch
        luck = None
        if self.train.augmented:
            luck = torch.rand(size, LUCK, generator=generator(seed, "luck", step))[self.rows]
        return batch_of(self.train, indices, noise, when, luck)

    def _update(self, batch: Batch) -> None:
        self.turns.batch = batch
        with self.fabric.autocast():
            self.turns.shared = self.task.prepare(batch)
        for i, turn in enumerate(self.task.turns):
            with only(turn.modules, self.task.networks) if len(self.optimizers) > 1 else contextlib.nullcontext():
                self.fabric.backward(self.module(i))
                self.move(i)

    def move(self, turn: int) -> None:
        """Change the weights of a turn by their gradients, and keep its terms for the log."""
        optimizer, factor = self.optimizers[turn], self._schedule()
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
        if self.recipe.clip is not None:
            self.fabric.clip_gradients(self.module, optimizer, max_norm=self.recipe.clip, error_if_nonfinite=False)
        optimizer.step()
        optimizer.zero_grad()
        if any(parameter.grad is not None for parameter in self.task.networks.parameters()):
            self.leaks.add(self.task.turns[turn].name)
        self.names[turn] = list(self.turns.scalars)
        self.terms += [scalar.detach() for scalar in self.turns.scalars.values()]
        if turn + 1 == len(self.optimizers):
            self.window.append(torch.stack(self.terms))
            self.terms.clear()
            if self.averaged is not None:
                self.averaged.update_parameters(self.task.networks)

    def _schedule(self) -> float:
        done = self.step / self.last_step
        if self.recipe.schedule == "cosine":
            return (1 + math.cos(math.pi * done)) / 2
        return min(1.0, 2 * (1 - done)) if self.recipe.schedule == "linear" else 1.0

    def _finish_epoch(self, epoch: int) -> None:
        self._require_finite()
        terms: dict[str, float] = {}
        if len(self.validation):
            with self._evaluated():
                terms = measure(self.task, self.validation, self.fabric, self.recipe.seed)
                if (epoch % self.recipe.preview_every == 0 or epoch == self.recipe.epochs) and self._chief():
                    self._preview(epoch)
                    terms |= self.judge() if self.judge is not None else {}
            if self.task.criterion in terms:
                self.progress.validated(self.task.criterion, terms[self.task.criterion])
        self._write({"step": self.step, "epoch": epoch, "split": "validation", **terms})
        self._save(epoch, terms.get(self.task.criterion))
        if self._chief():
            if epoch % max(1, epoch // JUDGED_EACH) == 0 or epoch == self.recipe.epochs:
                self._warn()
            self._thin(since=self.step - self.steps_an_epoch)

    def _thin(self, since: int = -1) -> None:
        """Thin the log, once in a while: at the first end of an epoch after steps that do not depend on interruptions,
        and as seen from there."""
        spacing = min(self.recipe.log_every, self.steps_an_epoch)
        period = spacing * max(1, runs.RECENT // 4)
        now = self.step // period * period
        if now > since and now > runs.RECENT * spacing:
            found = checkpoints.available(self.run.path / "checkpoints")
            self.run.thin(now, spacing, {checkpoints.best(found).step} if found else ())

    def _warn(self) -> None:
        """Say what looks wrong in the log, each thing once."""
        for finding in findings(self.run.metrics(), self.run.config):
            if finding["id"] not in self.warned:
                self.warned.add(finding["id"])
                self.notify(told(finding["id"], finding["values"]))

    # ------------------------------------------------------------------------------------------------ logs

    def _chief(self) -> bool:
        return self.fabric.is_global_zero

    def _log(self, epoch: int) -> None:
        """Read the device: the mean of every logged term since the last reading, over all ranks."""
        if not self.window:
            return
        rows = self._read_window()
        self.window.clear()
        means = dict(zip((name for names in self.names for name in names), rows.mean(0).tolist(), strict=True))
        self.progress.losses(means)
        rate = self.optimizers[0].param_groups[0]["lr"]
        self._write({"step": self.step, "epoch": epoch + 1, "split": "train", **means, "lr": rate})

    def _watch(self, epoch: int, batch: Batch) -> None:
        """Log what no term tells and `health` judges by: between what values images lie, which turns leak."""
        sides = [side for side in (batch.images, batch.inputs) if side is not None and side.numel()]
        low, high = (torch.stack(ends) for ends in zip(*(side.aminmax() for side in sides), strict=True))
        lowest, highest = float(low.min()), float(high.max())
        seen = {"lowest": lowest, "highest": highest, "leaks": sorted(self.leaks)}
        self._write({"step": self.step, "epoch": epoch, "split": "watch", **seen})

    def _write(self, entry: dict[str, Any]) -> None:
        if self._chief():
            self.run.log({**entry, "seconds": round(self._seconds(), 3)})
            for name, value in entry.items():
                if self.board is not None and isinstance(value, float):
                    self.board.add_scalar(f"{entry['split']}/{name}", value, entry["step"])

    def _seconds(self) -> float:
        """Training time of this run, earlier sittings included."""
        return self.seconds_before + time.monotonic() - self.began

    def _read_window(self) -> Float[Tensor, "steps terms"]:
        rows = torch.stack(self.window)
        if self.fabric.world_size > 1:
            rows = _over_ranks(self.fabric, rows, "mean")
        rows = rows.cpu().double()
        if not (finite := rows.isfinite().all(1)).all():
            step = self.step - len(rows) + int((~finite).nonzero()[0])
            self._diverged(f"the loss of step {step + 1:,} is {_first_bad(rows)}")
        return rows

    def _require_finite(self) -> None:
        tensors = [*self.task.networks.parameters(), *self.task.networks.buffers()]
        if not torch.stack([t.isfinite().all() for t in tensors if t.is_floating_point()]).all():
            self._diverged(f"weights are no longer finite at step {self.step:,}")

    def _diverged(self, what: str) -> None:
        self._write({"step": self.step, "epoch": self.step // self.steps_an_epoch + 1, "split": "diverged"})
        found = checkpoints.available(self.run.path / "checkpoints")
        kept = f"the last good state is step {found[-1].step:,}" if found else "nothing had been saved yet"
        advice = "a smaller --lr or --clip 1 usually helps"
        raise ArzhangError(f"{self.run.path}: {what}; {kept}; {advice}")

    def _preview(self, epoch: int) -> None:
        count = min(self.task.previewed, len(self.validation))
        indices = torch.arange(count, device=self.fabric.device)
        noise = self.task.noise(count, generator(self.recipe.seed, "preview", device=self.fabric.device))
        named = self.task.preview(batch_of(self.validation, indices, noise, float(epoch)))
        rows = torch.cat([make_grid(images.float().cpu(), nrow=count, padding=2) for images in named.values()], dim=1)
        save_image(rows, picture := io.BytesIO(), format="png")
        write_atomically(self.run.path / "samples" / f"epoch_{epoch:04d}.png", picture.getvalue())
        self._thin_previews(epoch)
        self._observe(epoch)

    def _thin_previews(self, epoch: int) -> None:
        found = {int(p.stem[6:]): p for p in (self.run.path / "samples").glob("epoch_*.png") if p.stem[6:].isdigit()}
        seen = set()
        for past in sorted(past for past in found if past < epoch):
            where = thinning.interval(past, epoch, self.recipe.preview_every, PREVIEWS)
            if where is not None and where in seen:
                found[past].unlink(missing_ok=True)
            seen.add(where)

    def _observe(self, epoch: int) -> None:
        """Log the mean of each dearer term over the same images each time, and its standard error."""
        count = min(OBSERVED, len(self.validation))
        indices = torch.arange(count, device=self.fabric.device)
        noise = self.task.noise(count, generator(self.recipe.seed, "observe", device=self.fabric.device))
        entry: dict[str, float | None] = {}
        for name, term in self.task.observe(batch_of(self.validation, indices, noise)).items():
            entry[name] = term.double().mean().item()
            entry[f"{name}_error"] = term.double().std().item() / count**0.5 if count > 1 else None
        if entry:
            self._write({"step": self.step, "epoch": epoch, "split": "preview", "n": count, **entry})

    # ------------------------------------------------------------------------------------------------ state

    @contextlib.contextmanager
    def _evaluated(self) -> Iterator[None]:
        """Evaluation mode, without gradients, on averaged weights if they are kept; ranks share rank 0's buffers."""
        networks = self.task.networks
        if self.averaged is not None:
            self._settle(self.averaged.module)
            self.task.networks = self.averaged.module
        if self.fabric.world_size > 1:
            for buffer in self.task.networks.buffers():
                buffer.copy_(self.fabric.broadcast(buffer))
        self.task.networks.eval()
        try:
            with torch.no_grad(), self.fabric.autocast():
                yield
        finally:
            self.task.networks = networks
            networks.train()

    def _settle(self, averaged: nn.Module) -> None:
        """Once a step, where there is something that networks keep of themselves."""
        if self.settled == self.step or not any(True for _ in averaged.buffers()):
            return
        memory = copy.deepcopy(self.task.memory.state_dict()) if isinstance(self.task, Remembering) else None
        with self.fabric.autocast():
            settle(self.task, averaged, map(self.batch, range(max(0, self.step - SETTLING), self.step)))
        if isinstance(self.task, Remembering) and memory is not None:
            self.task.memory.load_state_dict(memory)
        self.settled = self.step

    def _save(self, epoch: int, validation: float | None = None) -> None:
        """Write a checkpoint, unless the state is no longer good."""
        window = self._read_window() if self.window else torch.zeros(0, 0)
        self._require_finite()
        if self.averaged is not None:
            self._settle(self.averaged.module)
        memory = self._memory()
        if self._chief():
            optimizers = {turn.name: turn.optimizer for turn in self.task.turns}
            files = {
                checkpoints.WEIGHTS: self.task.networks.state_dict(),
                checkpoints.OPTIMIZERS: checkpoints.optimizer_tensors(optimizers),
            }
            if self.averaged is not None:
                files[checkpoints.AVERAGED] = self.averaged.module.state_dict()
            if memory:
                files[checkpoints.MEMORY] = memory
            self.run.flush_log()
            state = {"epoch": epoch, "seconds": self._seconds(), "names": self.names, "window": window.tolist()}
            checkpoints.save(self.run.path / "checkpoints", self.step, files, state, validation)
        self.fabric.barrier()
        self.saved = time.monotonic()

    def _memory(self) -> dict[str, Tensor]:
        """What a task remembers, on every rank: the ranks stand along the first axis."""
        if not isinstance(self.task, Remembering):
            return {}
        own = self.task.memory.state_dict()
        if self.fabric.world_size == 1:
            return {name: tensor[None] for name, tensor in own.items()}
        return {name: cast(Tensor, self.fabric.all_gather(tensor)) for name, tensor in own.items()}

    def restore(self, at_most: int | None = None) -> None:
        """Go on from the last sound checkpoint, where one is asked for that of at most so many steps."""
        say = self.notify if self._chief() else _silent
        found = checkpoints.newest_sound(self.run.path / "checkpoints", say, at_most=at_most)
        step = found.step if found else 0
        if self._chief():
            checkpoints.clear(self.run.path / "checkpoints")
            self.run.truncate(step)
        self.fabric.barrier()
        if found is None:
            return
        self.step = step
        if self._chief():
            self._thin()
        device = self.fabric.device
        checkpoints.load_weights(self.task.networks, found.tensors(checkpoints.WEIGHTS), found.path)
        moved = {name: tensor.to(device) for name, tensor in found.tensors(checkpoints.OPTIMIZERS).items()}
        checkpoints.restore_optimizers({turn.name: turn.optimizer for turn in self.task.turns}, moved)
        if self.averaged is not None:
            checkpoints.load_weights(self.averaged.module, found.tensors(checkpoints.AVERAGED), found.path)
            self.averaged.n_averaged.fill_(step)
        if isinstance(self.task, Remembering):
            rank = self.fabric.global_rank
            kept = found.tensors(checkpoints.MEMORY).items()
            self.task.memory.load_state_dict({name: ranks[rank % len(ranks)] for name, ranks in kept})
        self.names, self.seconds_before, window = found.course()
        self.window = list(window.to(device)) if window.numel() else []


@torch.no_grad()
def measure(task: Task, examples: Examples, fabric: Fabric, seed: int) -> dict[str, float]:
    """The mean of every term of `task.measure` over a data set, in float64, shared out among ranks.

    Blocks of images and their noise are the same on any number of ranks.
    """
    device, n, size = fabric.device, len(examples), block_size(examples)
    sums: dict[str, float] = {}
    blocks = (n + size - 1) // size
    for block in range(fabric.global_rank, max(blocks, fabric.world_size), fabric.world_size):
        # A rank for which no block is left measures one image that does not count, to have the same terms to add.
        counts = float(block < blocks)
        start = block * size if counts else 0
        indices = torch.arange(start, min(n, start + size) if counts else 1, device=device)
        noise = task.noise(size, generator(seed, "evaluation", block, device=device))[: len(indices)]
        for name, term in task.measure(batch_of(examples, indices, noise)).items():
            sums[name] = sums.get(name, 0.0) + (term.double().sum().item() if counts else 0.0)
    total = torch.tensor(list(sums.values()), dtype=torch.float64)
    if fabric.world_size > 1:
        total = _over_ranks(fabric, total.to(device), "sum").cpu()
    return dict(zip(sums, (total / n).tolist(), strict=True))


def block_size(examples: Examples) -> int:
    """How many of these are measured at once: a function of their shape alone."""
    return min(BLOCK, max(1, BLOCK_VALUES // math.prod(examples.shape)))


def batch_of(
    examples: Examples, indices: Int64[Tensor, " B"], noise: Tensor, epoch: float = 0.0, luck: Tensor | None = None
) -> Batch:
    """These examples and the noise that belongs to them, as one batch."""
    found = examples.take(indices, luck)
    return Batch(found.images, indices, noise, epoch, found.labels, found.inputs)


def _over_ranks(fabric: Fabric, tensor: Tensor, how: str) -> Tensor:
    return cast(Tensor, fabric.all_reduce(tensor, reduce_op=how))


def require_possible(recipe: Training, images: int) -> None:
    """Refuse what could not train on so many images or without an extra, before a run directory is made or replaced."""
    if images < recipe.batch_size:
        raise UsageError(f"--batch-size {recipe.batch_size}: the training part holds only {images:,} images")
    if recipe.tensorboard:
        _summary_writer()


def _summary_writer() -> Any:
    """The class that writes TensorBoard's event files."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UsageError("--tensorboard: needs the extra: pip install 'arzhang[tensorboard]'") from None
    return SummaryWriter


def _first_bad(rows: Tensor) -> str:
    return "not a number" if rows.isnan().any() else "infinite"


def _silent(_: str) -> None:
    pass


@contextlib.contextmanager
def only(modules: Sequence[nn.Module], networks: nn.Module) -> Iterator[None]:
    """Gradients for these modules' weights alone: the other player's stand still and cost no backward pass."""
    wanted = {id(p) for module in modules for p in module.parameters()}
    frozen = [p for p in networks.parameters() if p.requires_grad and id(p) not in wanted]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


@contextlib.contextmanager
def underway(device: torch.device) -> Iterator[list[int]]:
    """Around a training: signals are noted, memory that a step frees is kept for the next, and the caller's random
    state is left alone, for each step reseeds."""
    with memory.kept(), torch.random.fork_rng([device] if device.type == "cuda" else []), signals() as arrived:
        yield arrived


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """SIGINT and SIGTERM as a list that fills, so that a step is never cut in two; a second one acts at once."""
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before: dict[int, Any] = {}

    def note(signum: int, _: FrameType | None) -> None:
        arrived.append(signum)
        for number, handler in before.items():
            signal.signal(number, handler)
        print("\nstopping after this step, to save the state", file=sys.stderr)

    for watched in (signal.SIGINT, signal.SIGTERM):
        before[watched] = signal.signal(watched, note)
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
