"""From a recipe to a training, from a run back to its model: the only place that knows tasks, data and loop alike."""

import contextlib
import dataclasses
import functools
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from arzhang import recipes
from arzhang.contracts import Batch, Maker, Task
from arzhang.data import images as data
from arzhang.data import pairs
from arzhang.devices import Fabric, by_torchrun, determined, launch, layout, together
from arzhang.errors import ArzhangError, UsageError
from arzhang.metrics import kernel
from arzhang.metrics.features import inception_extractor
from arzhang.networks import pix2pix
from arzhang.randomness import generator, mix
from arzhang.tasks.classifier import ClassifierTask
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.tasks.gan import GANTask
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.tasks.segmenter import SegmenterTask, distance
from arzhang.tasks.vae import VAETask
from arzhang.training import checkpoint as checkpoints
from arzhang.training import ensemble, published
from arzhang.training.loop import Loop, batch_of, require_possible
from arzhang.training.run import CONFIG, Run, refuse_to_overwrite

Notify = Callable[[str], None]
MOST = 1 << 20
"""Of a side, of channels and of grey levels: no image has more."""
JUDGED = 128
"""Validation images on which a judge compares distributions."""
MAPS = 4
"""Label maps by which their side is judged."""
STRANGE = 25.0
"""Levels that colours lie from those of classes where they are no label map's; JPEG moves them by half of that."""
BEGINNING = 10_000
"""Training images that a task may look at before its first step."""
LONG = 0.5
"""Seconds of a step that tells enough by itself of how long others take."""


def build(
    recipe: recipes.Training,
    shape: tuple[int, int, int],
    levels: int | None,
    device: torch.device,
    classes: int = 0,
    input_shape: tuple[int, int, int] | None = None,
) -> Task:
    """The task of a recipe for images of this shape (of pairs: made from inputs of `input_shape`), its weights drawn
    from the recipe's seed."""
    with torch.random.fork_rng([]):
        torch.manual_seed(mix(recipe.seed, "weights"))
        if isinstance(recipe, recipes.VAE):
            return VAETask(recipe, shape, levels, device)
        if isinstance(recipe, recipes.Classifier):
            return ClassifierTask(recipe, shape, classes, device)
        if isinstance(recipe, recipes.GAN):
            return GANTask(recipe, shape, classes, device)
        if isinstance(recipe, recipes.Pix2Pix) and input_shape is not None:
            return Pix2PixTask(recipe, shape, input_shape, device)
        if isinstance(recipe, recipes.CycleGAN) and input_shape is not None:
            return CycleGANTask(recipe, shape, input_shape, device)
        if isinstance(recipe, recipes.Segmenter) and input_shape is not None:
            return SegmenterTask(recipe, shape, input_shape, device)
    raise UsageError(f"no task for a recipe of {type(recipe).__name__}")


def _build(recipe: recipes.Training, parts: data.Splits, device: torch.device) -> Task:
    given = getattr(parts.train, "input_shape", None)
    return build(recipe, parts.train.shape, parts.train.levels, device, len(parts.classes or ()), given)


def refuse_unfit(recipe: recipes.Training) -> None:
    """Refuse a size that the networks cannot take, and a folder without classes for what needs them, before any data
    are read or made for it."""
    if needs_classes(recipe) and recipe.data is not None:
        refuse_without_classes(recipe, Path(recipe.data))
    if recipe.size is None:
        return
    shape = (3 if isinstance(recipe, recipes.Paired) else 1, recipe.size, recipe.size)
    with torch.device("meta"):
        task = build(recipe, shape, 256, torch.device("meta"), 2, shape)
        images = torch.empty(2, *shape)
        if isinstance(task, CycleGANTask):
            task.judges[0](task.generator(images))
        elif isinstance(task, Pix2PixTask) and task.game is not None:
            seen = torch.cat([images, images], 1) if task.recipe.conditional else images
            task.networks.get_submodule("discriminator")(seen)


