"""The demo as a folder of files, in real Chromium: it answers what the server answers, and asks nobody else."""

import dataclasses
import functools
import http.server
import io
import json
import shutil
import threading

import numpy as np
import pytest
import torch
from command import folder_of_images
from PIL import Image
from test_cli import refused, said

from arzhang import assembly, recipes
from arzhang.data import sources
from arzhang.demo import build
from arzhang.demo.models import shown
from arzhang.demo.server import as_png
from arzhang.errors import ArzhangError

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHORT = {
    "epochs": 1,
    "batch_size": 4,
    "log_every": 1,
    "lr": 0.05,
    "accelerator": "cpu",
    "validation": 4,
}  # large steps, so that outputs are far from flat
RECIPES = {
    "pix2pix": recipes.Pix2Pix(
        size=16, scenes=8, width=4, receptive_field=16, choose_by="l1", **SHORT | {"batch_size": 1}
    ),
    "vae": recipes.VAE(latent_dim=4, prior="mixture", components=3, prior_init="spread", **SHORT),
    "cgan": recipes.CGAN(width=4, latent_dim=20, choose_by="last", **SHORT),
}
CLOSE = 2
"""Grey levels that an image may be off."""
PACKAGE = sources.cache_dir() / "runtime" / f"{build.PACKAGE}-{build.VERSION}.tgz"


def _silent(_):
    pass


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for i, label in enumerate("ab"):
        folder_of_images(folder / "classes" / label, 12, seed=i)
    for name, recipe in RECIPES.items():
        if not isinstance(recipe, recipes.Paired):
            recipe = dataclasses.replace(recipe, data=str(folder / "classes"))
        assembly.train(recipe, folder / name, notify=_silent)
    return folder


# ---------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def site(runs, tmp_path_factory):
    """Every run's page below one plain file server: its address, and what was said."""
    if not PACKAGE.is_file() and shutil.which("npm") is None:
        pytest.skip("the runtime is not here, nor npm to fetch it")
    folder = tmp_path_factory.mktemp("site")
    heard: list[str] = []
    for name in RECIPES:
        build.build(str(runs / name), folder / name, notify=heard.append)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", folder, heard
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, site):
    """Opens a run's page; at the end nothing may have been said, nor anything asked for outside of its folder."""
    address, _, _ = site
    said, asked, places = [], [], []
    context = chromium.new_context(reduced_motion="reduce")

    def open_page(name):
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        context.on("request", lambda request: asked.append(request.url))
        places.append(f"{address}{name}/")
        page.goto(places[-1])
        page.wait_for_selector("[aria-busy=false]", timeout=120_000)  # the first answer is shown
        return page

    yield open_page
    context.close()
    assert said == []
    assert len(asked) > 10
    outside = [url for url in asked if not url.startswith((*places, *(f"blob:{place}" for place in (address,))))]
    assert outside == []


CALL = """
async ([name, args, files, at]) => {
  const model = await import(new URL('local.js', location.href));
  const blobs = await Promise.all(files.map(async file => (await fetch(`model/${file}`)).blob()));
  const answer = await model[name](...args.map(arg => (arg === 'blob' ? blobs.shift() : arg)), at);
  const bytes = image => {
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    return [image.height, image.width, [...context.getImageData(0, 0, image.width, image.height).data]];
  };
  if (answer instanceof ImageBitmap) return [bytes(answer)];
  return Array.isArray(answer) ? answer.map(bytes) : answer;
}
"""


def pixels(answer):
    """Images of the page, below each other, as RGB."""
    return np.concatenate([np.array(data).reshape(height, width, 4)[..., :3] for height, width, data in answer])


