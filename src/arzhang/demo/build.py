"""The demo as a folder of files: the same page, whose model runs in the visitor's browser, for any static host.

index.html, *.js, style.css        the page, told to use local.js; its policy lets it ask nothing of other hosts
ort/                               onnxruntime-web, out of its npm package
model/about.json                   what the page shows
model/PANEL/MEMBER/                a run's networks (`arzhang export`) and, of a VAE, where its test images lie
model/PANEL/maps|examples/         images to begin from
"""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from arzhang import export
from arzhang.data import sources
from arzhang.demo.models import PAINTER, Autoencoder, Generator, Notify, Translation, _members, shown
from arzhang.demo.server import PAGE, as_png
from arzhang.errors import ArzhangError, UsageError
from arzhang.export.networks import statistics_differ
from arzhang.files import write_atomically

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""sha512 of the package, as the registry has it."""
FILES = {
    "package.json": "package.json",
    "dist/ort.wasm.min.mjs": "ort.wasm.min.js",
    "dist/ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.js",
    "dist/ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
    "dist/ort.webgpu.min.mjs": "ort.webgpu.min.js",
    "dist/ort-wasm-simd-threaded.asyncify.mjs": "ort-wasm-simd-threaded.asyncify.js",
    "dist/ort-wasm-simd-threaded.asyncify.wasm": "ort-wasm-simd-threaded.asyncify.wasm",
}
"""What of the package is taken, and its name here: not every server knows what an .mjs is."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self' blob: data:; base-uri 'none'; form-action 'none'"
)
SERVED = ("remote.js",)
"""Files of the page that only `arzhang demo` needs."""
STARTS = 48
"""Images of each kind that the page may begin from."""
Panel = Translation | Autoencoder | Generator


