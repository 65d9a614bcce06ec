"""Which device, and several of them: ranks that are started, meet, work together, and hear that one is gone.

Lightning Fabric is imported in the time that it takes itself: it asks for the version of torchmetrics by importing it,
and that imports scipy, torchvision's models and, where they are installed, transformers: longer than all else that a
command imports. Only its detector of spikes wants it.
"""

import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch

from arzhang import recipes, sharing
from arzhang.errors import ArzhangError, UsageError

UNWANTED = "torchmetrics"

_hidden = UNWANTED not in sys.modules
if _hidden:
    sys.modules[UNWANTED] = None  # type: ignore[assignment]  # as if it were not installed
try:
    from lightning_fabric import Fabric as Fabric
finally:
    if _hidden:
        del sys.modules[UNWANTED]

WATCHED = 2.0
"""Seconds between two looks of a rank at whether the one that started it lives."""


def device(accelerator: str) -> torch.device:
    """The device that "auto", "cpu", "cuda" or "mps" means here."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = next(kind for kind, here in present.items() if here) if accelerator == "auto" else accelerator
    if not present[name]:
        raise UsageError(f"--accelerator {name}: there is none here; use cpu or auto")
    return torch.device(name)


def by_torchrun() -> tuple[int, int] | None:
    """Devices a node and nodes, where torchrun has started this process; it knows them, also after an elastic restart.

    Raises UsageError where nodes differ in their number of processes.
    """
    if not torch.distributed.is_torchelastic_launched():
        return None
    here, all_of_them = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    if all_of_them % here:
        raise UsageError(f"torchrun: {all_of_them} processes, {here} on this node; start as many on each")
    return here, all_of_them // here


def layout(devices: int, nodes: int, asked: bool) -> tuple[int, int]:
    """Devices a node and nodes: torchrun's where it has started this process, else as given.

    Raises UsageError where others were `asked` for than torchrun has started.
    """
    told = by_torchrun()
    if told is not None and asked and devices * nodes != told[0] * told[1]:
        raise UsageError(
            f"--devices {devices} --nodes {nodes}: torchrun has started {told[0] * told[1]} processes; "
            "leave both out, and it says how many there are"
        )
    return told or (devices, nodes)


@contextlib.contextmanager
def determined(recipe: recipes.Training) -> Iterator[None]:
    """Within, torch uses operations that give the same bits each time, where the recipe asks for it.

    Raises ArzhangError with the name of an operation that has no such form.
    """
    if not recipe.deterministic:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    cudnn = torch.backends.cudnn
    before = torch.get_deterministic_debug_mode(), cudnn.deterministic, cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    except RuntimeError as error:
        name, found, _ = str(error).partition(" does not have a deterministic implementation")
        if not found and "deterministic" not in str(error):
            raise
        what = name.splitlines()[-1] if found else "an operation of cuBLAS (set CUBLAS_WORKSPACE_CONFIG=:4096:8 before)"
        raise ArzhangError(
            f"--deterministic: {what} has no form that gives the same bits each time; --no-deterministic trains without"
        ) from error
    finally:
        torch.set_deterministic_debug_mode(before[0])
        cudnn.deterministic, cudnn.benchmark = before[1:]


@contextlib.contextmanager
def together(where: str) -> Iterator[None]:
    """Within, ranks work together. That another one is gone is said in one line (ArzhangError, which ends with `where`
    what is left lies), and at the end this one says goodbye."""
    try:
        yield
    except RuntimeError as error:
        if not _lost(error):
            raise
        raise ArzhangError(f"{_rank()} lost the others: a process died or its machine is gone; {where}") from error
    finally:
        if torch.distributed.is_initialized():  # left to the interpreter's end, its threads are cut off with an abort
            torch.distributed.destroy_process_group()


def _lost(error: RuntimeError) -> bool:
    """Whether an error says that ranks no longer reach one another: gloo's says so in words alone."""
    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error) or "NCCL" in str(error)


def _rank() -> str:
    rank, ranks = sharing.place()
    return f"rank {rank} of {ranks} on {socket.gethostname()}"


def _end_with_parent() -> None:
    """A rank that Fabric started ends soon after the first one has died, even amid a collective operation that waits
    for ever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCHED)
        print("arzhang: the first rank is gone, and this one ends with it", file=sys.stderr, flush=True)
        os._exit(1)

    if os.name == "posix":
        threading.Thread(target=watch, daemon=True, name="watch-parent").start()


def launch(recipe: recipes.Training) -> Fabric:
    """Fabric with the recipe's devices: it starts the other ranks, or joins those of torchrun or SLURM."""
    strategy: str = recipe.strategy
    if recipe.precision == "16-mixed" and device(recipe.accelerator).type == "cpu":
        raise UsageError("--precision 16-mixed: needs a GPU; a CPU takes bf16-mixed or 32-true")
    if recipe.devices * recipe.nodes > 1 and strategy == "auto":
        strategy = "ddp"
    if strategy == "ddp" and recipe.players > 1:  # a turn leaves the other players' weights alone
        strategy = "ddp_find_unused_parameters_true"
    return _launched(recipe.accelerator, recipe.devices, recipe.nodes, strategy, precision=recipe.precision)


def _launched(accelerator: str, devices: int, nodes: int, strategy: str, **how: Any) -> Fabric:
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # The last word before the first rank, which waits for one that died, is killed.
    logging.getLogger("lightning_fabric.strategies.launchers.subprocess_script").setLevel(logging.INFO)
    device(accelerator)
    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, strategy=strategy, **how)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UsageError(f"--accelerator {accelerator} --devices {devices}: {error}") from None
    if devices > 1 and int(os.environ.get("LOCAL_RANK", "0")) and by_torchrun() is None:
        _end_with_parent()
    if by_torchrun() is not None and (life := os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) != "0":
        _meet_anew(life, fabric.device)
    try:
        fabric.launch()
    except ValueError as error:
        raise UsageError(f"--devices {devices} --nodes {nodes}: {error}") from None
    return fabric


def _meet_anew(life: str, device: torch.device) -> None:
    """Ranks that torchrun has started again meet under a name of their own, and Fabric takes that group: where its
    rendezvous is static, the store still has the addresses of those that died, and who came first would call one.
    """
    from torch.distributed.rendezvous import rendezvous

    store, rank, ranks = next(rendezvous("env://"))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    own = torch.distributed.PrefixStore(f"life-{life}", store)  # type: ignore[attr-defined]
    backend = "nccl" if device.type == "cuda" else "gloo"
    torch.distributed.init_process_group(backend, store=own, rank=rank, world_size=ranks)


@contextlib.contextmanager
def ranks(accelerator: str, devices: int = 1, nodes: int = 1) -> Iterator[torch.device]:
    """The device of this rank, while so many measure together; one process is a rank, too."""
    devices, nodes = layout(devices, nodes, asked=devices * nodes > 1)
    if devices * nodes == 1:
        yield device(accelerator)
        return
    with together("nothing was written; the same command begins anew"):
        yield _launched(accelerator, devices, nodes, "ddp").device
