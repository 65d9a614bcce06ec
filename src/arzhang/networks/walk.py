"""A walk through a network as it is computed: which block is given what, does what and gives what.

Nothing is declared twice: the network is run once on tensors without numbers, and what is seen are torch's own
functions, with the tensors that pass between them. So a table or a drawing of it cannot differ from the network.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.overrides import TorchFunctionMode

Shape = tuple[int, ...]
"""Of one image: channels, height and width; a number of features; or nothing, of a class."""
BATCH = 2
"""Images that are walked with: batch normalisation refuses one."""


@dataclass
class Operation:
    """One of torch's functions in a block."""

    kind: str
    """Such as `convolution`, `leaky ReLU`, `batch norm`, `dropout`."""
    kernel: int = 0
    stride: int = 0
    dilation: int = 1
    value: float | None = None
    """Slope of a leaky ReLU, share of a dropout."""
    spectral: bool = False
    """Whether its weight is divided by its largest singular value."""


@dataclass(eq=False)
class Block:
    """A part of a network with weights, and what is done to its output before the next one has it."""

    name: str
    """Such as `down 1` or `up 8`."""
    input: Shape
    output: Shape
    sources: list[tuple["Block", int]]
    """The blocks that made its input, and how many channels (or features) each gave; inputs of the network are blocks
    without sources."""
    operations: list[Operation] = field(default_factory=list)
    """In the order of the computation."""
    parameters: int = 0
    sees: int | None = 1
    """Pixels across that one number of the output sees of the image; None: not told, for it is all of it or some."""
    jump: int = 1
    """Pixels of the image between neighbours of the output."""

    @property
    def skips(self) -> list[tuple["Block", int]]:
        """What its input holds besides the output of the block that stands last among its sources: what came by a
        connection around the blocks between."""
        return self.sources[:-1]


def walk(network: nn.Module, call: Callable[..., Any] | None = None, /, **inputs: Shape) -> list[Block]:
    """Every block of a network in the order of its turn, the inputs first, for inputs of these shapes (without the
    batch; `()`: a class).

    `call(network, *tensors)` runs it: a network with two halves has two walks.

    >>> [(block.name, block.output) for block in walk(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), features=(4,))]
    [('features', (4,)), ('0', (3,))]
    """
    unreal = copy.deepcopy(network).to("meta").train()
    tensors = {
        name: torch.empty(BATCH, *shape, device="meta")
        if shape
        else torch.zeros(BATCH, dtype=torch.int64, device="meta")
        for name, shape in inputs.items()
    }
    watch = _Watch(unreal, tensors)
    with torch.no_grad(), watch:
        (call or nn.Module.__call__)(unreal, *tensors.values())
    fronts = [block.name.rpartition(" ")[0] for block in watch.blocks]
    for block, front in zip(watch.blocks, fronts, strict=True):
        if front and block.name == f"{front} 1" and fronts.count(front) == 1:
            block.name = front
    return watch.blocks


