"""A network as the row of layers that really run: whatever modules or functions it is written with.

Torch reports each function that is called on the way; those with weights are *stages*, and what stands between two of
them (normalisation, activation, dropout) belongs to the later one. Numbers are not needed, so it runs on torch's device
without any, and on the CPU only where the user's code wants numbers.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from arzhang.check.code import Code
from arzhang.check.findings import Stopped

WEIGHTED = {"conv2d": "Conv2d", "conv_transpose2d": "ConvTranspose2d", "linear": "Linear"}
CALLED = {
    "batch_norm": "BatchNorm2d", "instance_norm": "InstanceNorm2d", "group_norm": "GroupNorm", "layer_norm":
    "LayerNorm", "relu": "ReLU", "relu_": "ReLU", "leaky_relu": "LeakyReLU", "leaky_relu_": "LeakyReLU", "sigmoid":
    "Sigmoid", "sigmoid_": "Sigmoid", "tanh": "Tanh", "tanh_": "Tanh", "dropout": "Dropout", "dropout_": "Dropout",
    "dropout2d": "Dropout2d", "feature_dropout": "Dropout2d",
}  # fmt: skip
NORMS = ("BatchNorm2d", "InstanceNorm2d", "GroupNorm", "LayerNorm")
SAME = {
    "flatten", "reshape", "view", "unflatten", "contiguous", "clone", "to", "float", "double", "permute", "squeeze",
    "type", "unsqueeze", "__getitem__", "detach", "expand", "movedim", "transpose", "chunk", "split", "view_as",
    "reshape_as", "requires_grad_", "type_as",
}  # fmt: skip
"""Functions that move numbers and change none."""
JOINS = ("cat", "concat", "concatenate")


@dataclass(frozen=True)
class Stage:
    """One layer with weights, and what its input went through since the one before it."""

    kind: str
    settings: dict[str, int]
    """Channels in and out, kernel, stride, padding, …"""
    bias: bool
    before: tuple[str, ...]
    """Such as ("BatchNorm2d", "Dropout(0.5)", "ReLU"), in order."""
    source: int
    """The stage whose output it is given; −1: the network's input."""
    skip: int | None
    """The stage whose output it is given besides."""

    def __str__(self) -> str:
        return f"{self.kind} {self.settings['inputs']}→{self.settings['outputs']}"


@dataclass(frozen=True)
class Network:
    """A network as stages, what follows the last one, and what came out."""

    stages: Sequence[Stage]
    after: tuple[str, ...]
    shape: tuple[int, ...]
    """Of the output, or () where it failed on the way."""
    parameters: int
    failure: Stopped | None = None


@dataclass
class _Call:
    """A function that was called: from which earlier calls its input came, the network's own input being −1."""

    kind: str
    origins: tuple[int, ...]
    settings: dict[str, int] = field(default_factory=dict)
    bias: bool = False


class _Recorder(TorchFunctionMode):
    """Notes every function with a tensor of the network's in it."""

    def __init__(self, given: Sequence[Tensor]) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self.origin: dict[int, int] = {id(part): -1 for part in given}
        self.kept: list[Any] = list(given)  # so that no id is used twice

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        origins = [self.origin[id(t)] for t in _tensors([args, kwargs]) if id(t) in self.origin]
        outputs = [t for t in _tensors([made]) if t.is_floating_point()]
        if origins and outputs and name not in ("__get__", "size", "__set__"):
            index = origins[0] if name in SAME else self._note(name, args, kwargs, tuple(origins))
            for output in outputs:
                self.origin[id(output)] = index
                self.kept.append(output)
        return made

    def _note(self, name: str, args: Sequence[Any], kwargs: dict[str, Any], origins: tuple[int, ...]) -> int:
        call = _Call(CALLED.get(name, name), origins)
        if name in WEIGHTED:
            call = _weighted(name, args, kwargs, origins)
        elif name in JOINS:
            call.kind = "cat"
        elif name == "pad":
            sides = set(args[1] if len(args) > 1 else kwargs["pad"])
            call.kind, call.settings = "pad", {"padding": sides.pop() if len(sides) == 1 else -1}
        elif name.startswith("leaky_relu"):
            slope = args[1] if len(args) > 1 else kwargs.get("negative_slope", 0.01)
            call.kind = f"LeakyReLU({slope:g})"
        elif call.kind.startswith("Dropout"):
            p = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
            on = args[2] if len(args) > 2 else kwargs.get("training", True)
            if not p or not on:
                return origins[0]
            call.kind = f"{call.kind}({p:g})"
        self.calls.append(call)
        return len(self.calls) - 1


def _tensors(values: Any) -> list[Tensor]:
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    return [t for value in values for t in _tensors(value)] if isinstance(values, list | tuple) else []


