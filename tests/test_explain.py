"""`arzhang explain`: networks of systems and of runs as tables and drawings, and what it says where there are none."""

import dataclasses
import re

import pytest
import torch
from command import folder_of_images

from arzhang import assembly, cli, explain
from arzhang.explain import drawing
from arzhang.recipes import CGAN, SYSTEMS, VAE, CycleGAN, Pix2Pix
from arzhang.wording import speaking


def said(capsys, *words, code=0):
    capsys.readouterr()
    assert cli.main([str(word) for word in words]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_network_of_every_system(system):
    """Together the tables hold every weight that a training of the same recipe has."""
    small = {"width": 2} if hasattr(SYSTEMS[system], "width") else {}
    recipe = SYSTEMS[system](**small)
    size, channels = recipe.size or 28, 3 if hasattr(recipe, "direction") else 1
    shape = (channels, size, size)
    task = assembly.build(recipe, shape, 256, torch.device("cpu"), 10, shape)
    found = explain.of_recipe(recipe)
    twice = 2 if system == "cyclegan" else 1  # there and back are built alike
    assert twice * sum(network.weights for network in found) == sum(p.numel() for p in task.networks.parameters())
    for network in found:
        lines = explain.table(network).splitlines()
        assert len(lines) == 2 + sum(bool(block.sources) for block in network.blocks)
        assert lines[-1].startswith(f"{network.weights:,} weights")
        texts = "".join(text.get_text() for text in drawing.draw(network).findobj(match=_is_text))
        assert f"{network.weights:,} weights" in texts


@pytest.mark.parametrize("system", SYSTEMS)
def test_all_of_it_in_persian(system):
    small = {"width": 2} if hasattr(SYSTEMS[system], "width") else {}
    with speaking("fa"):
        for network in explain.of_recipe(SYSTEMS[system](**small)):
            drawn = [text.get_text() for text in drawing.draw(network).findobj(match=_is_text)]
            told = " ".join([*drawn, *(cell for row in explain.rows(network) for cell in row)])
            assert not re.search("[0-9]", re.sub("pix2pix", "", told))
            assert set(re.findall("[A-Za-z]+", told)) <= {
                "ReLU",
                "tanh",
                "dropout",
                "CycleGAN",
                "GAN",
                "VAE",
                "pix",
                "L",
            }


def _is_text(artist):
    return hasattr(artist, "get_text")


def test_the_papers(capsys):
    assert "54,413,955 weights" in said(capsys, "explain", "generator")
    last = said(capsys, "explain", "discriminator").splitlines()[-1]
    assert last == "2,768,705 weights; each of its 30×30 outputs sees 70×70 pixels"
    assert "11,378,179 weights" in said(capsys, "explain", "cyclegan", "generator")
    assert "512×1×1" in said(capsys, "explain", "pix2pix", "generator", "--size", 64).splitlines()[6]


def test_both_directions_of_a_cyclegan_where_they_differ():
    shapes = (1, 16, 16), (3, 16, 16)
    recipe = CycleGAN(width=2, size=16, receptive_field=16, identity_weight=0)
    task = assembly.build(recipe, *shapes[:1], 256, torch.device("cpu"), 0, shapes[1])
    found = explain.networks(task, "cyclegan")
    assert [one.name for one in found] == [
        "generator", "discriminator", "inverse generator", "inverse discriminator"
    ]  # fmt: skip
    assert sum(one.weights for one in found) == sum(p.numel() for p in task.networks.parameters())


def test_a_run_from_its_checkpoint_and_files_that_are_written(tmp_path, capsys):
    for seed, name in enumerate(("boxes", "dots")):
        folder_of_images(tmp_path / "images" / name, 12, seed=seed)
    recipe = CGAN(
        data=str(tmp_path / "images"),
        width=2,
        latent_dim=4,
        batch_size=8,
        epochs=1,
        choose_by="last",
        accelerator="cpu",
    )
    run = assembly.train(recipe, tmp_path / "run", notify=lambda _: None)
    weights = sum(p.numel() for p in assembly.load(run.path).networks.parameters())
    out = said(capsys, "explain", run.path, "--out", tmp_path / "shown" / "own.svg")
    counted = [line for line in out.splitlines() if line[:1].isdigit()]
    assert sum(int(line.split()[0].replace(",", "")) for line in counted) == weights
    files = {path.name for path in (tmp_path / "shown").iterdir()}
    assert files == {f"own-{name}.{kind}" for name in ("generator", "discriminator") for kind in ("svg", "png")}
    text = (tmp_path / "shown" / "own-generator.svg").read_text(encoding="utf-8")
    assert "embedding" in text
    assert "class" in text


def test_a_u_bends_and_its_skips_say_what_they_bring():
    generator = explain.of_recipe(Pix2Pix(size=32, width=4))[0]
    places = drawing._folded(generator.blocks)
    at = {block.name: places[id(block)] for block in generator.blocks}
    assert [at[f"down {i}"] for i in range(1, 6)] == [(0, i) for i in range(1, 6)]
    assert [at[f"up {i}"] for i in range(1, 6)] == [(1, 6 - i) for i in range(1, 6)]
    assert drawing._bends(explain.of_recipe(Pix2Pix(size=32, width=4, skips=False))[0].blocks)
    assert not any(drawing._bends(one.blocks) for one in explain.of_recipe(CGAN()))
    texts = {text.get_text() for text in drawing.draw(generator).findobj(match=_is_text)}
    assert {"4", "8", "16", "32"} <= texts


def test_equal_blocks_are_drawn_as_one():
    generator = explain.of_recipe(CycleGAN(width=2))[0]
    blocks = drawing._gathered(generator.blocks)
    assert [block.name for block in blocks if "residual" in block.name] == ["residual 1–6"]
    assert sum(block.parameters for block in blocks) == generator.weights
    assert all(id(source) in {id(block) for block in blocks} for block in blocks for source, _ in block.sources)


def test_no_two_boxes_share_a_place():
    recipes = [Pix2Pix(), Pix2Pix(skips=False), CGAN(), VAE(posterior="mixture"), SYSTEMS["segmenter"]()]
    for recipe in recipes:
        for network in explain.of_recipe(dataclasses.replace(recipe, size=64)):
            blocks = drawing._gathered(network.blocks)
            place = drawing._folded if drawing._bends(blocks) else drawing._layered
            places = place(blocks).values()
            assert len(set(places)) == len(blocks)


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["nothing"], "explain nothing: neither a run nor a system"),
        (["cycelgan"], "did you mean cyclegan?"),
        (["vae", "encodr"], "there is encoder, decoder; did you mean encoder?"),
        (["generator", "--size", "100"], "100×100 pixels cannot be halved"),
        (["cyclegan", "--size", "30"], "multiples of 4"),
        (["cgan", "--classes", "1"], "two classes or more"),
        (["cgan", "--size", "30"], "give --size 28 or --size 32"),
        (["pix2pix", "--receptive-field", "50"], "--receptive-field 50"),
        (["generator", "--out", "drawing.pdf"], "a drawing's name ends in .svg or .png"),
        (["EMPTY"], "not a run"),
    ],
)
def test_one_clear_line(tmp_path, monkeypatch, capsys, words, phrase):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    error = said(capsys, "explain", *words, code=2)
    assert phrase in error
    assert error.count("\n") == 1
