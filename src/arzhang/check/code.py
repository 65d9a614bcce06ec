"""The user's file: loaded, looked into and called, so that whatever goes wrong in it ends as one finding."""

import errno
import inspect
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from arzhang.check.confinement import REFUSED
from arzhang.check.findings import Stopped


def load(path: Path) -> types.ModuleType:
    """The module that a file makes. Runs its code; raises `Stopped` where that is impossible."""
    module = types.ModuleType("checked")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses look
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise Stopped("code.syntax", file=path.name, line=error.lineno or 0, message=error.msg) from None
    except (ValueError, OSError) as error:
        raise Stopped("code.unreadable", file=path.name, message=_line(error)) from None
    try:
        exec(code, module.__dict__)
    except ModuleNotFoundError as error:
        raise Stopped("code.import", **_where(error, path), module=error.name) from None
    except BaseException as error:
        raise raised(error, path, "code.load") from None
    return module


def raised(error: BaseException, path: Path, id: str = "code.raises", **values: Any) -> Stopped:
    """The finding of an exception that came out of the user's code."""
    if isinstance(error, Stopped):
        return error
    if isinstance(error, NotImplementedError) and not error.args:
        return Stopped("code.blank", **_where(error, path))
    if isinstance(error, SystemExit):
        return Stopped("code.exits", **_where(error, path))
    if (refused := _refusal(error)) is not None:
        return Stopped(f"code.{refused[0]}", **_where(error, path), what=refused[1])
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return Stopped("code.large", **_where(error, path))
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return Stopped("code.memory", **_where(error, path))
    return Stopped(id, **_where(error, path), kind=type(error).__name__, message=_line(error), **values)


def _refusal(error: BaseException | None) -> tuple[str, str] | None:
    """What the confinement, or under it the kernel, refused: which kind of thing, and what."""
    while error is not None:
        if isinstance(error, PermissionError) and error.args:
            ours = error.args[0] == REFUSED
            return (str(error.args[1]) if ours else "writes"), str(error.filename or "another folder")
        if "Permission denied" in str(error):  # from compiled code, such as torch.save's
            return "writes", "another folder"
        error = error.__cause__ or error.__context__
    return None


def _line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__


def _where(error: BaseException, path: Path) -> dict[str, Any]:
    """The last line of the user's own file that was running."""
    lines = [f.lineno or 0 for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return {"file": path.name, "line": lines[-1] if lines else 0}


def find(module: types.ModuleType, name: str, alone: bool) -> Any:
    """The object of that name; or of a name that differs in case and underscores; or, `alone`, the only one there is.

    Raises `Stopped` with the names that there are.
    """
    own = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (callable(value) or isinstance(value, nn.Module))
        and getattr(value, "__module__", None) == module.__name__
    }
    if hasattr(module, name):
        return getattr(module, name)
    plain = {key.replace("_", "").lower(): value for key, value in own.items()}
    if (near := plain.get(name.replace("_", "").lower())) is not None:
        return near
    if alone and len(own) == 1:
        return next(iter(own.values()))
    raise Stopped("code.missing", name=name, there=", ".join(own) or "no function or class")


class Code:
    """Something of the user's that can be called."""

    def __init__(self, target: Any, name: str, path: Path, parameters: Sequence[str]) -> None:
        self.target, self.name, self.path, self.parameters = target, name, path, tuple(parameters)

    def __call__(self, *args: Any) -> Any:
        """Call it with positional arguments, copies of tensors, which it may write into. Raises `Stopped` for a
        signature that does not take them, and for all that it raises."""
        self.refuse_signature(args)
        given = [a.clone() if isinstance(a, Tensor) and not a.requires_grad else a for a in args]
        try:
            return self.target(*given)
        except BaseException as error:
            raise raised(error, self.path, name=self.name) from None

    def refuse_signature(self, args: Sequence[Any]) -> None:
        """Raises `Stopped` where it cannot be called with these."""
        if not callable(self.target):
            raise Stopped("code.not_callable", name=self.name, kind=type(self.target).__name__)
        try:
            signature = inspect.signature(self.target)
            signature.bind(*args)
        except TypeError:
            takes, wanted = ", ".join(signature.parameters), ", ".join(self.parameters[: len(args)])
            raise Stopped("code.signature", name=self.name, takes=f"({takes})", wanted=f"({wanted})") from None
        except ValueError:  # something compiled, which does not say what it takes
            return

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        try:
            inspect.signature(self.target).bind(*[None] * count)
        except (TypeError, ValueError):
            return False
        return True

    def build(self, *args: Any) -> "Code":
        """The network that a class, or a function, makes; a network made already is taken as it is."""
        if isinstance(self.target, nn.Module):
            return self
        given = args if self.takes(len(args)) else ()
        made = self(*(given if self.takes(len(given)) else args))
        if not callable(made):
            raise Stopped("code.no_network", name=self.name, kind=type(made).__name__)
        return Code(made, self.name, self.path, ())

    def number(self, *args: Any, place: str = "", finite: bool = True) -> Tensor:
        """What it gives, which must be one number, in float64."""
        return self.tensor(*args, shape=(), place=place, finite=finite)

    def tensor(self, *args: Any, shape: Sequence[int], place: str = "", finite: bool = True) -> Tensor:
        """What it gives, which must be real numbers of a shape, in float64; in the graph, if it was a tensor."""
        return self.numbers(self(*args), shape, place, finite)

    def numbers(self, value: Any, shape: Sequence[int], place: str = "", finite: bool = True) -> Tensor:
        """The same of what it gave already."""
        found = as_tensor(value)
        if found is None:
            raise Stopped("code.type", name=self.name, kind=type(value).__name__)
        if found.is_complex():
            raise Stopped("code.complex", name=self.name)
        if tuple(found.shape) != tuple(shape) and not (found.numel() == 1 and not len(shape)):
            raise Stopped("code.shape", name=self.name, got=str(tuple(found.shape)), wanted=str(tuple(shape)))
        found = found.double().reshape(tuple(shape))
        if finite and not bool(found.isfinite().all()):
            kind = "NaN" if bool(found.isnan().any()) else "an infinite number"
            raise Stopped("code.not_finite", name=self.name, kind=kind, at=place or "–")
        return found


def as_tensor(value: Any) -> Tensor | None:
    """Numbers as a tensor: torch's, NumPy's, Python's, lists of these; None where it is anything else."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return None
    if isinstance(value, list | tuple) and value and all(isinstance(v, Tensor) and v.numel() == 1 for v in value):
        return torch.stack([v.reshape(()) for v in value])
    try:
        array = np.asarray(value)
        return torch.from_numpy(array.copy()) if array.dtype.kind in "iufc" else None
    except (TypeError, ValueError):
        return None


Check = Callable[[Code], list[Any]]
