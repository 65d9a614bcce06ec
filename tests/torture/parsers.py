"""Every reader of files that others may have written, with files for it: sound ones, broken ones, planted ones."""

import functools
import gzip
import hashlib
import io
import json
import pickle
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import tifffile
import torch
import yaml
from PIL import Image
from safetensors.torch import save
from torch import nn

from arzhang import recipes
from arzhang.errors import ArzhangError
from torture.mutation import mutated, mutated_json, mutated_safetensors, mutated_value

Files = Mapping[str, bytes]
Hand = Callable[[bytes, Sequence[bytes], Random], bytes]
HANDS: dict[str, Hand] = {".json": mutated_json, ".safetensors": mutated_safetensors}


@dataclass(frozen=True)
class Parser:
    """One reader: what it is given, and what it may raise."""

    name: str
    corpus: Sequence[Files]
    """Folders of sound files."""
    reader: Callable[[Path], Callable[[Path], object]]
    """Prepares, and gives the function that reads the folder of one input."""
    planted: Sequence[Files] = ()
    """Files that somebody has made with intent."""
    mend: Callable[[dict[str, bytes], Random], None] = lambda files, luck: None
    """Makes what was broken pass the first checks, such as hashes, most often."""
    broken_files: Sequence[str] = ()
    """Those that are broken; otherwise all of them."""
    refusals: tuple[type[BaseException], ...] = (ArzhangError,)
    hands: Mapping[str, Hand] = field(default_factory=lambda: HANDS)

    def broken(self, luck: Random) -> Files:
        """One of the sound folders, with one or two of its files broken."""
        files = dict(luck.choice(self.corpus))
        names = [name for name in files if not self.broken_files or name in self.broken_files]
        for _ in range(luck.choice((1, 1, 1, 2)) if len(names) > 1 else 1):
            name = luck.choice(names)
            others = [folder[name] for folder in self.corpus if name in folder]
            files[name] = self.hands.get(Path(name).suffix, mutated)(files[name], others, luck)
        if luck.random() < 0.85:
            self.mend(files, luck)
        return files


class Planted:
    """A pickle that runs a command where it is unpickled."""

    def __reduce__(self) -> Any:
        import os

        return os.system, ("touch /tmp/arzhang-torture-was-here",)


def evil() -> bytes:
    return pickle.dumps({"weight": Planted()})


def _reads(function: Callable[..., object], name: str) -> Callable[[Path], Callable[[Path], object]]:
    return lambda _: lambda folder: function(folder / name)


# -------------------------------------------------------------------------------------------------------- tensors


def _tensors() -> list[bytes]:
    generator = torch.Generator().manual_seed(0)
    few = {"a.weight": torch.randn(3, 2, generator=generator), "a.bias": torch.zeros(3), "n": torch.tensor(7)}
    kinds = (torch.float16, torch.bfloat16, torch.int8, torch.bool, torch.float64)
    return [save(few), save({str(k): torch.ones(2, 3).to(k) for k in kinds}), save({"empty": torch.zeros(0, 4)})]


def _header(value: Any, body: bytes = b"", size: int | None = None) -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + body


