"""Pairs of images, such as a segmentation and its photo: from files, or built in, to batches on the device."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped, UInt8
from torch import Tensor
from torchvision.utils import make_grid, save_image

from arzhang.contracts import Example
from arzhang.data import images, layouts, sources
from arzhang.data.cache import Decoded
from arzhang.data.halves import LARGEST, Wanted, decoded
from arzhang.data.images import Images, Notify, Splits
from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_atomically
from arzhang.memory import sent
from arzhang.randomness import generator

Direction = Literal["right-to-left", "left-to-right"]
LabelSide = Literal["right", "left", "both", "none"]
Classes = Literal["inputs", "images", "both", "none"]
BUILT_IN = {
    "streets": "procedural streets and their segmentations, made here from a seed",
    "edges2fashion": "Fashion-MNIST images and their edges, made here from Fashion-MNIST",
    "cityscapes": "Cityscapes image pairs, from Kaggle",
}
BASE = {"edges2fashion": "fashion-mnist"}
"""What a set is made from."""
KAGGLE = "dansbecker/cityscapes-image-pairs"


class Pairs:
    """One part of a set of pairs: what is to be made of each, `images`, and what is given, `inputs`.

    Args:
        images: the side that is to be made, bytes.
        inputs: the other side, of equal height and width.
        classes_are: which of the two is a label map, whose colours are never mixed.
        jitter: whether luck enlarges images to 286/256 of their size and cuts out a part of the old size.
        mirror: whether luck mirrors every other example.
        unpaired: the sides know nothing of each other: luck chooses the input, or without luck the index does.
    """

    def __init__(
        self,
        images: Images,
        inputs: Images,
        classes_are: Classes = "none",
        *,
        jitter: bool = False,
        mirror: bool = False,
        unpaired: bool = False,
    ) -> None:
        self.images, self.inputs, self.classes_are = images, inputs, classes_are
        self.jitter, self.mirror, self.unpaired = jitter, mirror, unpaired
        self.augmented = jitter or mirror or unpaired
        self.shape, self.input_shape = images.shape, inputs.shape
        self.levels, self.range, self.names, self.device = images.levels, images.range, images.names, images.device
        self.labels: Int64[Tensor, " N"] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def nbytes(self) -> int:
        """Memory on the device."""
        return self.images.nbytes + self.inputs.nbytes

    def take(self, indices: Int64[Tensor, " B"], luck: Float[Tensor, "B 4"] | None = None) -> Example:
        """These pairs in [0, 1]. Luck: uniform numbers in [0, 1) for the crop's top and left, the mirror, the partner.

        The same draw moves both sides. A function of (indices, luck) alone.
        """
        partners = indices
        if self.unpaired:
            count = len(self.inputs)
            partners = indices % count if luck is None else (luck[:, 3] * count).long().clamp_(max=count - 1)
        made, given = self.images.raw(indices), self.inputs.raw(partners)
        if luck is not None and (self.jitter or self.mirror):
            luck = sent(luck, self.device)
            made = self._moved(made, luck, self.classes_are in ("images", "both"))
            given = self._moved(given, luck, self.classes_are in ("inputs", "both"))
        return Example(made / 255, inputs=given / 255)

    def batch(self, indices: Int64[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
        """What is to be made, as it is: for whatever knows single images only."""
        return self.images.batch(indices)

    def _moved(
        self, raw: UInt8[Tensor, "B C H W"], luck: Float[Tensor, "B 4"], labels: bool
    ) -> Shaped[Tensor, "B C H W"]:
        mirrored = luck[:, 2] < 0.5 if self.mirror else None
        if not self.jitter:
            assert mirrored is not None
            return torch.where(mirrored[:, None, None, None], raw.flip(3), raw)
        moved: Shaped[Tensor, "B C H W"] = raw
        for axis, draw, turned in ((2, luck[:, 0], None), (3, luck[:, 1], mirrored)):
            moved = _cropped(moved, axis, draw, turned, labels)
        return moved


def enlarged(side: int) -> int:
    """The side to which images are enlarged before a crop: 256 → 286, as in the paper, and others in proportion."""
    return round(side * 286 / 256)


def _cropped(
    values: Shaped[Tensor, "B C H W"], axis: int, draw: Float[Tensor, " B"], turned: Tensor | None, labels: bool
) -> Shaped[Tensor, "B C H W"]:
    """Along one axis: enlarged, and a part of the old length cut out, without making the whole enlarged image.

    A label map takes the nearest pixel, a photo the linear mean of two (pixel centres at half numbers, as in torch's
    interpolate with align_corners=False).
    """
    side = values.shape[axis]
    large = enlarged(side)
    starts = (draw * (large - side + 1)).long().clamp_(max=large - side)
    at = starts[:, None] + torch.arange(side, device=values.device)  # in the enlarged image
    if turned is not None:
        at = torch.where(turned[:, None], at.flip(1), at)
    shape = [len(values), 1, 1, 1]
    shape[axis] = side

    def pick(index: Tensor) -> Tensor:
        return values.take_along_dim(index.view(shape), axis)

    if labels:
        return pick((2 * at + 1) * side // (2 * large))
    place = ((at + 0.5) * (side / large) - 0.5).clamp_(min=0)
    low = place.long()
    share = (place - low).view(shape)
    return torch.lerp(pick(low).float(), pick((low + 1).clamp_(max=side - 1)).float(), share)


# --------------------------------------------------------------------------------------------------------- loading


class _Rows(NamedTuple):
    """Some left sides and some right ones: of pairs, the same rows of the same set."""

    left: Decoded
    rows: Int64[np.ndarray, " n"]
    right: Decoded
    others: Int64[np.ndarray, " m"]

    @classmethod
    def of(cls, left: Decoded, right: Decoded) -> "_Rows":
        return cls(left, np.arange(len(left.names)), right, np.arange(len(right.names)))

    @property
    def paired(self) -> bool:
        return self.left is self.right and np.array_equal(self.rows, self.others)

    def split(self, path: Path, *, test: bool = True) -> list["_Rows"]:
        """Train, validation and test by content, or train and validation alone."""
        first = images.split([self.left.hashes[row] for row in self.rows], path, test=test)
        second = first
        if not self.paired:
            second = images.split([self.right.hashes[row] for row in self.others], path, test=test)
        return [self._replace(rows=self.rows[a], others=self.others[b]) for a, b in zip(first, second, strict=True)]

    def apart(self) -> "_Rows":
        """Of pairs: the left sides of about half of their contents, and the right sides of the others."""
        if not self.paired:
            return self
        # By the end of the hash, for its beginning decides on the parts.
        ends = np.array([int(self.left.hashes[row][-4:], 16) for row in self.rows])
        chosen = ends % 2 == 0
        if chosen.all() or not chosen.any():
            chosen = ends > ends.min()
        if not chosen.any():
            raise ArzhangError("unpaired: training, validation and test need at least two different pairs each")
        return self._replace(rows=self.rows[chosen], others=self.others[~chosen])


class _How(NamedTuple):
    """What every way to pairs needs to know."""

    size: tuple[int, int] | None
    direction: Direction
    label_side: LabelSide
    snap: bool
    jitter: bool
    mirror: bool
    unpaired: bool
    device: torch.device
    memory_share: float
    notify: Notify

    def pairs(self, some: _Rows, *, train: bool) -> Pairs:
        """The two sides in the direction that was asked for; only the training part is moved by luck."""
        if self.unpaired:
            some = some.apart()
        forward = self.direction == "right-to-left"
        share = self.memory_share / 2  # of each side
        left = images.part(some.left.sides[0], some.left.names, some.rows, self.device, share)
        right = images.part(some.right.sides[-1], some.right.names, some.others, self.device, share)
        classes_are: dict[LabelSide, Classes] = {
            "right": "inputs" if forward else "images",
            "left": "images" if forward else "inputs",
            "both": "both",
            "none": "none",
        }
        return Pairs(
            left if forward else right,
            right if forward else left,
            classes_are[self.label_side],
            jitter=self.jitter and train,
            mirror=self.mirror and train,
            unpaired=self.unpaired,
        )

    def splits(self, title: str, parts: Sequence[_Rows], hashes: Sequence[str], unreadable: int = 0) -> Splits:
        """The three parts, and one line that says what they are."""
        made = [self.pairs(some, train=i == 0) for i, some in enumerate(parts)]
        _, height, width = made[0].shape
        what = f"{sum(map(len, made)):,} pairs"
        if self.unpaired:
            what = f"{sum(len(part.inputs) for part in made):,} inputs and {sum(map(len, made)):,} targets, unpaired,"
        given, wanted = ("grey" if c == 1 else "colour" for c in (made[0].input_shape[0], made[0].shape[0]))
        where = "the right side is given" if self.direction == "right-to-left" else "the left side is given"
        description = f"{title}: {what} of {height}×{width}, split {images.sizes(made)}; {where} ({given} → {wanted})"
        if unreadable:
            description += f"; {unreadable} unreadable and named"
        self.notify(description)
        digest = hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()
        return Splits(made[0], made[1], made[2], description, digest, None)


def load(
    *,
    dataset: str | None = None,
    data: str | None = None,
    size: int | tuple[int, int] | None = None,
    direction: Direction = "right-to-left",
    label_side: LabelSide = "right",
    snap: bool = False,
    jitter: bool = True,
    mirror: bool = True,
    unpaired: bool = False,
    scenes: int = 2_000,
    validation: int = 200,
    data_root: str | None = None,
    device: torch.device | str = "cpu",
    memory_share: float = 0.5,
    notify: Notify = print,
) -> Splits:
    """Pairs built in by their name, or (`data`) of a folder or a zip, on the device.

    "Left" and "right" are the halves of a side-by-side file, or the first and the second of two folders; direction
    "right-to-left" gives the right one and wants the left one made. `size` is the side of a square, or height and
    width; sides are brought to it whatever their proportions, label maps by nearest neighbour. Only the training part
    is jittered and mirrored. A set's own `val` is the test part where it has no `test`: it stays untouched until
    `evaluate`, and validation is held out of `train` by content. Raises UsageError or ArzhangError with what is wrong
    and what to do.
    """
    wanted = (size, size) if isinstance(size, int) else size
    if wanted is not None and not all(8 <= side <= LARGEST for side in wanted):
        raise UsageError(f"--size {size}: pairs have 8 to {LARGEST:,} pixels a side")
    how = _How(
        wanted, direction, label_side, snap, jitter, mirror, unpaired, torch.device(device), memory_share, notify
    )
    name = dataset if data is None else data
    if name is None:
        raise UsageError(f"no pairs: give --data DIR, a zip, or one of {', '.join(BUILT_IN)}")
    if name == "streets":
        return _streets(how, scenes, validation)
    if name == "edges2fashion":
        return _edges2fashion(how, validation, data_root)
    if name == "cityscapes":
        return _files(cityscapes(data_root, notify), how)
    if data is None:
        raise UsageError(f"pairs '{name}': there are {', '.join(BUILT_IN)}; for your own give --data DIR or a zip")
    return _files(Path(data), how)


# ----------------------------------------------------------------------------------------------------------- files


def _files(path: Path, how: _How) -> Splits:
    layout = layouts.find(path)
    if narrow := layouts.narrow(layout):
        width, height = narrow
        how.notify(
            f"{path}: files of {width}×{height} pixels are cut into sides of {width // 2}×{height}; "
            "single images are no pairs"
        )
    labels = (how.label_side in ("left", "both"), how.label_side in ("right", "both"))
    wanted = Wanted(how.size, labels, how.snap)
    found = {
        part: _Rows.of(*decoded(layout, sides, wanted, how.notify, unpaired=how.unpaired))
        for part, sides in layout.parts.items()
    }
    if how.unpaired:
        found = {part: some.apart() for part, some in found.items()}
    own = found.get("test") or found.get("validation")
    if "all" in found:
        parts = found["all"].split(path)
    elif own is None:
        parts = found["train"].split(path)
    elif "test" in found and "validation" in found:
        parts = [found["train"], found["validation"], found["test"]]
    else:
        parts = [*found["train"].split(path, test=False), own]
    for some in found.values():
        (height, width), other = some.left.sides[0].shape[2:], some.right.sides[-1].shape[2:]
        if (height, width) != other:
            sizes = f"{width}×{height} and {other[1]}×{other[0]}"
            raise UsageError(f"{path}: its two sides are of {sizes} pixels; give --size, e.g. --size {max(other)}")
    shapes = {tuple(side.shape[1:] for side in (some.left.sides[0], some.right.sides[-1])) for some in found.values()}
    if len(shapes) > 1:
        raise UsageError(f"{path}: its parts differ in size or colour; give --size, e.g. --size 256")
    sets = {id(one): one for some in found.values() for one in (some.left, some.right)}.values()
    hashes = [digest for one in sets for digest in one.hashes]
    return how.splits(str(path), parts, hashes, sum(len(one.unreadable) for one in sets))


# -------------------------------------------------------------------------------------------------------- built in


def _streets(how: _How, scenes: int, validation: int) -> Splits:
    """`scenes` for training, `validation` more, and for the test as many again, or a quarter of the scenes."""
    from arzhang.data import streets

    if scenes < 1 or validation < 1:
        raise UsageError(f"--scenes {scenes}, --validation {validation}: streets need at least one of each")
    size = how.size or (256, 256)
    counts = {"train": scenes, "validation": validation, "test": max(validation, scenes // 4)}
    found = {part: streets.made(part, count, *size, how.notify) for part, count in counts.items()}
    hashes = [digest for one in found.values() for digest in one.hashes]
    return how._replace(label_side="right").splits("streets", [_Rows.of(one, one) for one in found.values()], hashes)


def _edges2fashion(how: _How, validation: int, data_root: str | None) -> Splits:
    """Photos at the left, edges at the right, in Fashion-MNIST's own parts."""
    from arzhang.data import edges

    files = sources.fetch("fashion-mnist", data_root, notify=how.notify)
    size = how.size or (32, 32)
    halves = {half: edges.made(files, half, size) for half in ("train", "test")}
    kept, held = images.held_out("fashion-mnist", len(halves["train"].names), validation)
    train = _Rows.of(halves["train"], halves["train"])
    parts = [train._replace(rows=rows.numpy(), others=rows.numpy()) for rows in (kept, held)]
    parts.append(_Rows.of(halves["test"], halves["test"]))
    hashes = [digest for one in halves.values() for digest in one.hashes]
    return how._replace(label_side="none").splits("edges2fashion", parts, hashes)


