"""Checkpoints: complete, hashed, and read without running anything in them.

A checkpoint is a folder `checkpoints/step_00000860` of safetensors and JSON. It is written under another name, flushed
and renamed, so that a kill at any instant leaves the last good one. The two last and the best are kept.
"""

import contextlib
import hashlib
import json
import re
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from arzhang.errors import ArzhangError
from arzhang.files import flush, flush_all, write_tensors

MANIFEST, STATE = "manifest.json", "state.json"
WEIGHTS, AVERAGED, OPTIMIZERS = "weights.safetensors", "averaged.safetensors", "optimizers.safetensors"
MEMORY = "memory.safetensors"
"""What a task keeps from step to step besides, the first axis over ranks."""
NAME = re.compile(r"\w[\w.-]{0,99}")
"""What a checkpoint calls its files."""
MOMENTS = {"step", "exp_avg", "exp_avg_sq"}
"""What Adam keeps of each parameter."""
KEPT = 2
SAFE_UNPICKLER = (2, 10)
"""The PyTorch from which its restricted unpickler holds what it promises."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on the disk, by its manifest."""

    path: Path
    step: int
    validation: float | None
    files: Mapping[str, str]
    """Name → sha256."""

    def verify(self) -> None:
        """Compare every file with its hash; raise ArzhangError for the first that differs."""
        for name, expected in self.files.items():
            path = self.path / name
            if not path.is_file():
                raise ArzhangError(f"{path}: missing")
            if sha256(path) != expected:
                raise ArzhangError(f"{path}: damaged or edited (its sha256 is not the manifest's)")

    def tensors(self, name: str) -> dict[str, Tensor]:
        """A safetensors file of this checkpoint, on the CPU."""
        return read_tensors(self.path / name)

    def state(self) -> dict[str, Any]:
        """The plain values: step, epoch, and what the loop had not logged yet. Raises ArzhangError for none."""
        path = self.path / STATE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ArzhangError(f"{path}: unreadable ({error})") from None
        if not isinstance(found, dict):
            raise ArzhangError(f"{path}: must hold a mapping")
        return found

    def course(self) -> tuple[list[list[str]], float, Tensor]:
        """Of its state what the loop goes on with: the terms of each turn, seconds so far, and their values (steps,
        terms) that were not logged yet. Raises ArzhangError where they do not agree."""
        state = self.state()
        try:
            names = [[str(name) for name in turn] for turn in state["names"] if isinstance(turn, list)]
            seconds, window = float(state["seconds"]), torch.tensor(state["window"], dtype=torch.float32)
            good = window.numel() == 0 or window.shape[1:] == (sum(map(len, names)),)
        except (ValueError, LookupError, TypeError, RuntimeError, OverflowError):
            good = False
        if not good or len(names) != len(state["names"]):
            raise ArzhangError(f"{self.path / STATE}: its values are not those of a training")
        return names, seconds, window


def read_tensors(path: Path) -> dict[str, Tensor]:
    """A safetensors file, or a `.pth` of tensors by name and nothing else, on the CPU.

    A `.pth` is read by PyTorch's restricted unpickler, which knows how to build tensors and runs no code. Raises
    ArzhangError for anything else, a plain pickle above all.
    """
    if path.suffix == ".pth":
        return _restricted(path)
    try:
        return load_file(path)
    except FileNotFoundError:
        raise ArzhangError(f"{path}: missing") from None
    except (SafetensorError, ValueError, TypeError, RuntimeError, OverflowError) as error:  # torch's, of odd shapes
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ArzhangError(
            f"{path}: not a whole safetensors file ({why}); Arzhang never unpickles: that would run the file's code"
        ) from None