def _safetensors() -> Parser:
    from arzhang.training.checkpoint import read_tensors

    f32 = {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}
    planted = [
        _header({"a": f32}, bytes(8)),
        _header({"a": {**f32, "shape": [2], "data_offsets": [0, 2**63]}}, bytes(8)),
        _header({"a": {**f32, "shape": [2]}, "b": {**f32, "shape": [2], "data_offsets": [4, 12]}}, bytes(12)),
        _header(b"{" * 100_000),
        _header(b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
        _header(b"{}", size=2**63),
        _header(b"{}", size=2**27),
        evil(),
        b"",
    ]
    return Parser(
        "safetensors",
        [{"w.safetensors": one} for one in _tensors()],
        _reads(read_tensors, "w.safetensors"),
        [{"w.safetensors": one} for one in planted],
    )


def _pth() -> Parser:
    from arzhang.training.checkpoint import read_tensors

    found = []
    state = {"a.weight": torch.ones(3, 2), "a.bias": torch.zeros(3)}
    for zipped in (True, False):
        torch.save(state, file := io.BytesIO(), _use_new_zipfile_serialization=zipped)
        found.append(file.getvalue())
    planted = [evil(), found[1][:100] + evil()]
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("archive/data.pkl", evil())
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    planted.append(file.getvalue())
    module = nn.Linear(2, 2)
    torch.save(module, file := io.BytesIO())
    planted.append(file.getvalue())
    return Parser(
        "pth", [{"w.pth": one} for one in found], _reads(read_tensors, "w.pth"), [{"w.pth": one} for one in planted]
    )


def _rehash(files: dict[str, bytes], luck: Random) -> None:
    try:
        manifest = json.loads(files[f"{STEP}/manifest.json"])
        for name in manifest["sha256"]:
            manifest["sha256"][name] = hashlib.sha256(files[f"{STEP}/{name}"]).hexdigest()
        files[f"{STEP}/manifest.json"] = json.dumps(manifest).encode()
    except (ValueError, KeyError, TypeError):
        pass


STEP = "step_00000010"


def _checkpoint() -> Parser:
    """What `resume` does with the newest checkpoint, on a network of one layer."""
    from arzhang.training import checkpoint as checkpoints

    def network() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        module = nn.Linear(2, 3)
        return module, torch.optim.Adam(module.parameters())

    module, optimizer = network()
    module(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    files = {
        "weights.safetensors": save(module.state_dict()),
        "optimizers.safetensors": save(checkpoints.optimizer_tensors({"all": optimizer})),
        "state.json": json.dumps(
            {"step": 10, "validation": 0.5, "epoch": 1, "seconds": 1.5, "names": [["loss"]], "window": [[0.5], [0.25]]}
        ).encode(),
    }
    manifest = {"sha256": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}}
    files["manifest.json"] = json.dumps(manifest).encode()

    def prepare(_: Path) -> Callable[[Path], object]:
        module, optimizer = network()

        def resume(folder: Path) -> object:
            found = checkpoints.newest_sound(folder, lambda line: None)
            if found is None:
                return None
            checkpoints.load_weights(module, found.tensors(checkpoints.WEIGHTS), found.path)
            checkpoints.restore_optimizers({"all": optimizer}, found.tensors(checkpoints.OPTIMIZERS))
            return found.course()

        return resume

    corpus = {f"{STEP}/{name}": content for name, content in files.items()}
    climbing = json.dumps({"sha256": {**manifest["sha256"], "../../../etc/passwd": "0"}}).encode()
    deep = b"[" * 200_000
    planted = [{f"{STEP}/{name}": content} for name, content in (
        ("manifest.json", climbing), ("manifest.json", deep), ("state.json", deep), ("weights.safetensors", evil()),
        ("manifest.json", b'{"sha256": {}}'),
    )]  # fmt: skip
    return Parser("checkpoint", [corpus], prepare, planted, _rehash)


def _published() -> Parser:
    """A folder that somebody has published, to a model that could be used."""
    import dataclasses

    from arzhang import assembly
    from arzhang.training import published

    recipe = recipes.VAE(latent_dim=2)
    shape = (1, 28, 28)
    task = assembly.build(recipe, shape, 256, torch.device("cpu"))
    weights = save({name: tensor.contiguous() for name, tensor in task.networks.state_dict().items()})
    plain = {name: value for name, value in dataclasses.asdict(recipe).items() if name in KEPT}
    told = {
        "library_name": "arzhang",
        "system": "vae",
        "recipe": plain,
        "data": {"shape": list(shape), "levels": 256, "range": [0.0, 255.0], "classes": [], "description": "few"},
        "versions": {},
        "sha256": hashlib.sha256(weights).hexdigest(),
    }

    def prepare(_: Path) -> Callable[[Path], object]:
        real = published.from_mapping

        @functools.lru_cache(512)
        def known(system: type, text: str, where: str) -> Any:
            return real(system, json.loads(text), where)

        # Reading options takes far longer than all else; what was read before is not read again.
        published.from_mapping = lambda system, values, where="": known(system, json.dumps(values), where)
        return lambda folder: assembly.load(folder, notify=lambda line: None)

    def mend(files: dict[str, bytes], luck: Random) -> None:
        try:
            config = json.loads(files["config.json"])
            config["sha256"] = hashlib.sha256(files["model.safetensors"]).hexdigest()
            files["config.json"] = json.dumps(config).encode()
        except (ValueError, TypeError):
            pass

    def with_(**changes: Any) -> dict[str, bytes]:
        return {"config.json": json.dumps({**told, **changes}).encode()}

    planted = [
        with_(recipe={**plain, "latent_dim": 10**9}),
        with_(data={**told["data"], "shape": [1, 100_000, 100_000]}),
        with_(data={**told["data"], "shape": [10**6, 28, 28]}),
        with_(system="pix2pix", recipe={"width": 10**6}, data={**told["data"], "input_shape": [3, 256, 256]}),
        with_(system="cgan", recipe={}, data={**told["data"], "classes": ["a"] * 500_000}),
        with_(recipe={**plain, "init_from": "/etc/passwd"}),
        with_(recipe={**plain, "config": "/etc/passwd"}),
        {"model.safetensors": evil(), **with_(sha256=hashlib.sha256(evil()).hexdigest())},
        {"config.json": b"[" * 500_000},
        {"config.json": b" " * (2 << 20)},
    ]
    corpus = {"config.json": json.dumps(told).encode(), "model.safetensors": weights}
    return Parser("published", [corpus], prepare, planted, mend, hands={**HANDS, ".json": _config})


KEPT = ("latent_dim", "beta", "prior", "epochs", "lr", "seed")
"""Options of the published recipe that the files name; the others are defaults."""


def _config(data: bytes, others: Sequence[bytes], luck: Random) -> bytes:
    """The recipe stays as it is, most often, for it takes long to read, and is a parser of its own here."""
    if luck.random() < 0.05:
        return mutated_json(data, others, luck)
    try:
        config = json.loads(data)
    except ValueError:
        return mutated(data, others, luck)
    if not isinstance(config, dict) or "recipe" not in config:
        return mutated_json(data, others, luck)
    changed = mutated_value({name: value for name, value in config.items() if name != "recipe"}, luck)
    return json.dumps({**changed, "recipe": config["recipe"]} if isinstance(changed, dict) else changed).encode()


# -------------------------------------------------------------------------------------------------------- run folders

OPTIONS = b"""\
# options
epochs: 3
lr: 1.0e-3
beta: 1
data: images
ema: null
compile: false
"""
RUN = yaml.safe_dump(
    {"system": "vae", "recipe": {"epochs": 2, "seed": 1}, "data": {"shape": [1, 8, 8]}, "versions": {}}
).encode()


def _yaml() -> Parser:
    laughs = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (c, c, b", ".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("z"))
    )
    planted = [
        laughs,
        b"a: &a\n  b: *a\n",
        b"&a [*a]",
        b"!!python/object/apply:os.system ['touch /tmp/arzhang-torture-was-here']",
        b"a: !!python/object/new:os.system ['true']",
        b"a: !!python/name:os.system",
        b"a: " + b"9" * 100_000,
        b"a: 0x" + b"f" * 100_000,
        b"a: " + b"1:" * 50_000 + b"1",
        b"[" * 100_000,
        b"{a: " * 50_000,
        b"- " * 50_000,
        b"? " * 50_000,
        b"a: " + b"!" * 100_000,
        b"x" * (2 << 20),
        b"\xff\xfe" + "a: 1".encode("utf-16-le"),
        b"a: 2001-99-99",
        b"=: 1\n<<: {a: 1}",
    ]
    return Parser(
        "yaml",
        [{"c.yaml": OPTIONS}, {"c.yaml": RUN}, {"c.yaml": b"a: &x {b: 1}\nc:\n  <<: *x\nd: [1, 2.5, 2001-01-01]\n"}],
        lambda _: lambda folder: recipes.as_flags(recipes.read_options(folder / "c.yaml")),
        [{"c.yaml": one} for one in planted],
    )


