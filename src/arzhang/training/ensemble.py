"""Several trainings that take each step as one.

A small network does not fill a GPU: most of its step is the launching of kernels. Here the weights of all members lie
side by side, and one vectorised pass (`torch.func.vmap`) gives every member's loss and gradient. All else of a member,
the order of its images, its optimizer, its log, its checkpoints, stays its own loop's, and its numbers are those of a
run by itself but for the rounding of sums.
"""

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from arzhang.contracts import Batch, Scalars
from arzhang.errors import ArzhangError
from arzhang.recipes import Training
from arzhang.training import checkpoint as checkpoints
from arzhang.training.loop import Interrupted, Loop, underway

FREE = ("seed", "lr", "schedule", "clip", "ema", "init_from", "log_every", "preview_every", "tensorboard")
"""Options in which members may differ, for each loop heeds its own; besides, those that a recipe calls `numbers`."""
PRECISIONS = ("32-true", "64-true", "bf16-mixed")


class _Unfit(ArzhangError):
    """What members compute has no vectorised form."""


def kind(recipe: Training) -> Hashable | None:
    """Recipes of one kind can train together; None where one trains by itself: players that take turns, several
    devices, compiled losses, 16-bit gradients that are scaled."""
    if recipe.players > 1 or recipe.compile or recipe.devices * recipe.nodes > 1 or recipe.precision not in PRECISIONS:
        return None
    free = {*FREE, *recipe.numbers}
    return recipe.system, *(repr(v) for name, v in dataclasses.asdict(recipe).items() if name not in free)


def fit(loops: Sequence[Loop], notify: Callable[[str], None]) -> None:
    """Train loops whose recipes are of one `kind`, from their checkpoints to the last epoch.

    Members go on from the last step of which all hold a checkpoint, else those together that stand at the same step.
    Where a device has no room for all, halves of them train one after the other; what cannot be vectorised trains by
    itself. A member that fails does not keep the others from going on; the first failure is raised at the end.
    Raises Interrupted on a signal, every member saved.
    """
    kept = [{c.step for c in checkpoints.available(loop.run.path / "checkpoints")} or {0} for loop in loops]
    shared = max(set.intersection(*kept), default=None)
    standing: dict[int, list[Loop]] = {}
    for loop in loops:
        loop.restore(shared)
        standing.setdefault(loop.step, []).append(loop)
    failures: list[ArzhangError] = []
    for members in standing.values():
        _in_room(members, failures, notify)
    if failures:
        raise failures[0]


def _in_room(loops: Sequence[Loop], failures: list[ArzhangError], notify: Callable[[str], None]) -> None:
    """Train as many at once as the device has memory for."""
    members, groups = None, [loops]
    try:
        if len(loops) > 1:
            members = _Members(loops)
            notify(f"{len(loops)} runs train as one: {', '.join(loop.run.path.name for loop in loops)}")
    except torch.OutOfMemoryError:
        half = len(loops) // 2
        groups = [loops[:half], loops[half:]]
        notify(f"{len(loops)} runs at once are too many for the device's memory: {half}, then {len(loops) - half}")
    except _Unfit as error:
        groups = [[loop] for loop in loops]
        notify(f"{error}: one run at a time")
    if len(groups) == 1:
        _train(loops, members, failures)
    else:
        for group in groups:
            _in_room(group, failures, notify)


def _train(loops: Sequence[Loop], members: "_Members | None", failures: list[ArzhangError]) -> None:
    with underway(loops[0].fabric.device) as arrived, contextlib.ExitStack() as stack:
        courses = {
            loop: stack.enter_context(contextlib.closing(loop.course(arrived, shown=loop is loops[0])))
            for loop in loops
        }
        while courses:
            for loop, course in list(courses.items()):
                try:
                    next(course)
                except StopIteration:
                    del courses[loop]
                except Interrupted as stopped:
                    del courses[loop]
                    failures.insert(0, stopped)
                except ArzhangError as error:
                    del courses[loop]
                    failures.append(error)
            if members is not None and courses:
                members.update(courses.keys())
            for loop in courses if members is None else ():
                loop._update(loop.batch(loop.step))
    if failures and isinstance(failures[0], Interrupted):
        raise failures[0]