def _restricted(path: Path) -> dict[str, Tensor]:
    if tuple(map(int, torch.__version__.split(".")[:2])) < SAFE_UNPICKLER:
        raise ArzhangError(
            f"{path}: PyTorch {torch.__version__} can be made to run a planted .pth's code (CVE-2026-24747): "
            f"update to {'.'.join(map(str, SAFE_UNPICKLER))} or later, or give a .safetensors file"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on TorchScript archives, which are refused
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ArzhangError(f"{path}: missing") from None
    except Exception as error:  # a broken or planted file may raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
        raise ArzhangError(f"{path}: not a whole file of tensors alone, so it is not read ({reason})") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ArzhangError(f"{path}: holds no tensors by name: save a module's `state_dict()` with torch.save")
    for name, value in found.items():
        if not isinstance(value, Tensor) or value.layout != torch.strided:
            raise ArzhangError(f"{path}: '{name}' is no plain tensor; save a module's `state_dict()` alone")
    return {name: value.detach() for name, value in found.items()}


def sha256(path: Path) -> str:
    """The hash of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save(
    folder: Path,
    step: int,
    tensors: Mapping[str, Mapping[str, Tensor]],
    state: Mapping[str, Any],
    validation: float | None,
) -> Checkpoint:
    """Write the files of a checkpoint, make them durable, give the folder its name, and drop what is no longer kept."""
    final, beside = folder / f"step_{step:08d}", folder / f".step_{step:08d}.part"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        for name, content in tensors.items():
            write_tensors(beside / name, content)
        text = json.dumps({"step": step, "validation": validation, **state})
        (beside / STATE).write_text(text, encoding="utf-8")
        files = {path.name: sha256(path) for path in sorted(beside.iterdir())}
        (beside / MANIFEST).write_text(json.dumps({"sha256": files}, indent=2), encoding="utf-8")
        flush_all(beside)
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
        flush(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    prune(folder)
    return Checkpoint(final, step, validation, files)


def available(folder: Path) -> list[Checkpoint]:
    """Every checkpoint with a readable manifest, oldest first."""
    found = []
    for path in sorted(folder.glob("step_*")):
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            state = json.loads((path / STATE).read_text(encoding="utf-8"))
            files = {str(name): str(digest) for name, digest in manifest["sha256"].items()}
            if not all(NAME.fullmatch(name) for name in files) or not {WEIGHTS, STATE} <= set(files):
                continue  # a name that climbs out of the folder, or is none; or a checkpoint of nothing
            validation = state["validation"]
            found.append(Checkpoint(path, int(state["step"]), None if validation is None else float(validation), files))
        except (OSError, ValueError, KeyError, AttributeError, TypeError, OverflowError, RecursionError):
            continue
    return found


def best(checkpoints: list[Checkpoint]) -> Checkpoint:
    """The smallest validation value; the newest where none was validated."""
    validated = [(c.validation, c.step) for c in checkpoints if c.validation is not None]
    step = min(validated)[1] if validated else checkpoints[-1].step
    return next(c for c in checkpoints if c.step == step)


def prune(folder: Path) -> None:
    """Keep the two last and the best. What goes loses its name for good before its files: half of one, left by a kill,
    would stay for ever."""
    found = available(folder)
    kept = {c.step for c in found[-KEPT:]} | ({best(found).step} if found else set())
    with contextlib.suppress(OSError):  # it goes with the next
        for checkpoint in found:
            if checkpoint.step not in kept:
                checkpoint.path.rename(folder / f".{checkpoint.path.name}.gone")
        flush(folder)
        clear(folder)


def clear(folder: Path) -> None:
    """Take away what a kill left half written or half removed; every whole checkpoint stays."""
    for path in folder.glob(".step_*"):
        shutil.rmtree(path, ignore_errors=True)


def newest_sound(
    folder: Path, notify: Callable[[str], None], which: str = "last", at_most: int | None = None
) -> Checkpoint | None:
    """The last (or best) checkpoint whose hashes agree, of `at_most` so many steps; damaged ones are named and passed
    over."""
    present = [path.name for path in sorted(folder.glob("step_*"))]
    found = available(folder)
    for name in set(present) - {c.path.name for c in found}:
        notify(f"{folder / name}: its manifest is missing or unreadable; passed over")
    found = [checkpoint for checkpoint in found if at_most is None or checkpoint.step <= at_most]
    while found:
        chosen = best(found) if which == "best" else found[-1]
        try:
            chosen.verify()
            return chosen
        except ArzhangError as error:
            notify(f"{error}; the checkpoint before it is used")
            found.remove(chosen)
    return None


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], where: Path) -> None:
    """Put tensors into the module that they are of, or raise ArzhangError with the first that is not its own."""
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        why = str(error).splitlines()[-1].strip()
        raise ArzhangError(f"{where}: the weights are not those of its recipe ({why})") from None


def optimizer_tensors(optimizers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
    """The state of optimizers as flat tensors: `turn/parameter/name`."""
    return {
        f"{turn}/{index}/{key}": value
        for turn, optimizer in optimizers.items()
        for index, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }


def restore_optimizers(optimizers: Mapping[str, torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `optimizer_tensors`; the options of the groups are the recipe's, not the file's.

    Raises ArzhangError for a tensor that belongs to no parameter, or is not of its parameter's shape, and where one of
    a parameter's is missing.
    """
    for turn, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for name, value in tensors.items():
            match = re.fullmatch(r"([^/]+)/(\d{1,6})/(\w+)", name)
            if match is None or match[1] not in optimizers:
                raise ArzhangError(f"{OPTIMIZERS}: '{name[:80]}' is the state of no optimizer of this recipe")
            index = int(match[2])
            if match[1] == turn:
                if index >= len(parameters) or (value.dim() and value.shape != parameters[index].shape):
                    raise ArzhangError(f"{OPTIMIZERS}: '{name}' of shape {tuple(value.shape)} fits no parameter")
                state.setdefault(index, {})[match[3]] = _laid_out_as(parameters[index], value)
        for index, values in state.items() if isinstance(optimizer, torch.optim.Adam) else ():
            if unlike := sorted(values.keys() ^ MOMENTS):
                raise ArzhangError(f"{OPTIMIZERS}: '{turn}/{index}/{unlike[0][:80]}' is missing, or nothing of Adam's")
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """Moments lie in memory as their weights do: files hold them row by row, fused updates go by memory."""
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, dtype=value.dtype, device=value.device, requires_grad=False).copy_(value)