def _recipe() -> Parser:
    """Options of a configuration, each checked as if it had been typed."""
    corpus = [
        {"r.json": json.dumps({"system": system, "recipe": recipe}).encode()}
        for system, recipe in (
            ("classifier", {"epochs": 2, "lr": 0.001, "seed": 1, "ema": None, "compile": False}),
            ("segmenter", {"size": 32, "batch_size": 4, "data": "images"}),
            ("gan", {"latent_dim": 4, "dataset": "sprites", "precision": "32-true"}),
        )
    ]

    def read(path: Path) -> object:
        found = json.loads(path.read_text())
        system, recipe = found["system"], found["recipe"]
        if system not in recipes.SYSTEMS or not isinstance(recipe, dict):
            raise ArzhangError("no recipe")
        return recipes.from_mapping(recipes.SYSTEMS[system], recipe, "c.yaml")

    def only_recipe(data: bytes, others: Sequence[bytes], luck: Random) -> bytes:
        found = json.loads(data)
        found["recipe"] = mutated_value(found["recipe"], luck)
        return json.dumps(found).encode()

    planted = [
        {"r.json": json.dumps({"system": "vae", "recipe": one}).encode()}
        for one in ({"epochs": "9" * 5_000}, {"config": "/etc/passwd"}, {"help": True}, {"print_config": None}, {"": 1})
    ]
    return Parser("recipe", corpus, _reads(read, "r.json"), planted, hands={".json": only_recipe})