def needs_classes(recipe: recipes.Training) -> bool:
    """Whether a recipe can only be trained on images of several classes."""
    return isinstance(recipe, recipes.Classifier) or (isinstance(recipe, recipes.GAN) and recipe.conditional)


def refuse_without_classes(recipe: recipes.Training, folder: Path) -> None:
    """Refuse a folder whose images do not lie in two subfolders or more."""
    found = sorted(set(data.subfolders(data.files(folder)) or ()))
    if len(found) < 2:
        where = f"all of its images lie in {found[0]}" if found else "some of its images lie in no subfolder"
        raise UsageError(
            f"{folder}: {where}; a {recipe.system} needs two classes or more, one subfolder with images for each"
        )


def splits(
    recipe: recipes.Training, device: torch.device | str, notify: Notify, *, unpaired: bool | None = None
) -> data.Splits:
    """The three parts of the data set that a recipe names, on the device; `unpaired` None: as it trains."""
    if isinstance(recipe, recipes.Paired):
        return pairs.load(
            dataset=None if recipe.data else recipe.dataset,
            data=recipe.data,
            size=recipe.size,
            direction=recipe.direction,
            label_side=recipe.label_side,
            snap=recipe.snap,
            jitter=recipe.jitter,
            mirror=recipe.mirror,
            unpaired=recipe.unpaired if unpaired is None else unpaired,
            scenes=recipe.scenes,
            validation=recipe.validation,
            data_root=recipe.data_root,
            device=device,
            memory_share=recipe.memory_share,
            notify=notify,
        )
    return data.load(
        dataset=None if recipe.data else recipe.dataset,
        data=recipe.data,
        size=recipe.size,
        validation=recipe.validation,
        data_root=recipe.data_root,
        device=device,
        memory_share=recipe.memory_share,
        notify=notify,
    )


def data_of(run: Run, device: torch.device | str, notify: Notify) -> data.Splits:
    """The three parts of the data that a run was trained on; that they are others by now is said. Raises UsageError
    where they are gone."""
    if run.recipe.data not in (None, *pairs.BUILT_IN) and not Path(str(run.recipe.data)).exists():
        raise UsageError(
            f"{run.recipe.data}: no such folder (--data), and {run.path} was trained on it; "
            f"`arzhang resume {run.path} --data DIR` says where it lies now"
        )
    parts = splits(run.recipe, device, notify)
    if parts.sha256 != run.config.get("data", {}).get("sha256"):
        notify(f"{run.path}: was trained on other data than there are now; so its parts may be others, too")
    return parts


def paired(recipe: recipes.Paired, device: torch.device | str) -> data.Splits | None:
    """The same parts as pairs, where the two sides belong together, though a recipe does not train on them so."""
    try:
        return splits(recipe, device, _silent, unpaired=False)
    except ArzhangError:  # two folders whose names do not agree
        return None


def train(
    recipe: recipes.Training,
    out: Path | str | None = None,
    *,
    overwrite: bool = False,
    go_on: bool = False,
    notify: Notify = print,
) -> Run:
    """Train a recipe in a new run directory, and return it.

    `out` is the directory (by default the next free one in `runs/`); where it holds a run of this recipe already, on
    however many devices, `go_on` resumes that one. Raises UsageError for a recipe that makes no sense
    and ArzhangError where data, disk or the numbers themselves fail; a signal saves the state first.
    """
    path = Path(out) if out is not None else next_free(recipe)
    if go_on and (path / CONFIG).is_file():
        return _gone_on(Run(path), recipe, notify)
    if file := next((above for above in path.parents if above.is_file()), None):
        raise UsageError(f"--out {path}: {file} is a file")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        refuse_to_overwrite(path, overwrite)  # before the data are read
    refuse_unfit(recipe)
    devices, nodes = layout(recipe.devices, recipe.nodes, asked=recipe.devices * recipe.nodes > 1)
    recipe = dataclasses.replace(recipe, devices=devices, nodes=nodes)
    with determined(recipe), together(_what_is_left(path)):
        fabric = launch(recipe)
        say = notify if fabric.is_global_zero else _silent
        for line in recipes.idle(recipe):
            say(line)
        parts = splits(recipe, fabric.device, say)
        require_possible(recipe, len(parts.train))
        task = _build(recipe, parts, fabric.device)
        begin(task, recipe, parts, say)
        if fabric.is_global_zero:
            say(estimate(recipe, parts, fabric))
            Run.create(path, recipe, describe(parts), overwrite)
        fabric.barrier()
        run = Run(path)
        with run.locked() if fabric.is_global_zero else contextlib.nullcontext():
            _loop(run, recipe, parts, fabric, say, task).fit()
        return run