class _Members:
    """The weights of several loops as one, and the step that they take.

    One that has failed keeps its place, so that the others' sums are rounded as before.
    """

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.loops, self.first = loops, loops[0]
        self.parameters = [list(loop.turns.parameters()) for loop in loops]
        device, recipes = self.first.fabric.device, [loop.recipe for loop in loops]
        exact = torch.float32 if device.type == "mps" else torch.float64  # a single number leaves the loss its own type
        self.numbers = {
            name: torch.tensor([float(getattr(recipe, name)) for recipe in recipes], device=device, dtype=exact)
            for name in recipes[0].numbers
        }
        self.one_batch = len({recipe.seed for recipe in recipes}) == 1
        self.weights = self._side_by_side("named_parameters")
        self.buffers = self._side_by_side("named_buffers")
        self._try()

    def _side_by_side(self, what: str) -> dict[str, Tensor]:
        """Tensors of all members in one, laid out in memory as they were, and each member's now a view of it."""
        found = {}
        for own in zip(*(getattr(loop.turns, what)() for loop in self.loops), strict=True):
            (name, one), tensors = own[0], [tensor for _, tensor in own]
            whole = torch.empty_strided(
                (len(own), *one.shape), (one.numel(), *one.stride()), dtype=one.dtype, device=one.device
            )
            for tensor, place in zip(tensors, whole.unbind(), strict=True):
                place.copy_(tensor.detach())
                tensor.data = place
            found[name] = whole.requires_grad_(one.requires_grad)
        return found

    def _try(self) -> None:
        """A step that changes nothing. Raises _Unfit, or torch's error where memory runs out."""
        buffers, self.buffers = self.buffers, {name: tensor.clone() for name, tensor in self.buffers.items()}
        try:
            batches = self._batches()
            before = self._luck()
            losses, _ = self._losses(batches)
            losses.sum().backward()
            if not torch.equal(before, self._luck()):
                raise _Unfit(
                    "this loss draws random numbers of its own, and would draw others for several runs at once"
                )
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise _Unfit(f"this loss has no vectorised form ({str(error).strip().splitlines()[0][:120]})") from None
        finally:
            self.buffers = buffers
            self._forget()

    def _luck(self) -> Tensor:
        """The state of torch's own generators."""
        device = self.first.fabric.device
        states = [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]
        return torch.cat(states)

    def _batches(self) -> list[Batch]:
        """Each member's at the next step: the same where all draw the same."""
        step = max(loop.step for loop in self.loops)  # one that has failed stands still
        if self.one_batch:
            return [self.first.batch(step)] * len(self.loops)
        return [loop.batch(step) for loop in self.loops]

    def _losses(self, batches: Sequence[Batch]) -> tuple[Tensor, Scalars]:
        """Every member's loss, (N,), and its terms."""
        batch = batches[0]
        if not self.one_batch:
            sides = zip(*batches, strict=True)
            batch = Batch._make(torch.stack(side) if isinstance(side[0], Tensor) else side[0] for side in sides)
        turns, recipe = self.first.turns, self.first.recipe
        task: Any = self.first.task
        axis = None if self.one_batch else 0

        def one(
            weights: dict[str, Tensor], buffers: dict[str, Tensor], given: Batch, numbers: dict[str, Tensor]
        ) -> Any:
            task.recipe = _with(recipe, numbers)
            turns.batch, turns.shared = given, task.prepare(given)
            return functional_call(turns, (weights, buffers), (0,)), dict(turns.scalars)

        axes = Batch._make(axis if isinstance(value, Tensor) else None for value in batch)
        every = torch.vmap(one, in_dims=(0, 0, axes, 0), randomness="error")
        try:
            with self.first.fabric.autocast():
                return every(self.weights, self.buffers, batch, self.numbers)
        finally:
            task.recipe = recipe

    def update(self, moving: Collection[Loop]) -> None:
        """The step of those that are still going."""
        batches = self._batches()
        losses, scalars = self._losses(batches)
        losses.sum().backward()  # a member's loss hangs on no other's weights
        gradients = [None if w.grad is None else w.grad.unbind() for w in self.weights.values()]
        terms = {name: values.detach().unbind() for name, values in scalars.items()}
        for i, loop in enumerate(self.loops):
            if loop in moving:
                for parameter, gradient in zip(self.parameters[i], gradients, strict=True):
                    parameter.grad = None if gradient is None else gradient[i]
                loop.turns.batch = batches[i]
                loop.turns.scalars = {name: values[i] for name, values in terms.items()}
                loop.move(0)
        self._forget()

    def _forget(self) -> None:
        for weight in self.weights.values():
            weight.grad = None


def _with(recipe: Training, numbers: dict[str, Tensor]) -> Training:
    """A recipe with tensors in place of some of its numbers."""
    varied = copy.copy(recipe)
    for name, value in numbers.items():
        object.__setattr__(varied, name, value)
    return varied