def _log() -> Parser:
    """A run's log, as the loop, the doctor and the page read it."""
    lines = [
        {"step": 2, "epoch": 1, "split": "train", "loss": 3.5, "d_accuracy": 0.9, "d_real": 0.2, "d_fake": 0.3, "lr": 0.001},
        {"step": 2, "epoch": 1, "split": "watch", "lowest": 0.0, "highest": 1.0, "leaks": []},
        {"step": 4, "epoch": 1, "split": "validation", "loss": 3.0, "reconstruction": 2.0, "kl": 1.0, "seconds": 1.0},
        {"step": 4, "epoch": 1, "split": "preview", "n": 8, "made_variety": 0.2, "real_variety": 0.3,
         "posterior_gap": 0.1, "posterior_gap_error": 0.2, "kl": 1.0},
        {"step": 8, "epoch": 2, "split": "validation", "loss": 2.0, "reconstruction": 1.5, "kl": 0.5, "seconds": 2.0},
    ]  # fmt: skip
    text = [json.dumps(line) for line in lines]
    many = "\n".join(text * 4).encode() + b"\n"

    def prepare(folder: Path) -> Callable[[Path], object]:
        from arzhang import doctor, health
        from arzhang.report import results
        from arzhang.training.run import Run

        run = Run(folder)

        def read(folder: Path) -> object:
            entries = run.metrics()
            if any(entry["split"] == "validation" and entry["epoch"] >= 3 for entry in entries):
                run.truncate(4)
            found = health.findings(entries, run.config)
            kept, _ = results._log(folder / "metrics.jsonl")
            return [doctor.diagnosis(one) for one in found], len(kept)

        return read

    def hand(data: bytes, others: Sequence[bytes], luck: Random) -> bytes:
        if luck.random() < 0.3:
            return mutated(data, others, luck)
        rows = data.split(b"\n")
        at = luck.randrange(len(rows) - 1)
        rows[at] = mutated_json(rows[at], [rows[0]], luck)
        return b"\n".join(rows)

    corpus = [{"config.yaml": RUN, "metrics.jsonl": one} for one in (many, "\n".join(text).encode() + b"\n")]
    planted = [
        {"metrics.jsonl": one} for one in (b"[" * 100_000 + b"\n", b"\0" * 4096, b'{"step": 1e999}\n', b"1\n2\n[]\n")
    ]
    return Parser("metrics.jsonl", corpus, prepare, planted, broken_files=["metrics.jsonl"], hands={".jsonl": hand})