def _gone_on(run: Run, recipe: recipes.Training, notify: Notify) -> Run:
    """The run of a recipe, resumed on the recipe's devices."""
    where = {name: getattr(recipe, name) for name in ("accelerator", "devices", "nodes", "deterministic")}
    if dataclasses.replace(run.recipe, **where) != recipe:
        raise UsageError(f"--go-on: {run.path} holds a run of other options; `arzhang resume` goes on with that one")
    if by_torchrun() is not None and recipe.devices * recipe.nodes == 1:
        del where["devices"], where["nodes"]  # not asked for, but torchrun's
    return resume(run.path, notify=notify, **where)


def _what_is_left(path: Path) -> str:
    return f"the last checkpoint is sound: `arzhang resume {path}` goes on, also with another number of --devices"


def resume(path: Path | str, *, notify: Notify = print, **changes: Any) -> Run:
    """Go on with a run from its last sound checkpoint, with nothing but its name; `changes` may ask for `epochs`."""
    run = Run(path)
    before = run.recipe
    done = max((entry["epoch"] for entry in run.metrics() if entry["split"] == "validation"), default=0)
    if changes.get("epochs", done) < done:
        raise UsageError(f"--epochs {changes['epochs']}: {done} are done already")
    recipe = dataclasses.replace(before, **changes)
    devices, nodes = layout(recipe.devices, recipe.nodes, asked=not changes.keys().isdisjoint(("devices", "nodes")))
    recipe = dataclasses.replace(recipe, devices=devices, nodes=nodes)
    with determined(recipe), together(_what_is_left(run.path)):
        return _resumed(run, before, recipe, notify)


def _resumed(run: Run, before: recipes.Training, recipe: recipes.Training, notify: Notify) -> Run:
    fabric = launch(recipe)
    say = notify if fabric.is_global_zero else _silent
    parts = splits(recipe, fabric.device, say)
    _require_same(parts, run)
    if recipe.epochs != before.epochs:
        say(f"{recipe.epochs} epochs in place of {before.epochs}; the {recipe.schedule} schedule is computed anew")
    if recipe != before and fabric.is_global_zero:
        run.update(recipe)
    with run.locked() if fabric.is_global_zero else contextlib.nullcontext():
        _loop(run, recipe, parts, fabric, say).fit()
    return run


def _require_same(parts: data.Splits, run: Run) -> None:
    if parts.sha256 != run.config.get("data", {}).get("sha256"):
        raise ArzhangError(f"{run.path}: the data are not those that this run began with ({parts.description})")


def _loop(
    run: Run, recipe: recipes.Training, parts: data.Splits, fabric: Fabric, notify: Notify, task: Task | None = None
) -> Loop:
    """The loop of a run, its `task` begun already or begun here."""
    if task is None:
        task = _build(recipe, parts, fabric.device)
        if not checkpoints.available(run.path / "checkpoints"):
            begin(task, recipe, parts, notify)
    return Loop(task, recipe, parts.train, parts.validation, run, fabric, notify, judge(task, recipe, parts, notify))