def _weighted(name: str, args: Sequence[Any], kwargs: dict[str, Any], origins: tuple[int, ...]) -> _Call:
    names = {
        "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
        "conv_transpose2d": ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
        "linear": ("input", "weight", "bias"),
    }[name]
    given = dict(zip(names, args, strict=False)) | kwargs
    weight = given["weight"]
    ends = (weight.shape[0], weight.shape[1]) if name == "conv_transpose2d" else (weight.shape[1], weight.shape[0])
    settings = {"inputs": ends[0], "outputs": ends[1]}
    if name != "linear":
        settings["kernel"] = weight.shape[-1]
        defaults = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
        for key in names[3:]:
            if key != "groups":
                settings[key] = _one(given.get(key, defaults[key]), weight.shape[-1])
    return _Call(WEIGHTED[name], origins[:1], settings, given.get("bias") is not None)


def _one(value: Any, kernel: int) -> int:
    if isinstance(value, str):  # "same" or "valid"
        return (kernel - 1) // 2 if value == "same" else 0
    return int(value[0]) if isinstance(value, list | tuple) else int(value)


def trace(network: Any, shape: Sequence[int], training: bool = True) -> Network:
    """What a network does with an input of a shape. What it raises is in `failure`, beside the stages until there."""
    device = (
        next((p.device for p in network.parameters()), torch.device("cpu")) if isinstance(network, nn.Module) else "cpu"
    )
    if isinstance(network, nn.Module):
        network.train(training)
    given = torch.zeros(*shape, device=device)
    parts = given.chunk(2, 1) if _wants_two(network) else (given,)
    recorder, failure, made = _Recorder(parts), None, None
    try:
        with torch.no_grad(), recorder:
            made = network(*parts)
    except BaseException as error:
        failure = error
    stages, after = _stages(recorder, made)
    parameters = list(network.parameters()) if isinstance(network, nn.Module) else []
    size = tuple(made.shape) if isinstance(made, Tensor) else ()
    stopped = None if failure is None else _Failed(failure)
    return Network(stages, after, size, sum(p.numel() for p in parameters), stopped)


def _wants_two(network: Any) -> bool:
    """Whether it takes a pair as two arguments."""
    try:
        needed = [
            p for p in inspect.signature(getattr(network, "forward", network)).parameters.values()
            if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]  # fmt: skip
    except (TypeError, ValueError):
        return False
    return len(needed) == 2


class _Failed(Stopped):
    """What a network raised, to be told with the user's line."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("code.raises")
        self.error = error


def _stages(recorder: _Recorder, made: Any) -> tuple[list[Stage], tuple[str, ...]]:
    calls = recorder.calls
    number: dict[int, int] = {}  # of a call → of its stage
    stages: list[Stage] = []

    def back(at: int) -> tuple[tuple[str, ...], int, int | None, int]:
        """The way back from a call to the stage before: what stood there, the stage, what was joined to it, padding."""
        between: list[str] = []
        skip, padding = None, 0
        while at >= 0 and at not in number:
            call = calls[at]
            if call.kind == "cat":
                ways = [back(origin) for origin in call.origins]
                main = max(ways, key=lambda way: way[1])
                others = [way[1] for way in ways if way is not main and way[1] >= 0]
                skip = others[0] if others else None
                return _once((*main[0], *reversed(between))), main[1], skip, padding
            if call.kind == "pad":
                padding += call.settings["padding"]
            else:
                between.append(call.kind)
            at = call.origins[0]
        return _once(tuple(reversed(between))), number.get(at, -1), skip, padding

    for i, call in enumerate(calls):
        if call.kind not in WEIGHTED.values():
            continue
        before, source, skip, padding = back(call.origins[0])
        settings = dict(call.settings)
        if padding:
            settings["padding"] += padding
        stages.append(Stage(call.kind, settings, call.bias, before, source, skip))
        number[i] = len(stages) - 1
    after: tuple[str, ...] = ()
    if isinstance(made, Tensor) and id(made) in recorder.origin:
        after = back(recorder.origin[id(made)])[0]
    return stages, after


def _once(steps: tuple[str, ...]) -> tuple[str, ...]:
    """Without a ReLU right after a ReLU, which changes nothing."""
    return tuple(step for i, step in enumerate(steps) if step != "ReLU" or steps[i - 1 : i] != ("ReLU",))


def of_user(user: Code, arguments: Sequence[Any], shape: Sequence[int], training: bool = True) -> tuple[Network, Any]:
    """The user's network made and traced, and the network. What fails without numbers is tried again with them."""
    from arzhang.check.code import raised

    for device in ("meta", "cpu"):
        try:
            if isinstance(user.target, nn.Module):
                made: Code = user
            else:
                with torch.device(device):
                    made = user.build(*arguments)
        except Stopped as stopped:
            if device == "cpu" or stopped.finding.id in ("code.signature", "code.blank", "code.not_callable"):
                raise
            continue
        found = trace(made.target, shape, training)
        if found.failure is None:
            if not found.shape:
                raise Stopped("code.no_output", name=user.name)
            return found, made.target
        if device == "cpu" or isinstance(user.target, nn.Module):
            break
    assert isinstance(found.failure, _Failed)
    told = raised(found.failure.error, user.path, name=user.name)
    return Network(found.stages, found.after, (), found.parameters, told), made.target


Build = Callable[[], nn.Module]


def reference(build: Build, shape: Sequence[int], training: bool = True) -> Network:
    """Ours, traced."""
    with torch.device("meta"):
        return trace(build(), shape, training)