def _evaluation() -> Parser:
    metric = {"value": 1.5, "uncertainty": 0.1, "unit": "nats", "n": 100, "protocol": {"split": "test", "seed": 0}}
    each = save({"l1": torch.rand(10), "ssim": torch.rand(10)})

    def read(folder: Path) -> object:
        from arzhang import evaluation
        from arzhang.report import results

        numbers = evaluation.read(folder)
        kept = evaluation.each_image(folder)
        return numbers, kept, results._evaluation(folder / "eval.json", folder)

    corpus = {"eval.json": json.dumps({"l1": metric, "fid": metric}).encode(), "eval.safetensors": each}
    return Parser("eval.json", [corpus], lambda _: read, [{"eval.json": b"[" * 100_000}, {"eval.safetensors": evil()}])


def _study() -> Parser:
    study = {"study": "s", "options": {"n": [1, 2], "mu": "-1:1:3"}, "conclusions": [{"id": "a", "values": {}}],
             "figures": ["a"], "tables": [], "command": ["arzhang", "--data=/x"]}  # fmt: skip

    def read(folder: Path) -> object:
        from arzhang.report import results

        return results.read_study(folder)

    return Parser("study", [{"s.json": json.dumps(study).encode()}], lambda _: read, [{"s.json": b"[" * 100_000}])


# ------------------------------------------------------------------------------------------------------------- images


def _png(width: int, height: int, depth: int, colour: int, data: bytes, interlaced: int = 0) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _chunks_mended(files: dict[str, bytes], luck: Random) -> None:
    """A PNG's checksums made right again."""
    for name, content in files.items():
        found, at = bytearray(content), 8
        while at + 12 <= len(found):
            (size,) = struct.unpack_from(">I", found, at)
            if at + 12 + size > len(found):
                break
            found[at + 8 + size : at + 12 + size] = struct.pack(">I", zlib.crc32(found[at + 4 : at + 8 + size]))
            at += 12 + size
        files[name] = bytes(found)


def _images() -> list[Parser]:
    from arzhang.data import decode, images

    def reader(suffix: str) -> Callable[[Path], Callable[[Path], object]]:
        def read(folder: Path) -> object:
            path = folder / f"x{suffix}"
            head = decode.header(path)
            return images.recast(decode.fit(decode.read(path), 8).transpose(1, 2, 0), head.dtype, head.channels)

        return lambda _: read

    rng = np.random.default_rng(0)
    rgb = Image.fromarray(rng.integers(0, 255, (9, 13, 3), dtype=np.uint8))
    kinds = [rgb, rgb.convert("L"), rgb.convert("P"), rgb.convert("RGBA")]

    def saved(image: Image.Image, form: str, **how: Any) -> bytes:
        image.save(file := io.BytesIO(), form, **how)
        return file.getvalue()

    exif = Image.Exif()
    exif[0x0112] = 6
    deep = (
        rng.integers(0, 65_535, (9, 13), dtype=np.uint16),
        rng.random((9, 13), dtype=np.float32),
        rng.integers(0, 255, (9, 13, 3), dtype=np.uint8),
    )
    tiffs, arrays = [], []
    for array in deep:
        for how in ({}, {"compression": "zlib"}, {"tile": (16, 16)}):
            tifffile.imwrite(file := io.BytesIO(), array, **how)
            tiffs.append(file.getvalue())
        np.save(file := io.BytesIO(), array)
        arrays.append(file.getvalue())
    sixteen = b"".join(b"\0" + rng.bytes(13 * 6) for _ in range(9))
    objects = io.BytesIO()
    np.save(objects, np.array([Planted()], dtype=object), allow_pickle=True)
    huge = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
    said = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    found: dict[str, tuple[list[bytes], list[bytes]]] = {
        ".png": (
            [saved(one, "PNG") for one in kinds]
            + [_png(13, 9, 16, 2, zlib.compress(sixteen)), saved(Image.fromarray(deep[0]), "PNG")],
            [
                _png(100_000, 100_000, 8, 2, zlib.compress(bytes(1000))),
                _png(100_000, 100_000, 16, 2, zlib.compress(bytes(1000))),
                _png(2**31 - 1, 1, 16, 2, b""),
                _png(9_000, 9_000, 8, 0, zlib.compress(bytes(9_001 * 9_000))),
                _png(9_000, 9_000, 16, 2, zlib.compress(bytes(1000))),
                _png(13, 9, 16, 2, zlib.compress(bytes(200_000_000))),
                _png(13, 9, 16, 2, b"", 1),
                evil(),
            ],
        ),
        ".jpg": (
            [saved(rgb, "JPEG"), saved(rgb.convert("CMYK"), "JPEG"), saved(rgb, "JPEG", progressive=True, exif=exif)],
            [saved(rgb, "JPEG")[:-2] * 50],
        ),
        ".tif": (tiffs, [b"II*\0\x08\0\0\0" + b"\xff\xff" + bytes(100), b"II*\0\x08\0\0\0\0\0\x08\0\0\0"]),
        ".gif": ([saved(one, "GIF") for one in kinds[:3]], []),
        ".webp": ([saved(one, "WEBP") for one in (rgb, kinds[3])] + [saved(rgb, "WEBP", lossless=True)], []),
        ".bmp": ([saved(one, "BMP") for one in kinds[:3]], []),
        ".npy": (arrays, [objects.getvalue(), huge + said.ljust(117) + b"\n" + bytes(64)]),
    }
    return [
        Parser(
            suffix[1:],
            [{f"x{suffix}": one} for one in corpus],
            reader(suffix),
            [{f"x{suffix}": one} for one in planted],
            _chunks_mended if suffix == ".png" else (lambda files, luck: None),
            refusals=(decode.Unreadable,),
        )
        for suffix, (corpus, planted) in found.items()
    ]


