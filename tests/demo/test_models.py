"""The demo's answers for every kind of run, as the page asks for them."""

import json
import math

import numpy as np
import pytest
import torch
from demo import tiny
from starlette.testclient import TestClient

from arzhang import assembly, recipes
from arzhang.demo import models
from arzhang.demo.server import application
from arzhang.errors import UsageError

PNG, SIDE = {"content-type": "image/png"}, tiny.SIDE


def client(what):
    return TestClient(application(what, notify=pytest.fail), "http://localhost")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run of each kind."""
    place = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARZHANG_CACHE", str(place / "cache"))
        classes, pairs = tiny.classes(place / "classes"), tiny.pairs(place / "pairs")
        tiny.run(place / "vae", tiny.vae(classes))
        mixture = {"prior": "mixture", "components": 2, "posterior": "mixture", "divergence": "cauchy-schwarz"}
        tiny.run(place / "mixture", tiny.vae(classes, **mixture))
        for beta in (1, 10, 4):
            tiny.run(place / "sweep" / f"beta={beta}", tiny.vae(classes, beta=beta))
        tiny.run(place / "gan", tiny.gan(classes))
        tiny.run(place / "cgan", tiny.gan(classes, recipes.CGAN))
        tiny.run(place / "pix2pix", tiny.translator(pairs))
        tiny.run(place / "cyclegan", tiny.translator(pairs, recipes.CycleGAN, label_side="right"))
        yield place


@pytest.fixture(scope="module")
def ask(place):
    """The client of a run's page, by the run's name."""
    made = {}

    def asked(name):
        if name not in made:
            made[name] = client(models.shown(str(place / name), notify=tiny.quiet))
        return made[name]

    return asked


def panel(client):
    (found,) = client.get("/api/about").json()["panels"]
    return found


def strip(colours):
    """A map of stripes."""
    return tiny.png(np.array([tiny.COLOURS[name] for name in colours], np.uint8)[None].repeat(SIDE, 0))


# ------------------------------------------------------------------------------------------------------- translators


def test_pix2pix(ask, place):
    page = ask("pix2pix")
    about = panel(page)
    assert about["kind"] == "translation"
    assert (about["height"], about["width"], about["directions"]) == (SIDE, SIDE, ["ab"])
    assert about["palette"] == [
        {"name": name, "colour": "#{:02x}{:02x}{:02x}".format(*colour)} for name, colour in tiny.COLOURS.items()
    ]
    assert about["sides"] == ["segmentation", "photo"]
    assert about["dropout"]
    assert about["maps"] > 0
    given = tiny.image(page.get("/api/maps/0"))
    assert {tuple(colour) for colour in given.reshape(-1, 3)} == {tiny.COLOURS["road"], tiny.COLOURS["sky"]}
    made = tiny.image(page.post("/api/translate?seed=3", content=tiny.png(given), headers=PNG))
    model = assembly.load(place / "pix2pix")
    inputs = torch.from_numpy(given.copy()).permute(2, 0, 1)[None] / 255
    assert np.array_equal(made, as_bytes(model.translate(inputs, 3)))
    other, off, again = (
        tiny.image(page.post(f"/api/translate?{query}", content=tiny.png(given), headers=PNG))
        for query in ("seed=4", "seed=3&dropout=0", "seed=4&dropout=0&panel=pix2pix&direction=ab")
    )
    assert not np.array_equal(made, other)
    assert np.array_equal(off, again)
    assert np.array_equal(off, as_bytes(model.translate(inputs, dropout=False)))


def as_bytes(images):
    return (images[0].permute(1, 2, 0) * 255 + 0.5).to(torch.uint8).numpy()


def test_a_map_of_another_size_keeps_its_colours(ask, monkeypatch):
    seen = []
    page = ask("pix2pix")
    monkeypatch.setattr(models.translation, "resized", lambda *how: seen.append(how) or torch.zeros(1, 3, SIDE, SIDE))
    large = np.array([[tiny.COLOURS["road"], tiny.COLOURS["sky"]]], np.uint8).repeat(20, 0)
    page.post("/api/translate", content=tiny.png(large), headers=PNG)
    assert seen[0][1:] == ((SIDE, SIDE), True)


def test_transparency_is_white_and_grey_becomes_colour(ask):
    page = ask("pix2pix")
    clear, white = np.zeros((SIDE, SIDE, 4), np.uint8), np.full((SIDE, SIDE), 255, np.uint8)
    answers = [page.post("/api/translate", content=tiny.png(one), headers=PNG).content for one in (clear, white)]
    assert answers[0] == answers[1]


def test_cyclegan_goes_both_ways(ask, place):
    page, model = ask("cyclegan"), assembly.load(place / "cyclegan")
    about = panel(page)
    assert about["directions"] == ["ab", "ba"]
    assert not about["dropout"]
    for way, translate in (("ab", model.translate), ("ba", model.translate_back)):
        given = tiny.image(page.get(f"/api/maps/0?direction={way}"))
        answer = page.post(f"/api/translate?direction={way}&dropout=1", content=tiny.png(given), headers=PNG)
        inputs = torch.from_numpy(given.copy()).permute(2, 0, 1)[None] / 255
        assert np.array_equal(tiny.image(answer), as_bytes(translate(inputs)))


def test_colours_of_ones_own_are_the_palette(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(tiny.COLOURS, "sky", (1, 2, 3))
    run = tiny.run(tmp_path / "run", tiny.translator(tiny.pairs(tmp_path / "pairs")))
    found = panel(client(models.shown(str(run), notify=tiny.quiet)))["palette"]
    assert found == [{"name": "class 0", "colour": "#010203"}, {"name": "road", "colour": "#804080"}]


def test_the_painter_is_a_published_model(tmp_path, monkeypatch):
    recipe = recipes.Pix2Pix(dataset="streets", size=SIDE, width=2, receptive_field=16, choose_by="l1")
    shape = (3, SIDE, SIDE)
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "PAINTER", tmp_path / "painter")
    assert [one.kind for one in models.shown(None, notify=tiny.quiet).panels.values()] == ["gradients"]
    tiny.publish(tmp_path / "painter", recipe, shape, torch.float16, input_shape=shape)
    page = client(models.shown(None, notify=tiny.quiet))
    painter, explorer = page.get("/api/about").json()["panels"]
    assert (painter["kind"], explorer["kind"]) == ("translation", "gradients")
    assert painter["maps"] >= 8
    assert len(painter["palette"]) == 19
    given = page.get("/api/maps/0?panel=painter").content
    answer = page.post("/api/translate?panel=painter", content=given, headers=PNG)
    assert tiny.image(answer).shape == (SIDE, SIDE, 3)


# -------------------------------------------------------------------------------------------------------------- VAEs


def test_vae(ask, place):
    page, model = ask("vae"), assembly.load(place / "vae")
    about = panel(page)
    assert (about["kind"], about["channels"], about["latent"], about["components"]) == ("vae", 1, 3, 0)
    assert about["classes"] == ["cats", "dogs"]
    assert all(one["kl"] > 0 for one in about["active"])
    first = page.get("/api/examples/0")
    code = page.post("/api/encode", content=first.content, headers=PNG).json()
    images = torch.from_numpy(tiny.image(first).copy())[None, None]
    assert code["mean"] == pytest.approx(model.encode(images)[0].tolist(), abs=1e-6)
    assert code["scale"] == pytest.approx(model.posterior(images).stddev[0].tolist(), abs=1e-6)
    kl = sum((m**2 + s**2 - 1) / 2 - math.log(s) for m, s in zip(code["mean"], code["scale"], strict=True))
    assert code["kl"] == pytest.approx(kl, abs=1e-5)
    latents = [code["mean"], [0, 0, 0], [1.5, -2, 0]]
    made = tiny.image(page.post("/api/decode", json={"latents": latents}))
    assert made.shape == (3 * SIDE, SIDE)
    assert np.array_equal(made, (model.decode(torch.tensor(latents)).flatten(0, 2) * 255 + 0.5).to(torch.uint8))


def test_a_drawing_of_any_size_is_encoded(ask):
    drawing = np.zeros((300, 300, 4), np.uint8)
    drawing[100:200, 100:200] = 255
    assert len(ask("vae").post("/api/encode", content=tiny.png(drawing), headers=PNG).json()["mean"]) == 3


def test_the_plane_is_of_principal_axes(ask, place):
    page = ask("vae")
    found = page.get("/api/projection").json()
    axes, centre = torch.tensor(found["axes"]), torch.tensor(found["centre"])
    assert torch.allclose(axes @ axes.T, torch.eye(2), atol=1e-6)
    image = torch.from_numpy(tiny.image(page.get("/api/examples/2")).copy())[None, None]
    code = assembly.load(place / "vae").encode(image)[0]
    x, y, label = found["points"][2]
    assert [x, y] == pytest.approx(((code - centre) @ axes.T).tolist(), abs=1e-5)
    assert label in (0, 1)
    points = torch.tensor([point[:2] for point in found["points"]])
    assert points.mean(0).abs().max() < 1e-5
    assert points[:, 0].var() >= points[:, 1].var()


def test_one_latent_has_one_axis():
    centre, axes, points = models.plane(torch.tensor([[1.0], [2.0], [6.0]]))
    assert (centre.tolist(), axes.tolist(), points[:, 1].tolist()) == ([3], [[1], [0]], [0, 0, 0])


def test_a_mixture_is_sampled_by_component(ask, place):
    page, model = ask("mixture"), assembly.load(place / "mixture")
    assert panel(page)["components"] == 2
    assert all(one["kl"] is None for one in panel(page)["active"])
    wanted = {"count": 5, "seed": 3}
    for component in (None, 1):
        found = page.post("/api/sample", json={**wanted, "component": component}).json()["latents"]
        assert np.allclose(found, model.draw(5, 3, component))
    assert np.isfinite(page.post("/api/encode", content=strip(["sky"] * SIDE), headers=PNG).json()["kl"])
    assert "one Gaussian" in ask("vae").post("/api/sample", json={"component": 0, "count": 1}).json()["error"]


def test_a_sweep_has_a_member_a_run(ask, place):
    page = ask("sweep")
    about = panel(page)
    assert [one["label"] for one in about["members"]] == ["beta=1", "beta=4", "beta=10"]
    zero = {"latents": [[0.5, 0, 0]]}
    made = [page.post("/api/decode", json={**zero, "member": one["id"]}).content for one in about["members"]]
    model = assembly.load(place / "sweep" / "beta=10")
    last = page.post("/api/decode", json={**zero, "member": about["members"][2]["id"]})
    assert np.array_equal(tiny.image(last), as_bytes(model.decode(torch.tensor(zero["latents"])))[..., 0])
    assert len(made) == 3


def test_without_data_there_are_no_examples(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    path = tiny.publish(tmp_path / "published", tiny.vae(tmp_path / "gone"), (1, SIDE, SIDE))
    said = []
    page = client(models.shown(str(path), notify=said.append))
    about = panel(page)
    assert about["examples"] == 0
    assert about["active"] == [{"unit": unit, "kl": None} for unit in range(3)]
    assert "gone" in said[-1]
    for route in ("projection", "examples/0"):
        assert page.get(f"/api/{route}").status_code == 404
    assert page.post("/api/sample", json={"count": 2}).status_code == 200


# -------------------------------------------------------------------------------------------------------------- GANs


def test_gan(ask, place):
    page, model = ask("gan"), assembly.load(place / "gan")
    about = panel(page)
    assert (about["kind"], about["latent"], about["classes"]) == ("gan", 4, [])
    made = tiny.image(page.post("/api/generate", json={"classes": [], "seed": 5, "count": 3}))
    assert np.array_equal(made, (model.sample(3, 5).flatten(0, 2) * 255 + 0.5).to(torch.uint8))
    assert page.post("/api/generate", json={"classes": [0], "seed": 5, "count": 3}).status_code == 422


def test_cgan_makes_each_class_of_the_same_noise(ask, place):
    page, model = ask("cgan"), assembly.load(place / "cgan")
    assert panel(page)["classes"] == ["cats", "dogs"]
    noise = [[0.5, -1, 0, 2], [1, 1, 1, 1]]
    made = tiny.image(page.post("/api/generate", json={"classes": [1, 0], "noise": noise}))
    images = model.decode(torch.tensor(noise * 2), torch.tensor([1, 1, 0, 0]))
    assert np.array_equal(made, (images.flatten(0, 2) * 255 + 0.5).to(torch.uint8))
    seeded = tiny.image(page.post("/api/generate", json={"classes": [1], "seed": 5, "count": 2}))
    assert np.array_equal(seeded, (model.sample(2, 5, 1).flatten(0, 2) * 255 + 0.5).to(torch.uint8))
    assert page.post("/api/generate", json={"classes": [], "count": 2}).status_code == 422
    assert page.post("/api/generate", json={"classes": [2], "count": 2}).status_code == 422
    assert page.post("/api/generate", json={"classes": [0, 1], "count": 40}).status_code == 422


# ---------------------------------------------------------------------------------------------------- what cannot be


def test_one_clear_line(place, tmp_path):
    path = tiny.publish(tmp_path / "judge", recipes.Classifier(data="x"), (1, 28, 28), classes=["a", "b"])
    with pytest.raises(UsageError, match="a run of classifier has nothing to show"):
        models.shown(str(path), notify=tiny.quiet)
    with pytest.raises(UsageError, match="neither a run nor a folder of runs"):
        models.shown(str(tmp_path), notify=tiny.quiet)
    with pytest.raises(UsageError, match="of several runs VAEs alone are shown"):
        models.shown(str(place), notify=tiny.quiet)
    with pytest.raises(UsageError, match="no such folder"):
        models.shown(str(tmp_path / "nothing"), notify=tiny.quiet)


def test_what_a_panel_cannot_do_is_not_found(ask):
    for name, question in (("gan", "decode"), ("vae", "generate"), ("pix2pix", "sample")):
        answer = ask(name).post(f"/api/{question}", json={})
        assert answer.status_code == 404
        assert json.loads(answer.content)["error"]
    assert ask("vae").post("/api/decode", json={"panel": "other", "latents": [[0, 0, 0]]}).status_code == 404