def train_together(plan: Sequence[tuple[recipes.Training, Path]], *, notify: Notify = print) -> None:
    """Train recipes of one `ensemble.kind`, each in its own run directory, as one training (`ensemble.fit`): runs that
    are there already go on, the others begin. Raises as `train` does; what went well until then is kept.
    """
    recipe, _ = plan[0]
    refuse_unfit(recipe)
    with determined(recipe), contextlib.ExitStack() as locks:
        fabric = launch(recipe)
        parts = splits(recipe, fabric.device, notify)
        require_possible(recipe, len(parts.train))
        loops = []
        for own, path in plan:
            run = Run(path) if (path / CONFIG).is_file() else Run.create(path, own, describe(parts))
            _require_same(parts, run)
            locks.enter_context(run.locked())
            loops.append(_loop(run, own, parts, fabric, functools.partial(_of_run, notify, path)))
        ensemble.fit(loops, notify)


def _of_run(notify: Notify, path: Path, line: str) -> None:
    notify(line if str(path) in line else f"{path}: {line}")


def judge(task: Task, recipe: recipes.Training, parts: data.Splits, notify: Notify) -> Callable[[], Any] | None:
    """KID of what a task makes, of noise, classes or inputs of some validation images, on the FID network where it is
    at hand; nothing is fetched for it."""
    n = min(JUDGED, len(parts.validation))
    if not isinstance(task, Maker) or recipe.epochs < 1 or task.criterion != "kid" or n < 2:
        return None
    try:
        extractor = inception_extractor(device=task.device, download=False)
    except ArzhangError as error:
        notify(f"no KID at previews, so the last checkpoint counts as the best ({error})")
        return None

    what = "pairs" if isinstance(parts.validation, pairs.Pairs) else "images"
    notify(f"the best checkpoint is that of the least KID at previews, on {n} validation {what}")

    def batches() -> Iterator[Batch]:
        for indices in torch.arange(n).split(25):
            keys = [generator(recipe.seed, "judge", int(i), device=task.device) for i in indices]
            yield batch_of(parts.validation, indices, torch.cat([task.noise(1, key) for key in keys]))

    def kid() -> dict[str, float]:
        real = extractor.rows(lambda: (batch.images for batch in batches()), n, "validation images")
        made = extractor.rows(lambda: (task.made(batch) for batch in batches()), n, "made images", keep=False)
        return {"kid": kernel.kid(real, made).value}

    return kid


def sound_checkpoint(run: Run, which: str, notify: Notify) -> checkpoints.Checkpoint:
    """The best or last checkpoint whose hashes agree."""
    found = checkpoints.newest_sound(run.path / "checkpoints", notify, which)
    if found is None:
        raise ArzhangError(f"{run.path}: holds no sound checkpoint yet")
    return found


def load(
    path: Path | str,
    *,
    checkpoint: str = "best",
    device: torch.device | str = "cpu",
    notify: Notify = warnings.warn,
) -> Any:
    """The trained model of a run, for use from Python: for a VAE `encode`, `decode`, `reconstruct`, `sample`.

    `path` may also be a published model: a folder of `arzhang publish --to huggingface`, or its address on the hub,
    `hf://owner/name` or `hf://owner/name@revision` (extra 'hub'). `checkpoint` is "best" (by validation) or "last" of a
    run. Weights are read from safetensors: no code in the run is run.
    """
    tensors: dict[str, torch.Tensor] | None = None
    if (folder := published.found(path)) is not None:
        recipe, facts, tensors = published.read(folder)
        where = folder / published.CONFIG
    else:
        run = Run(path)
        recipe, facts, where = run.recipe, run.config.get("data", {}), run.path / "config.yaml"
    shape, levels, classes, input_shape = _images_of(facts, where)
    if tensors is None:
        found = sound_checkpoint(run, checkpoint, notify)
        tensors = found.tensors(checkpoints.AVERAGED if recipe.ema else checkpoints.WEIGHTS)
    # First without memory: a file may ask for networks that no machine can hold, its weights cannot.
    _require_shapes(recipe, (shape, levels, torch.device("meta"), classes, input_shape), tensors, where)
    task = build(recipe, shape, levels, torch.device(device), classes, input_shape)
    checkpoints.load_weights(task.networks, tensors, where)
    task.networks.eval()
    return task