def _idx() -> Parser:
    from arzhang.data.sources import read_idx

    plain = b"\0\0\x08\x03" + struct.pack(">III", 2, 4, 4) + bytes(range(32))

    def read(folder: Path) -> object:
        return [read_idx(folder / name) for name in ("a", "b.gz")]

    bomb = gzip.compress(bytes(300 << 20), 6)
    planted = [
        {"b.gz": bomb},
        {"a": b"\0\0\x08\x04" + b"\xff" * 16},
        {"a": b"\0\0\x08\xff"},
        {"b.gz": b"\x1f\x8b\x08\x00" * 1000},
        {"a": evil()},
    ]
    return Parser("idx", [{"a": plain, "b.gz": gzip.compress(plain)}], lambda _: read, planted)


# --------------------------------------------------------------------------------------------------------------- zips


def _zipped(members: Mapping[str, bytes], mode: int = 0, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w", how) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode << 16, how
            archive.writestr(member, content)
    return file.getvalue()


def _zip() -> Parser:
    from arzhang.data import layouts

    pair = _png(4, 2, 8, 0, zlib.compress(b"\0\1\2\3\4" * 2))
    sound = {"train/a.png": pair, "train/b.png": pair, "val/c.png": pair}
    overlap = bytearray(_zipped(sound))
    end = overlap.rfind(b"PK\5\6")
    many = {f"train/{i}.png": b"" for i in range(2_000)}
    planted = [
        _zipped({"../../climbed.png": pair}),
        _zipped({"/climbed.png": pair}),
        _zipped({"C:\\climbed.png": pair}),
        _zipped({"train/x.png": b"/etc/passwd"}, stat.S_IFLNK | 0o777),
        _zipped({"train/x.png": bytes(250_000_000)}),
        _zipped({"train/x.png": bytes(20_000_000)}, how=zipfile.ZIP_BZIP2),
        _zipped({"a" * 60_000 + ".png": pair}),
        _zipped({"train/" + "d/" * 3_000 + "x.png": pair}),
        _zipped({"train/x.png": pair, "train/x.png/y.png": pair}),
        _zipped({"train/\ud800.png".encode("utf-8", "surrogatepass").decode("latin-1"): pair}),
        _zipped({"index.json": b"{}", "train/a.png": pair}),
        _zipped(many),
        bytes(overlap[:end]) + bytes(overlap[end : end + 10]) + b"\xff\xff" * 6,
        evil(),
        b"",
    ]

    def read(folder: Path) -> object:
        found = layouts.find(folder / "x.zip")
        return layouts.looks_paired(folder / "x.zip"), found

    corpus = [_zipped(sound), _zipped(sound, how=zipfile.ZIP_STORED), _zipped({"A/1.png": pair, "B/1.png": pair})]
    return Parser(
        "zip archive", [{"x.zip": one} for one in corpus], lambda _: read, [{"x.zip": one} for one in planted]
    )


# ------------------------------------------------------------------------------------------------------------- caches


def _cache() -> Parser:
    """What lies in the cache of decoded images, and what others may have put there."""
    from arzhang.data import cache

    def prepare(folder: Path) -> Callable[[Path], object]:
        cache.write_index(folder, [(2, 1, 4, 4)] * 2, "uint8", ["a", "b"], ["0" * 64, "1" * 64], {"c": "is empty"})

        def read(folder: Path) -> object:
            found = cache.read(folder)
            return [side[:1].sum() for side in found.sides], len(found.names), found.unreadable

        return read

    index = {"shapes": [[2, 1, 4, 4], [2, 1, 4, 4]], "dtype": "uint8", "names": ["a", "b"], "hashes": ["0" * 64, "1" * 64],
             "unreadable": ["c: is empty"]}  # fmt: skip
    corpus = {"index.json": json.dumps(index).encode(), "pixels0.bin": bytes(32), "pixels1.bin": bytes(range(32))}
    planted = [
        {"index.json": json.dumps({**index, **change}).encode()}
        for change in (
            {"dtype": "O"},
            {"dtype": "V8"},
            {"shapes": [[2**31, 2**31, 2**31, 4]]},
            {"shapes": [[-1, -1, 4, 4]]},
        )
    ]
    return Parser("pixel cache", [corpus], prepare, [*planted, {"index.json": b"[" * 100_000}])


def _features() -> Parser:
    """Features in the cache, and reference statistics of others."""

    def prepare(_: Path) -> Callable[[Path], object]:
        from arzhang.metrics import features, frechet

        network = nn.Linear(1, 3)
        extractor = features.Extractor(network, "none", "0", 3, lambda x: x, {})

        def read(folder: Path) -> object:
            kept = extractor._kept(folder / "f.npy", 5)
            total = None if kept is None else float(np.asarray(kept).sum())
            return total, frechet.published(str(folder / "s.npz"))

        return read

    np.save(rows := io.BytesIO(), np.arange(15, dtype="<f4").reshape(5, 3))
    np.savez(statistics := io.BytesIO(), mu=np.zeros(3), sigma=np.eye(3))
    np.savez_compressed(packed := io.BytesIO(), mu=np.zeros(3), sigma=np.eye(3))
    np.save(objects := io.BytesIO(), np.array([Planted()] * 15, dtype=object).reshape(5, 3), allow_pickle=True)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        np.save(head := io.BytesIO(), np.zeros(0))
        text = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
        said = b"{'descr': '<f8', 'fortran_order': False, 'shape': (40000, 40000), }".ljust(117) + b"\n"
        archive.writestr("mu.npy", head.getvalue())
        archive.writestr("sigma.npy", text + said + bytes(1 << 20))
    corpus = [{"f.npy": rows.getvalue(), "s.npz": one.getvalue()} for one in (statistics, packed)]
    planted = [{"f.npy": objects.getvalue()}, {"s.npz": bomb.getvalue()}, {"f.npy": evil(), "s.npz": evil()}]
    return Parser("feature cache", corpus, prepare, planted)


@functools.cache
def parsers() -> dict[str, Parser]:
    """Every parser by its name."""
    found = [_safetensors(), _pth(), _checkpoint(), _published(), _yaml(), _recipe(), _log(), _evaluation(), _study(),
             *_images(), _idx(), _zip(), _cache(), _features()]  # fmt: skip
    return {one.name: one for one in found}