def same(answer, wanted):
    """As the server's PNG, but for rounding."""
    png = np.asarray(Image.open(io.BytesIO(as_png(wanted))).convert("RGB")).astype(int)
    found = pixels(answer)
    assert found.shape == png.shape
    assert np.abs(found - png).max() <= CLOSE
    return found


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_translations_are_pytorchs(visit, site, runs):
    page, what = visit("pix2pix"), shown(str(runs / "pix2pix"), notify=_silent)
    file = "pix2pix/maps/ab/1.png"
    body = (site[1] / "pix2pix" / "model" / file).read_bytes()
    made = {}
    for seed, dropout in ((0, True), (3, True), (0, False)):
        answer = page.evaluate(CALL, ["translate", ["blob", {"seed": seed, "dropout": dropout}], [file], {}])
        values = {"seed": str(seed), "dropout": str(int(dropout))}
        made[seed, dropout] = same(answer, what.answer("translate", values, body))
    assert (made[0, True] != made[3, True]).any()
    assert (made[0, True] != made[0, False]).any()
    same(page.evaluate(CALL, ["map", [2], [], {}]), what.answer("map", {"i": 2}, b""))
    about = page.evaluate(CALL, ["about", [], [], {}])
    assert about["panels"][0]["maps"] == what.about()["panels"][0]["maps"]
    assert about["version"] == what.about()["version"]


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_latents_and_images_are_pytorchs(visit, site, runs):
    page, what = visit("vae"), shown(str(runs / "vae"), notify=_silent)
    asked = {"member": "0", "component": 1, "seed": 5, "count": 6}
    drawn = page.evaluate(CALL, ["sample", ["0", {k: v for k, v in asked.items() if k != "member"}], [], {}])
    wanted = what.answer("sample", asked, b"")
    assert torch.allclose(torch.tensor(drawn["latents"]), torch.tensor(wanted["latents"]), atol=1e-5)
    answer = page.evaluate(CALL, ["decode", ["0", drawn["latents"]], [], {}])
    same(answer, what.answer("decode", {"member": "0", "latents": wanted["latents"]}, b""))
    file = "vae/examples/0.png"
    body = (site[1] / "vae" / "model" / file).read_bytes()
    found, code = (
        page.evaluate(CALL, ["encode", ["0", "blob"], [file], {}]),
        what.answer("encode", {"member": "0"}, body),
    )
    for key in ("mean", "scale", "kl"):
        assert found[key] == pytest.approx(code[key], rel=1e-4, abs=1e-4)
    assert page.evaluate(CALL, ["projection", ["0"], [], {}]) == what.answer("projection", {"member": "0"}, b"")
    anywhere = page.evaluate(CALL, ["sample", ["0", {"seed": 1, "count": 40}], [], {}])["latents"]
    assert np.shape(anywhere) == (40, 4)
    assert np.isfinite(anywhere).all()


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_images_of_classes_are_pytorchs(visit, runs):
    page, what = visit("cgan"), shown(str(runs / "cgan"), notify=_silent)
    asked = {"classes": [1, 0], "seed": 4, "count": 3, "noise": None}
    same(page.evaluate(CALL, ["generate", [asked], [], {}]), what.answer("generate", asked, b""))
    own = {"classes": [0], "noise": [[0.5] * 20, [-1.0] * 20]}
    same(page.evaluate(CALL, ["generate", [own], [], {}]), what.answer("generate", own, b""))


# -------------------------------------------------------------------------------------------------- without a browser


def test_a_damaged_runtime_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path))
    kept = tmp_path / "runtime" / f"{build.PACKAGE}-{build.VERSION}.tgz"
    kept.parent.mkdir()
    kept.write_bytes(b"no package")
    with pytest.raises(ArzhangError, match=r"sha512 .* is not that of the package"):
        build.runtime(_silent)
    kept.unlink()
    monkeypatch.setattr(build, "_packed", lambda _: b"another")
    with pytest.raises(ArzhangError, match="as npm gave it: sha512"):
        build.runtime(_silent)
    assert not kept.exists()
    monkeypatch.undo()
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArzhangError, match=r"install Node\.js, or put the package onnxruntime-web"):
        build.runtime(_silent)


def test_a_folder_with_other_things_is_left_alone(runs, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    refused(capsys, 2, ["demo", runs / "vae", "--build", tmp_path / "mine"], "is there already and is no demo")
    refused(capsys, 2, ["demo", tmp_path / "none", "--build", tmp_path / "new"], "no such")
    assert not (tmp_path / "new").exists()


def test_a_build_is_replaced_whole(runs, site, tmp_path, capsys):
    _, folder, heard = site
    shutil.copytree(folder / "cgan", tmp_path / "old")
    (tmp_path / "old" / "model" / "stale.json").write_text("{}")
    code, out, _ = said(capsys, "demo", runs / "cgan", "--build", tmp_path / "old")
    assert code == 0
    assert f"written: {tmp_path / 'old'}" in out
    assert not (tmp_path / "old" / "model" / "stale.json").exists()
    assert not list(tmp_path.glob(".old*"))
    told = json.loads((folder / "pix2pix" / "model" / "pix2pix" / "run" / "model.json").read_text(encoding="utf-8"))
    assert told["evaluation"]["statistics"] == told["evaluation"]["translate_has"]["statistics"] == "of each image"
    assert any("python -m http.server" in line for line in heard)