def _images_of(facts: Any, where: Path) -> tuple[Any, int | None, int, Any]:
    """Shape, levels, number of classes and shape of the inputs, of what a file says of a model's images."""
    told = facts if isinstance(facts, dict) else {}
    shape, inputs, levels, classes = (told.get(name) for name in ("shape", "input_shape", "levels", "classes"))
    shapes = [shape] if inputs is None else [shape, inputs]
    for one in shapes:
        if not (isinstance(one, list) and len(one) == 3 and all(type(n) is int and 0 < n <= MOST for n in one)):
            raise UsageError(f"{where}: says nothing of the shape of its images, so no model can be made")
    if "levels" not in told or (levels is not None and (type(levels) is not int or not 2 <= levels <= MOST)):
        raise UsageError(f"{where}: says nothing of its images' grey levels, so no model can be made")
    if not isinstance(classes or [], list):
        raise UsageError(f"{where}: its classes are no list of names")
    assert shape is not None  # as the loop above has seen
    return tuple(shape), levels, len(classes or []), None if inputs is None else tuple(inputs)


def _require_shapes(recipe: recipes.Training, how: tuple[Any, ...], tensors: dict[str, Tensor], where: Path) -> None:
    """Raise ArzhangError where a recipe's networks are not those of some weights, before memory is taken for them."""
    try:
        with torch.device("meta"):
            own = build(recipe, *how).networks.state_dict()
    except ArzhangError:
        raise
    except (RuntimeError, ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
        raise ArzhangError(f"{where}: no network can be made of this recipe ({why})") from None
    for name in own.keys() | tensors.keys():
        if name not in own or name not in tensors or own[name].shape != tensors[name].shape:
            raise ArzhangError(f"{where}: the weights are not those of its recipe (see '{name[:80]}')")


def load_public(path: Path, device: torch.device | str = "cpu") -> Pix2PixTask:
    """A pix2pix generator from a file of the widely used PyTorch port (`*_net_G.pth`, tensors only)."""
    weights = pix2pix.from_public(checkpoints.read_tensors(path))
    own = pix2pix.arguments(weights)
    size, width, norm = int(own["size"]), int(own["width"]), cast(Any, own["norm"])
    recipe = recipes.Pix2Pix(size=size, width=width, norm=norm, skips=bool(own["skips"]), adversarial="none")
    task = build(
        recipe, (int(own["outputs"]), size, size), 256, torch.device(device), 0, (int(own["inputs"]), size, size)
    )
    assert isinstance(task, Pix2PixTask)
    task.generator.load_state_dict(weights)
    task.networks.eval()
    return task


def begin(task: Task, recipe: recipes.Training, parts: data.Splits, notify: Notify) -> None:
    """What a task has before its first step: another run's weights, or what it takes from some training images."""
    taken = initialise(task, Path(recipe.init_from), notify) if recipe.init_from else set()
    if isinstance(task, SegmenterTask):
        some = parts.train.take(torch.arange(min(MAPS, len(parts.train)), device=parts.train.device)).inputs
        assert some is not None
        if (away := distance(some)) > STRANGE:
            notify(
                f"the given side's colours lie {away:.0f} of 255 levels from Cityscapes' classes, which are all that a "
                "segmenter knows; are the label maps on the other side (--direction, --label-side)?"
            )
    if isinstance(task, VAETask) and "prior.means" not in taken:
        some = parts.train.batch(torch.arange(min(BEGINNING, len(parts.train)), device=task.device))
        task.initialise(some, standardise="vae.mean.weight" not in taken)


def initialise(task: Task, path: Path, notify: Notify) -> set[str]:
    """Take from another run what fits this task: tensors of equal name and shape; the others are named. Returns the
    names of those taken."""
    source: dict[str, Tensor]
    if not path.exists():
        raise UsageError(f"--init-from {path}: no such run or file")
    if path.is_dir():
        source = sound_checkpoint(Run(path), "best", notify).tensors(
            checkpoints.AVERAGED if Run(path).recipe.ema else checkpoints.WEIGHTS
        )
    else:
        source = checkpoints.read_tensors(path)
        if path.suffix == ".pth":
            source = {f"generator.{name}": value for name, value in pix2pix.from_public(source).items()}
    own = task.networks.state_dict()
    fitting = {name: value for name, value in source.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise UsageError(f"--init-from {path}: none of its tensors fits this recipe")
    left = sorted(set(own) - set(fitting))
    task.networks.load_state_dict(own | fitting)
    fresh = f"; these begin fresh: {', '.join(left)}" if left else ""
    notify(f"{path}: {len(fitting)} of {len(own)} tensors taken{fresh}")
    return set(fitting)


def next_free(recipe: recipes.Training) -> Path:
    """runs/vae-1, runs/vae-2, …: the first that does not exist."""
    number = 1
    while (path := Path("runs") / f"{recipe.system}-{number}").exists():
        number += 1
    return path


def estimate(recipe: recipes.Training, parts: data.Splits, fabric: Fabric) -> str:
    """One line on what a training will take, from three steps, or one that is long, of a copy that is thrown away."""
    task = _build(recipe, parts, fabric.device)
    size = min(recipe.batch_size // fabric.world_size, len(parts.train))
    indices = torch.arange(size, device=fabric.device)
    noise = task.noise(size, generator(0, device=fabric.device))
    seconds, held = [], {}

    def remember(tensor: Tensor) -> Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    task.networks.train()
    for i in range(4):
        start = time.perf_counter()
        with torch.autograd.graph.saved_tensors_hooks(remember if i == 0 else _same, _same), fabric.autocast():
            batch = batch_of(parts.train, indices, noise)
            shared = task.prepare(batch)
            for turn in task.turns:
                loss, _ = turn.loss(batch, shared)
                loss.backward()
                turn.optimizer.step()
                turn.optimizer.zero_grad()
        loss.item()
        seconds.append(time.perf_counter() - start)
        if i and seconds[-1] > LONG:
            break
    weights = sum(p.numel() * p.element_size() for p in task.networks.parameters())
    resident = sum(part.nbytes for part in parts[:3])
    memory = 4 * weights + sum(held.values()) + resident  # weights, gradients, Adam's two moments
    step, steps = statistics.median(seconds[1:]), len(parts.train) // recipe.batch_size * recipe.epochs
    network = f"{sum(p.numel() for p in task.networks.parameters()):,} weights"
    where = f"{fabric.device.type}, {torch.get_num_threads()} threads" if fabric.device.type == "cpu" else fabric.device
    pace = f"{steps:,} steps of {step * 1e3:.1f} ms"
    return f"about {duration(step * steps)} and {memory / 1e6:,.0f} MB: {network}, {pace} ({where})"


def duration(seconds: float) -> str:
    """Seconds as one would say them: 95 → '1 min 35 s'."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "a second"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def describe(parts: data.Splits) -> dict[str, Any]:
    return {
        "description": parts.description,
        "sha256": parts.sha256,
        "shape": list(parts.train.shape),
        "levels": parts.train.levels,
        "range": list(parts.train.range),
        "images": {name: len(part) for name, part in zip(("train", "validation", "test"), parts[:3], strict=True)},
        "classes": list(parts.classes or []),
    } | ({"input_shape": list(parts.train.input_shape)} if isinstance(parts.train, pairs.Pairs) else {})


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _silent(_: str) -> None:
    pass
