"""A trained model outside Python: its networks as ONNX, as torch.export's programs, or as bare weights; beside them, in
`model.json`, what goes in and what comes out. Every file is held against the model before it is written."""

import contextlib
import copy
import hashlib
import importlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from arzhang import assembly
from arzhang.contracts import Task
from arzhang.errors import ArzhangError, UsageError
from arzhang.export.networks import Halved, Network, Port, exportable, statistics_differ
from arzhang.files import write_atomically
from arzhang.palettes import CITYSCAPES
from arzhang.recipes import Paired
from arzhang.tasks.gan import GANTask
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.tasks.segmenter import SegmenterTask
from arzhang.tasks.vae import VAETask
from arzhang.training import published
from arzhang.training.run import Run

Notify = Callable[[str], None]
Format = Literal["onnx", "torch-export", "safetensors"]
SUFFIXES: dict[str, str] = {"onnx": ".onnx", "torch-export": ".pt2", "safetensors": ".safetensors"}
DESCRIPTION = "model.json"
OPSET = 18
BOUND = 1e-4
"""Largest difference from PyTorch in float32 at which a file is written."""


class Written(NamedTuple):
    """One network as a file: its bytes, and how it was found to differ from the model."""

    content: bytes
    error: float
    runtime: str


def export(
    path: Path | str,
    out: Path | str | None = None,
    *,
    format: Format = "onnx",
    fp16: bool = False,
    batch_statistics: bool = False,
    checkpoint: str = "best",
    notify: Notify = print,
) -> Path:
    """Write a run's networks into the folder `out` (by default RUN/export/FORMAT); returns where their description is.

    `path` may be all that `assembly.load` takes, or a generator's weights of the public PyTorch port of pix2pix.
    `fp16`: weights and arithmetic in 16 bits, inputs and outputs in 32 all the same. `batch_statistics`: pix2pix
    normalises each image by its own statistics. Raises UsageError for what makes no sense and where the extra 'export'
    is missing, ArzhangError where a file differs from the model by more than it may.
    """
    folder = _folder(path, out, format, fp16, batch_statistics)
    if format == "onnx":
        for name in ("onnx", "onnxscript", "onnxruntime"):
            _needed(name)
    if Path(path).is_file():
        task: Task = assembly.load_public(Path(path))
        facts: dict[str, Any] = {}
    else:
        task, facts = assembly.load(path, checkpoint=checkpoint, notify=notify), _facts(path, notify)
    found = exportable(task, batch_statistics)
    for line in mode(task, found, batch_statistics):
        notify(line)
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for network in found:
        written = _written(network, format, fp16)
        file = folder / f"{network.name}{SUFFIXES[format]}"
        write_atomically(file, written.content)
        notify(
            f"written: {file}: {len(written.content) / 1e6:.1f} MB, at most {written.error:.1e} from PyTorch "
            f"(by {written.runtime}, on {len(network.given[0])} images)"
        )
        told.append(_told(network, file.name, written))
    about = description(task, facts, batch_statistics)
    how = {"format": format, "weights": "float16" if fp16 else "float32"}
    if not Path(path).is_file() and published.found(path) is None:
        how["checkpoint"] = f"{checkpoint}, step {assembly.sound_checkpoint(Run(path), checkpoint, _quiet).step}"
    content = {"arzhang": metadata.version("arzhang"), "system": task.recipe.system, **how, **about, "networks": told}  # type: ignore[attr-defined]
    write_atomically(folder / DESCRIPTION, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return folder / DESCRIPTION


def _folder(path: Path | str, out: Path | str | None, format: str, fp16: bool, batch_statistics: bool) -> Path:
    if out is not None:
        if Path(out).exists() and not Path(out).is_dir():
            raise UsageError(f"--out {out}: is a file; a folder is written")
        if Path(out).exists() and any(Path(out).iterdir()) and not (Path(out) / DESCRIPTION).exists():
            raise UsageError(f"--out {out}: holds other files; choose an empty folder, or one of an earlier export")
        return Path(out)
    if not Path(path).is_dir() and (str(path).startswith(published.HUB) or Path(path).is_file()):
        raise UsageError(f"{path}: give --out, the folder to write")
    name = "-".join([format, *["batch-statistics"] * batch_statistics, *["fp16"] * fp16])
    return Path(path) / "export" / name


def _facts(path: Path | str, notify: Notify) -> dict[str, Any]:
    """What is known of the data that a run was trained on; a run that stopped early is named."""
    if (folder := published.found(path)) is not None:
        return published.read(folder).data
    run = Run(path)
    if not run.finished():
        notify(f"{run.path}: its training was not finished; what is exported is as good as it was then")
    return run.config.get("data", {})


def _needed(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError(f"--format onnx needs {name}: pip install 'arzhang[export]'") from None


# ---------------------------------------------------------------------------------------------------------- formats


def _written(network: Network, format: str, fp16: bool) -> Written:
    """A network in a format, as it is read back and run. Raises ArzhangError where that is not what the model says."""
    made = {"onnx": _onnx, "torch-export": _program, "safetensors": _weights}[format]
    content, run, runtime = made(network._replace(module=Halved(network.module)) if fp16 else network)
    with torch.no_grad():
        found = run(*network.given)
    error = max(float((a - b).abs().max()) for a, b in zip(found, network.wanted, strict=True))
    if not (error <= (float("inf") if fp16 else BOUND)) or error == float("inf"):
        allowed = "finite numbers in 16 bits" if fp16 else f"{BOUND:g}"
        raise ArzhangError(f"{network.name}: as {format} it differs from PyTorch by {error:.1e}, not within {allowed}")
    return Written(content, error, runtime)


Runner = Callable[..., Sequence[Tensor]]


def _traced(network: Network) -> torch.export.ExportedProgram:
    """The program of a network for batches of any size, without the places in the source that it was traced at."""
    rows = tuple(tensor[:2] for tensor in network.given)
    each: Any = tuple({0: torch.export.Dim.DYNAMIC} for _ in rows)
    with _calm(), torch.no_grad():
        nested = (each,) if isinstance(network.module, Halved) else each
        program = torch.export.export(network.module.eval(), rows, dynamic_shapes=nested)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program


def _onnx(network: Network) -> tuple[bytes, Runner, str]:
    onnx, runtime = _needed("onnx"), _needed("onnxruntime")
    with _calm():
        exported = torch.onnx.export(
            _traced(network),
            input_names=[port.name for port in network.inputs],
            output_names=[port.name for port in network.outputs],
            dynamic_shapes=tuple({0: "batch"} for _ in network.inputs),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert exported is not None
    model = exported.model_proto
    _forget_the_source(model)
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(*given: Tensor) -> list[Tensor]:
        feed = {port.name: tensor.numpy() for port, tensor in zip(network.inputs, given, strict=True)}
        return [torch.from_numpy(np.asarray(one)) for one in session.run(None, feed)]

    return content, run, f"onnxruntime {runtime.__version__}"


def _forget_the_source(model: Any) -> None:
    """Leave out where in this machine's files each node was traced."""
    for part in (model, model.graph, *model.functions):
        part.ClearField("metadata_props")
        for field in ("node", "initializer", "input", "output", "value_info"):
            for one in getattr(part, field, ()):
                if hasattr(one, "metadata_props"):
                    one.ClearField("metadata_props")


def _program(network: Network) -> tuple[bytes, Runner, str]:
    buffer = io.BytesIO()
    with _calm():
        torch.export.save(_traced(network), buffer)
        content = buffer.getvalue()
        again = torch.export.load(io.BytesIO(content)).module()

    def run(*given: Tensor) -> Sequence[Tensor]:
        made = again(*given)
        return made if isinstance(made, tuple | list) else (made,)

    return content, run, f"torch {torch.__version__.partition('+')[0]}"


def _weights(network: Network) -> tuple[bytes, Runner, str]:
    weights = {name: tensor.contiguous() for name, tensor in network.module.network.state_dict().items()}  # type: ignore[union-attr]
    content = safetensors.torch.save(weights, metadata={"format": "pt"})
    again = copy.deepcopy(network.module)
    for tensor in again.network.state_dict().values():  # type: ignore[union-attr]
        tensor.zero_()
    again.network.load_state_dict(safetensors.torch.load(content))  # type: ignore[union-attr]

    def run(*given: Tensor) -> Sequence[Tensor]:
        made = again(*given)
        return made if isinstance(made, tuple | list) else (made,)

    return content, run, f"safetensors {metadata.version('safetensors')}"


@contextlib.contextmanager
def _calm() -> Iterator[None]:
    """Without what exporters say of themselves: what matters is checked afterwards."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


# ------------------------------------------------------------------------------------------------------ description


def mode(task: Task, found: Sequence[Network], batch_statistics: bool) -> list[str]:
    """What evaluation mode changes for a model whose paper does not test in it; empty for all others."""
    if not isinstance(task, Pix2PixTask):
        return []
    lines = []
    if task.recipe.dropout:
        own = "on" if task.recipe.test_dropout else "off"
        lines.append(
            "dropout: an input of the graph, 'mask'. Ones: no dropout, as evaluation mode has it; 0 with probability "
            f"{task.recipe.dropout:g} and else {1 / (1 - task.recipe.dropout):g}: the paper's noise. "
            f"`arzhang translate` has it {own} for this run"
        )
    if statistics_differ(task):
        kinds = ("the running statistics, as evaluation mode has it", "the statistics of each image, as the paper does")
        other = exportable(task, not batch_statistics)[0]
        apart = float((other.wanted[0] - found[0].wanted[0]).abs().mean())
        same = "the same" if batch_statistics == task.alone else "not the same, it takes the other"
        flag = "without --batch-statistics" if batch_statistics else "with --batch-statistics"
        lines.append(
            f"batch normalisation: by {kinds[batch_statistics]}; `arzhang translate` of this run: {same}. Images made "
            f"{flag} differ from these by {apart:.3f} on average (of 1, on the images of the check)"
        )
    return lines


def description(task: Task, facts: Mapping[str, Any], batch_statistics: bool = False) -> dict[str, Any]:
    """What whoever uses the networks must know besides their inputs and outputs."""
    recipe: Any = task.recipe  # type: ignore[attr-defined]
    told: dict[str, Any] = {
        "data": facts.get("description"),
        "images": {
            "layout": "batch, channels, height, width",
            "range": [0, 1],
            "from_bytes": "value / 255",
            "to_bytes": "round(255 · value)",
        },
    }
    if isinstance(recipe, Paired):
        label = _label_sides(recipe)
        told["images"]["resize"] = {
            side: "nearest" if side in label else "bilinear, antialiased" for side in ("given", "made")
        }
        if "given" in label or isinstance(task, SegmenterTask):
            palette = [{"name": name, "colour": f"#{r:02x}{g:02x}{b:02x}"} for name, (r, g, b) in CITYSCAPES]
            told["palette"] = palette if is_of_cityscapes(recipe) else None
    if isinstance(task, Pix2PixTask):
        told["evaluation"] = {
            "dropout": "the input 'mask'" if task.recipe.dropout else "none",
            "statistics": ("of each image" if batch_statistics else "running") if statistics_differ(task) else "none",
            "translate_has": task.used,
        }
    if isinstance(task, VAETask):
        told["prior"] = _prior(task)
    if facts.get("classes"):
        told["classes"] = list(facts["classes"])
    elif isinstance(task, GANTask) and task.classes:
        told["classes"] = [str(i) for i in range(task.classes)]
    return told


def _label_sides(recipe: Paired) -> set[str]:
    """Which of the given and the made image are label maps."""
    given = "right" if recipe.direction == "right-to-left" else "left"
    return {
        side
        for side, half in (("given", given), ("made", {"left": "right", "right": "left"}[given]))
        if recipe.label_side in (half, "both")
    }


def is_of_cityscapes(recipe: Paired) -> bool:
    """Whether a recipe's label maps are in the colours of Cityscapes' classes."""
    built_in = recipe.data or recipe.dataset
    return recipe.snap or recipe.system == "segmenter" or built_in in ("streets", "cityscapes")


def _prior(task: VAETask) -> dict[str, Any]:
    if task.recipe.prior == "normal":
        return {"kind": "standard normal"}
    own: Any = task.networks.get_submodule("prior")
    return {
        "kind": "mixture of Gaussians",
        "weights": own.logits.softmax(-1).tolist(),
        "means": own.means.tolist(),
        "variances": own.variances.tolist(),
    }


def _told(network: Network, file: str, written: Written) -> dict[str, Any]:
    def port(one: Port) -> dict[str, Any]:
        return {"name": one.name, "role": one.role, "dtype": "float32", "shape": ["batch", *one.shape], **one.told}

    return {
        "name": network.name,
        "file": file,
        "sha256": hashlib.sha256(written.content).hexdigest(),
        "weights_of": _named(network.module.network),
        "inputs": [port(one) for one in network.inputs],
        "outputs": [port(one) for one in network.outputs],
        "max_error": written.error,
        "checked_by": written.runtime,
    }


def _named(network: nn.Module | Tensor) -> str:
    kind = type(network)
    return f"{kind.__module__}.{kind.__name__}"


def _quiet(_: str) -> None:
    pass