def cityscapes(data_root: str | None, notify: Notify) -> Path:
    """The folder of Kaggle's "Cityscapes image pairs": here, or fetched by kagglehub. ArzhangError says every way."""
    here = [Path(data_root)] if data_root else []
    here.append(sources.cache_dir() / "cityscapes")
    for folder in here:
        if folder.is_dir() and any(folder.iterdir()):
            return folder
    try:
        import kagglehub

        notify("Cityscapes image pairs: fetching from Kaggle")
        return Path(kagglehub.dataset_download(KAGGLE))
    except ImportError:
        why = "kagglehub is not installed"
    except Exception as error:  # whatever the network or the account gives
        why = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    raise ArzhangError(
        f"Cityscapes image pairs are not here and could not be fetched ({why}). Ways to get them: pip install "
        f"'arzhang[kaggle]', with KAGGLE_USERNAME and KAGGLE_KEY set or ~/.kaggle/kaggle.json in place; or download "
        f"kaggle.com/datasets/{KAGGLE} in a browser and give --data archive.zip; or unpack it into {here[-1]}"
    )


def fetch(name: str, data_root: str | None = None, *, notify: Notify = print) -> str:
    """Where a built-in set is, fetched where it is not here; of one that is made here: what it is made of."""
    if name == "cityscapes":
        return str(cityscapes(data_root, notify))
    if name in ("streets", images.DRAWN):
        return "nothing to fetch: made when they are asked for"
    return str(next(iter(sources.fetch(BASE.get(name, name), data_root, notify=notify).values())).parent)


def looks_paired(name: str) -> bool:
    """Whether a name, a folder or a zip is more likely one of pairs than of single images."""
    return name in BUILT_IN or (name not in images.BUILT_IN and layouts.looks_paired(Path(name)))


def sheet(pairs: Pairs, n: int, path: Path | str, seed: int = 0) -> None:
    """n pairs of a part, chosen by the seed, one a row: what is given, what is to be made; small ones enlarged."""
    chosen = torch.randperm(len(pairs), generator=generator(seed, "contact sheet"))[:n]
    example = pairs.take(chosen)
    assert example.inputs is not None
    rows = [side.cpu().expand(-1, 3, -1, -1) for side in (example.inputs, example.images)]
    shown = torch.stack(rows, 1).flatten(0, 1)
    factor = max(1, 256 // shown.shape[-1])
    shown = shown.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    buffer = io.BytesIO()
    save_image(make_grid(shown, nrow=2, padding=4, pad_value=1.0), buffer, format="png")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), buffer.getvalue())
