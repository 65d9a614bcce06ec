"""Two sets of images, ours or anybody's, and what lies between them: numbers, and a diagnosis to look at."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from arzhang import pictures
from arzhang.data.images import Images, subfolders, whole
from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_atomically
from arzhang.metrics import diagnosis, scores
from arzhang.metrics.features import Extractor
from arzhang.metrics.scores import FED, ImageSet, Metric, Published

DIAGNOSIS = "diagnosis.json"
ROWS = 10
"""Images on a sheet of a diagnosis, each beside its nearest others."""


def score(
    real: Path,
    made: Path,
    names: Sequence[str],
    extractor: Callable[[], Extractor],
    *,
    size: int | None = None,
    n: int | None = None,
    seed: int = 0,
    diagnose_in: Path | None = None,
    notify: Callable[[str], None] = print,
) -> dict[str, Metric]:
    """Two folders of images by the metrics named: the first is the truth, the second is judged.

    The first may be an `.npz` of published statistics, for FID. `diagnose_in` is a folder for a diagnosis. Raises
    UsageError or ArzhangError for a folder that cannot be taken whole: nothing is left out without a word.
    """
    scores.check(names)
    if diagnose_in is not None and real.suffix == ".npz":
        raise UsageError(f"--diagnose: needs images, and {real} holds statistics alone")
    folders = {} if real.suffix == ".npz" else {"real": _folder(real, size, n, notify)}
    folders["made"] = _folder(made, size, n, notify)
    sets = {which: ImageSet(str(images.folder), images.n, images.batches) for which, images in folders.items()}
    truth = sets["real"] if "real" in sets else Published.read(real)
    network = extractor()
    found = scores.scores(truth, sets["made"], names, network, seed)
    if diagnose_in is not None and isinstance(truth, ImageSet):
        classes = [folder.classes() for folder in folders.values()]
        known = classes[0] is not None
        diagnose(truth, sets["made"], network, diagnose_in, None, classes[0], classes[1] if known else None)
    return found


@dataclasses.dataclass(frozen=True)
class Folder:
    """The first n images of a folder."""

    folder: Path
    images: Images
    n: int

    def batches(self) -> Iterator[Float[Tensor, "B C H W"]]:
        return (self.images.batch(part) for part in torch.arange(self.n).split(FED))

    def classes(self) -> list[str] | None:
        """The folder within this one that holds each image, where all are in such."""
        return subfolders((self.images.names or ())[: self.n])


def _folder(path: Path, size: int | None, n: int | None, notify: Callable[[str], None]) -> Folder:
    images = whole(path, size=size, exact=True, notify=notify)
    if images.kind == "float32" and images.range != (0.0, 1.0):
        low, high = images.range
        raise ArzhangError(
            f"{path}: fractions must lie in [0, 1] to be scored; these reach from {low:.4g} to {high:.4g}"
        )
    count = len(images) if n is None else n
    if count < 2:
        raise UsageError(f"{path}: {count} image(s); a score needs at least 2")
    if len(images) < count:
        raise UsageError(f"{path}: holds {len(images):,} images, fewer than the {count:,} of -n")
    return Folder(path, images, count)


# --------------------------------------------------------------------------------------------------------- diagnosis


def diagnose(
    real: ImageSet,
    made: ImageSet,
    extractor: Extractor,
    out: Path,
    training: ImageSet | None = None,
    real_classes: Sequence[str] | None = None,
    made_classes: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Write `diagnosis.json` and two sheets into `out`: made images farthest from real ones, and those nearest to
    training images, each beside its neighbours."""
    sets = [real, made] + ([] if training is None else [training])
    rows = [extractor.rows(images.batches, images.n, images.name) for images in sets]
    found = diagnosis.diagnose(rows[0], rows[1], rows[2] if training is not None else None, real_classes, made_classes)
    trained = training or real
    nearest = found.copies[:, 0].argsort()
    out.mkdir(parents=True, exist_ok=True)
    _sheet(out / "farthest.png", made, found.farthest[:ROWS], real, found.near)
    _sheet(out / "nearest.png", made, nearest[:ROWS], trained, found.copied)
    result = {
        "diagnosis": Path(made.name).name,
        "conclusions": _conclusions(found, real, made, trained, extractor, made_classes is not None),
        "classes": [dataclasses.asdict(one) for one in found.classes],
        "protocol": {**extractor.protocol, "n": made.n, "n_real": real.n, "n_training": trained.n},
        "sheets": {
            "farthest": {"distances": found.apart[found.farthest[:ROWS], 0].tolist(), "of": _called(real)},
            "nearest": {"distances": found.copies[nearest[:ROWS], 0].tolist(), "of": _called(trained)},
        },
    }
    write_atomically(out / DIAGNOSIS, json.dumps(result, indent=1) + "\n")
    return result