class _Watch(TorchFunctionMode):
    """What is seen of a network that runs: each of torch's functions, and the modules within which it is called."""

    def __init__(self, network: nn.Module, inputs: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.network = network
        self.blocks = [Block(name, (), tuple(tensor.shape[1:]), []) for name, tensor in inputs.items()]
        self.made: dict[int, tuple[Tensor, list[tuple[Block, int]]]] = {}  # the tensor is kept, so that its id is
        for block, tensor in zip(self.blocks, inputs.values(), strict=True):
            self.made[id(tensor)] = tensor, [(block, _channels(tensor))]
        self.within: list[str] = []
        self.open: str | None = None
        self.counted: set[int] = set()
        self.waiting: tuple[Operation, Shape] | None = None
        for path, module in network.named_modules():
            if path:
                module.register_forward_pre_hook(lambda _, __, path=path: self.within.append(path))
                module.register_forward_hook(lambda *_: self.within.pop() and None)

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        given = [
            tensor for arg in args for tensor in (arg if isinstance(arg, tuple | list) else [arg])
            if isinstance(tensor, Tensor) and id(tensor) in self.made
        ]  # fmt: skip
        if isinstance(result, Tensor) and given:
            self._note(getattr(function, "__name__", ""), given, result, args, kwargs or {})
        return result

    def _note(self, name: str, given: list[Tensor], result: Tensor, args: tuple, named: Mapping[str, Any]) -> None:
        sources = self.made[id(given[0])][1]
        if len(given) > 1 and name == "cat":
            sources = [source for tensor in given for source in self.made[id(tensor)][1]]
        elif len(given) > 1 and not self.within and name in ("mul", "add", "__mul__", "__add__"):
            self.open = None  # two branches meet between blocks
            name = "product" if "mul" in name else "sum"
            meeting = self._begin(name, given[0], [self.made[id(tensor)][1][-1] for tensor in given])
            meeting.operations.append(Operation(name))
            meeting.sees = None
            sources = [(meeting, _channels(result))]
        else:
            operation = _operation(name, given, args, named)
            if operation is not None and operation.kind in _RESIZING and not self.within:  # for the next block's sake
                self.waiting = operation, tuple(given[0].shape[1:])
            elif (block := self._block(given[0], sources)) is not None:
                if operation is not None:
                    operation.spectral = self._spectral()
                    block.operations.append(operation)
                    block.output = tuple(result.shape[1:])
                    _see(block, operation)
                block.parameters += self._weights()
                sources = [(block, _channels(result))]
        self.made[id(result)] = result, sources

    def _block(self, given: Tensor, sources: list[tuple[Block, int]]) -> Block | None:
        """The block to which what is done now belongs: the one within which it is done, a new one where that has not
        begun, or where there are no weights, the one that made what it is done to. Of an input: none."""
        path = ".".join(self.within[-1].split(".")[: self._depth(self.within[-1])]) if self.within else ""
        if path and path == self.open:
            return self.blocks[-1]
        weighted = path and any(isinstance(part, _WEIGHTED) for part in self.network.get_submodule(path).modules())
        if weighted:
            self.open = path
            return self._begin(self._name(path), given, sources)
        own = sources[-1][0]
        return own if own.sources else None

    def _begin(self, name: str, given: Tensor, sources: list[tuple[Block, int]]) -> Block:
        nearest = sources[-1][0]
        shape: Shape = tuple(given.shape[1:])
        block = Block(name, shape, shape, sources, sees=nearest.sees, jump=nearest.jump)
        self.blocks.append(block)
        if self.waiting is not None:
            operation, before = self.waiting
            self.waiting = None
            block.operations.append(operation)
            _see(block, operation)
            if len(sources) == 1:
                block.input = before
        return block

    def _spectral(self) -> bool:
        module = self.network.get_submodule(self.within[-1]) if self.within else self.network
        kept = getattr(module, "parametrizations", None)
        return kept is not None and any(isinstance(part, _SpectralNorm) for part in kept.modules())

    def _weights(self) -> int:
        """Of the module whose turn it is, counted once; those that a parametrization keeps for it are its own."""
        module = self.network.get_submodule(self.within[-1]) if self.within else None
        if module is None or id(module) in self.counted:
            return 0
        self.counted.add(id(module))
        own = [module.parameters(recurse=False)]
        if isinstance(kept := getattr(module, "parametrizations", None), nn.Module):
            own.append(kept.parameters())
        return sum(parameter.numel() for some in own for parameter in some)

    def _depth(self, path: str) -> int:
        """How many words of a path name a block: up to the first number."""
        words = path.split(".")
        return next((i + 1 for i, word in enumerate(words) if word.isdigit()), len(words))

    def _name(self, path: str) -> str:
        """`down.0` → down 1. Where the parts of a chain are of different kinds of ours, their kind is the name."""
        front = path.rpartition(".")[0]
        if not front:
            return _SINGULAR.get(path, path.replace("_", " "))
        kinds = {type(part) for part in self.network.get_submodule(front).children()}
        kind = _SINGULAR.get(front, front.removesuffix("s"))
        if len([one for one in kinds if not one.__module__.startswith("torch.")]) > 1:
            kind = type(self.network.get_submodule(path)).__name__.lower().replace("conv2d", "convolution")
        return f"{kind} {1 + sum(block.name.rpartition(' ')[0] == kind for block in self.blocks)}"


_SINGULAR = {"classes": "class"}
_RESIZING = ("max-pool", "nearest pixels")
_WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding


def _channels(tensor: Tensor) -> int:
    return tensor.shape[1] if tensor.ndim > 1 else 1


def _operation(name: str, given: list[Tensor], args: tuple, named: Mapping[str, Any]) -> Operation | None:
    """What one of torch's functions is called here; None: of no interest, such as a change of shape."""
    if name in ("conv2d", "conv_transpose2d"):
        stride, dilation = args[3], args[5] if name == "conv2d" else args[7]
        kind = "convolution" if name == "conv2d" else "transposed convolution"
        return Operation(kind, args[1].shape[-1], stride[0], dilation[0])
    if name in ("add", "__add__") and len(given) > 1:
        return Operation("plus its input")
    if name.removeprefix("_") == "max_pool2d":
        side = args[1] if len(args) > 1 else named["kernel_size"]
        side = side if isinstance(side, int) else side[0]
        return Operation("max-pool", side, side)
    if name == "leaky_relu":
        return Operation("leaky ReLU", value=args[1] if len(args) > 1 else named.get("negative_slope", 0.01))
    if name == "dropout":
        return Operation("dropout", value=args[1] if len(args) > 1 else named["p"])
    return Operation(_SIMPLE[name]) if name in _SIMPLE else None


_SIMPLE = {
    "linear": "linear layer",
    "embedding": "embedding",
    "relu": "ReLU",
    "tanh": "tanh",
    "batch_norm": "batch norm",
    "instance_norm": "instance norm",
    "adaptive_avg_pool2d": "average-pool",
    "interpolate": "nearest pixels",
    "sum": "sum over features",
}


def _see(block: Block, operation: Operation) -> None:
    """How much more of the image is seen after a convolution or a pooling of stride `stride`."""
    if operation.kind in ("linear layer", "embedding", "transposed convolution", "nearest pixels"):
        block.sees = None
    if block.sees is not None and operation.kernel:
        block.sees += (operation.kernel - 1) * operation.dilation * block.jump
        block.jump *= operation.stride