def build(run: str | None, out: Path | str, *, checkpoint: str = "best", notify: Notify = print) -> Path:
    """Write the page of a run (or of None, of the painter that comes with the package) into the folder `out`.

    An earlier build there is replaced, when the new one is whole. Raises UsageError for a folder that holds anything
    else, and where there is nothing to show without Python; ArzhangError where the runtime cannot be had.
    """
    out = Path(out)
    if out.exists() and not _is_build(out) and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"--build {out}: is there already and is no demo; choose a folder that is new or empty")
    what = shown(run, checkpoint=checkpoint, notify=notify)
    panels = [panel for panel in what.panels.values() if isinstance(panel, Panel)]
    for panel in what.panels.values():
        if not isinstance(panel, Panel):
            notify(f"left out: {panel.about()['title']}, which is computed by Python (`arzhang demo`)")
    if not panels:
        raise UsageError("demo --build: name a run; what is shown without one needs Python")
    package = runtime(notify)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
        page = Path(beside) / "page"
        _page(page, package)
        about = what.about() | {"panels": [_panel(panel, run, page / "model", checkpoint, notify) for panel in panels]}
        write_atomically(page / "model" / "about.json", json.dumps(about, ensure_ascii=False))
        if out.exists():
            shutil.rmtree(out)
        page.replace(out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    notify(f"{size / 1e6:.0f} MB; to look at it: python -m http.server --bind 127.0.0.1 --directory {out}")
    return out


def _is_build(folder: Path) -> bool:
    return (folder / "model" / "about.json").is_file() and (folder / "local.js").is_file()


def _page(folder: Path, package: Path) -> None:
    """The page's own files, and the runtime's."""
    shutil.copytree(PAGE, folder, ignore=shutil.ignore_patterns(*SERVED))
    index = folder / "index.html"
    metas = (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n  '
        '<meta name="arzhang-model" content="local">\n  '
    )
    text = index.read_text(encoding="utf-8")
    at = text.index("<title>")
    index.write_text(text[:at] + metas + text[at:], encoding="utf-8")
    (folder / "ort").mkdir()
    (folder / "model").mkdir()
    with tarfile.open(package) as archive:
        for name, own in FILES.items():
            taken = archive.extractfile(f"package/{name}")
            assert taken is not None  # the package is the one that was looked into
            (folder / "ort" / own).write_bytes(taken.read())


def _panel(panel: Panel, run: str | None, home: Path, checkpoint: str, notify: Notify) -> dict[str, object]:
    """A panel's files, and what is told of it."""
    about, own = panel.about(), home / panel.id
    if isinstance(panel, Autoencoder):
        for path, member in zip(_members(str(run)).values(), panel.members.values(), strict=True):
            _exported(path, own / member.id, checkpoint, notify)
            if member.codes is not None:
                found = panel.projection({"member": member.id}, b"")
                (own / member.id / "projection.json").write_text(json.dumps(found), encoding="utf-8")
        about["examples"] = min(panel.count, STARTS)
        (own / "examples").mkdir()
        for i in range(min(panel.count, STARTS)):
            (own / "examples" / f"{i}.png").write_bytes(as_png(panel.example({"i": i}, b"")))  # type: ignore[arg-type]
        return about
    path = PAINTER if run is None else run
    each = (
        isinstance(panel, Translation)
        and statistics_differ(panel.model)
        and panel.model.used["statistics"] != "running"
    )
    _exported(path, own / "run", checkpoint, notify, batch_statistics=each)
    if isinstance(panel, Translation):
        about["maps"] = min(panel.count, STARTS)
        for way in about["directions"]:
            (own / "maps" / way).mkdir(parents=True)
            for i in range(min(panel.count, STARTS)):
                made = panel.map({"i": i, "direction": way}, b"")
                (own / "maps" / way / f"{i}.png").write_bytes(as_png(made))  # type: ignore[arg-type]
    return about


def _exported(path: str | Path, folder: Path, checkpoint: str, notify: Notify, batch_statistics: bool = False) -> None:
    told = export.export(path, folder, checkpoint=checkpoint, batch_statistics=batch_statistics, notify=_quiet)
    for network in json.loads(told.read_text(encoding="utf-8"))["networks"]:
        notify(f"{path}: {network['name']} as ONNX, at most {network['max_error']:.1e} from PyTorch")


def _quiet(_: str) -> None:
    pass


# ------------------------------------------------------------------------------------------------------- the runtime


def runtime(notify: Notify) -> Path:
    """The npm package of onnxruntime-web, out of the cache or fetched by npm, with the hash that is written here."""
    kept = sources.cache_dir() / "runtime" / f"{PACKAGE}-{VERSION}.tgz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        notify(f"fetching {PACKAGE} {VERSION} by npm: 20 MB, kept in {kept.parent}")
        write_atomically(kept, _checked(_packed(kept), f"{PACKAGE} {VERSION} as npm gave it"))
    _checked(kept.read_bytes(), str(kept))
    return kept


def _packed(kept: Path) -> bytes:
    """The package as npm packs it: by the user's own registry, proxy and credentials."""
    otherwise = f"or put the package {PACKAGE} {VERSION} there yourself: {kept}"
    npm = shutil.which("npm")
    if npm is None:
        raise ArzhangError(f"the browser's runtime is fetched by npm, which is not here: install Node.js, {otherwise}")
    with tempfile.TemporaryDirectory() as place:
        words = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--ignore-scripts", "--pack-destination", place]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
        except subprocess.TimeoutExpired:
            raise ArzhangError(f"npm gave no {PACKAGE} {VERSION} in ten minutes: try again, {otherwise}") from None
        found = list(Path(place).glob("*.tgz"))
        if done.returncode or not found:
            why = " ".join((done.stderr or done.stdout).split())[:200] or f"exit code {done.returncode}"
            raise ArzhangError(f"npm gave no {PACKAGE} {VERSION} ({why}): try again, {otherwise}")
        return found[0].read_bytes()


def _checked(content: bytes, what: str) -> bytes:
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != INTEGRITY:
        raise ArzhangError(f"{what}: sha512 {found[:16]}… is not that of the package ({INTEGRITY[:16]}…): damaged")
    return content