def _conclusions(
    found: diagnosis.Diagnosis, real: ImageSet, made: ImageSet, trained: ImageSet, extractor: Extractor, own: bool
) -> list[dict[str, Any]]:
    name = "FID" if extractor.protocol["network"].startswith("FID") else "FD"
    values: dict[str, Any] = {
        "name": name, "value": found.value, "share": found.mean_part / found.value if found.value > 0 else 0.0,
        "mean": found.mean_part, "covariance": found.covariance_part, "made": _called(made), "real": _called(real),
    }  # fmt: skip
    conclusions = [{"id": "diagnosis.parts", "values": values}]
    measured = [one for one in found.classes if one.distance is not None]
    if len(measured) > 1:
        worst, best = max(measured, key=lambda c: c.distance or 0), min(measured, key=lambda c: c.distance or 0)
        lost = min(found.classes, key=lambda c: c.made / made.n - c.real / real.n)
        values = {
            "name": name, "worst": worst.name, "worst_value": worst.distance, "best": best.name,
            "best_value": best.distance,
        }  # fmt: skip
        conclusions.append({"id": "diagnosis.classes" if own else "diagnosis.classes_by_neighbour", "values": values})
        of_made, of_real = lost.made / made.n, lost.real / real.n
        if of_made < 0.8 * of_real:
            values = {"lost": lost.name, "made": of_made, "real": of_real}
            conclusions.append({"id": "diagnosis.lost", "values": values})
    near = {"share": found.share_near, "expected": diagnosis.COPIES, "threshold": found.threshold}
    copied = "copied" if found.share_near > 3 * diagnosis.COPIES else "new"
    kind = "few" if min(made.n, real.n) < diagnosis.ENOUGH else copied
    values = near | {"of": _called(trained), "enough": diagnosis.ENOUGH}
    conclusions.append({"id": f"diagnosis.{kind}", "values": values})
    return conclusions


def _called(images: ImageSet) -> str:
    """A folder by its last name: no path of this machine goes into a page."""
    return f"images in {Path(images.name).name}" if Path(images.name).is_dir() else images.name


def _sheet(path: Path, made: ImageSet, chosen: Tensor, others: ImageSet, near: Tensor) -> None:
    """Rows of an image and its nearest others, two such rows side by side where there is room."""
    own = _picked(made, chosen)
    beside = _picked(others, near[chosen].flatten())
    channels = max(own.shape[1], beside.shape[1])
    beside = F.interpolate(beside, own.shape[2:], mode="bilinear", antialias=True).clamp(0, 1)
    own, beside = (images.expand(-1, channels, -1, -1) for images in (own, beside))
    rows = torch.cat([own[:, None], beside.unflatten(0, near[chosen].shape)], 1)
    pictures.write_sheet(rows.flatten(0, 1), path, columns=2 * rows.shape[1])


def _picked(images: ImageSet, indices: Tensor) -> Float[Tensor, "n C H W"]:
    """These images of a set that can only be gone through."""
    found: dict[int, Tensor] = {}
    wanted, start = set(indices.tolist()), 0
    for batch in images.batches():
        found |= {start + i: image.cpu() for i, image in enumerate(batch) if start + i in wanted}
        start += len(batch)
    return torch.stack([found[i] for i in indices.tolist()])
