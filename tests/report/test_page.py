"""What stands in the page: everything that the run holds, escaped, with what is missing named."""

import dataclasses
import json
import os
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml
from PIL import Image
from report.made import boxes, entries, make_run, write_sheet

from arzhang import recipes
from arzhang.errors import ArzhangError, UsageError
from arzhang.report import blocks, page, run_page

VOID = ("meta", "link", "img", "input")


class Text(HTMLParser):
    """The text, the tags and their attributes; refuses tags that do not nest."""

    def __init__(self, html):
        super().__init__()
        self.words, self.tags, self.open = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read(path):
    return Text(path.read_text(encoding="utf-8"))


def test_every_hyper_parameter_with_value_and_meaning(run):
    found = read(run_page.write(run)).text
    documented = recipes.documentation(recipes.VAE)
    for field in dataclasses.fields(recipes.VAE):
        value = yaml.safe_load((run / "config.yaml").read_text())["recipe"][field.name]
        shown = "none" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        assert re.search(rf"{recipes.flag(field.name)} {re.escape(str(shown))} ", found), field.name
        assert documented[field.name] in found
    changed = re.findall(r"(--[\w-]+) \S+ changed", found)
    assert changed == ["--epochs", "--beta", "--latent-dim"]


def test_what_was_trained_and_the_numbers(run):
    found = read(run_page.write(run)).text
    for said in (
        "1,280 images of 12×12 pixels (grey)",
        "8 epochs in batches of 128: 80 steps in 1 min 16 s",
        "β = 4",
        "245.0 ± 1.5",
        "−243.0 ± 1.5",
        "0.06250 ± 0.00020",
        "torch 2.14.1",
        "0123456789abcdef" * 4,
        "effective samples 9.5",
        "variances 0.9, 0.0003, 0.4, 0.0001",
        "1,280 to train, 200 to validate, 150 to test",
    ):
        assert said in found, said


def test_sections_figures_and_pictures(run):
    parsed = read(run_page.write(run))
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("h1") == 1
    assert tags.count("h2") == tags.count("section") == 9
    images = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert len(images) == 3 + 1 + 2 + 2  # sheets, the originals over the reconstructions, walks, previews
    assert all(i["src"].startswith("data:image/png;base64,") and "alt" in i for i in images)
    labels = [
        attributes["aria-label"] for tag, attributes in parsed.tags if tag == "svg" and "aria-label" in attributes
    ]
    # One panel a term, and the latent's; at a β that the made-up numbers ignore, the loss is the negative ELBO.
    assert len(labels) == 4
    assert "Training goes from 500 to 244. Validation goes from 280 to 245; its lowest is 245." in labels[0]
    assert "The first steps, up to 500, lie above the panel." in parsed.text


def test_text_is_escaped(run):
    html = run_page.write(run).read_text(encoding="utf-8")
    assert "<i>" not in html
    assert "boxes &amp; &lt;i&gt;edges&lt;/i&gt;" in html
    assert "beta 4 <b>" not in html
    assert "arzhang evaluate 'beta 4 <b>'" in unescape(html)


def test_commands_say_what_differs_and_can_be_typed(run):
    found = read(run_page.write(run)).text
    command = re.search(r"arzhang train vae (.*?) arzhang evaluate", found)[1]
    assert command == "--epochs=8 --beta=4.0 --latent-dim=4 --out='beta 4 <b>'"
    recipe = recipes.from_mapping(recipes.VAE, vars(recipes.parser(recipes.VAE).parse_args(command.split()[:3])))
    assert (recipe.epochs, recipe.beta, recipe.latent_dim) == (8, 4.0, 4)
    assert "arzhang evaluate 'beta 4 <b>' --samples=64 arzhang report 'beta 4 <b>'" in found


def test_nothing_comes_from_elsewhere(run):
    html = run_page.write(run).read_text(encoding="utf-8")
    assert not re.search(r"<(script|link [^>]*stylesheet|iframe|object)", html)
    links = re.findall(r'(?:src|href|action)="([^"]*)"|url\(([^)]*)\)', html)
    assert {re.match(r"#|data:", a or b) is not None for a, b in links} == {True}
    for tag, attributes in Text(html).tags:
        assert not any(name.startswith("on") for name in attributes), tag


def test_what_is_missing_is_named_with_its_command(tmp_path):
    run = make_run(tmp_path / "bare", lines=[], evaluated=False, drawn=False)
    found = read(run_page.write(run)).text
    assert "Not there yet: figures/originals.png, figures/reconstructions.png, figures/samples.png." in found
    for file in ("figures/interpolation.png", "figures/traversal.png"):
        assert f"Not there yet: {file}. arzhang evaluate bare" in found
    assert "The test part has not been measured yet. arzhang evaluate bare" in found
    assert "No epoch is finished yet. arzhang resume bare" in found
    assert "No loss has been logged yet." in found
    assert "The first is drawn at epoch 10." in found


def test_a_run_half_done_says_so(tmp_path):
    run = make_run(tmp_path / "half", lines=entries(epochs=3))
    assert "So far 3 of 8 epochs are trained" in read(run_page.write(run)).text


def test_a_line_cut_by_a_kill_is_passed_over(run):
    whole = read(run_page.write(run)).text
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 81, "epo')
    assert read(run_page.write(run)).text == whole


def test_damage_within_the_log_is_counted(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    lines[3], lines[5] = "{", '"text"'
    (run / "metrics.jsonl").write_text("\n".join(lines))
    assert "Lines of metrics.jsonl that could not be read and are left out: 2." in read(run_page.write(run)).text


WRONG = [
    "",
    "{",
    "[]",
    "[" * 100_000,
    '{"kl": 3}',
    '{"kl": {"n": 3}}',
    '{"kl": {"value": "3"}}',
    '{"kl": {"value": 3, "protocol": 1}}',
    '{"kl": {"value": 3, "uncertainty": "1"}}',
    '{"kl": {"value": 3, "n": 0.5}}',
]


@pytest.mark.parametrize("content", WRONG)
def test_a_wrong_evaluation_is_one_clear_error(run, content):
    before = run_page.write(run).read_bytes()
    (run / "eval.json").write_text(content)
    with pytest.raises(ArzhangError) as caught:
        run_page.write(run)
    assert str(caught.value).startswith(str(run / "eval.json"))
    assert "\n" not in str(caught.value)
    assert (run / "report.html").read_bytes() == before


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        run_page.write(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no config"):
        run_page.write(tmp_path)
    (tmp_path / "config.yaml").write_text("system: vae\n")
    with pytest.raises(ArzhangError, match=r"config.yaml: holds no recipe"):
        run_page.write(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_an_unknown_language_is_refused(run):
    with pytest.raises(UsageError, match="--language xx: known are en"):
        run_page.write(run, language="xx")


def test_a_damaged_picture_is_named(run):
    sheet = run / "figures" / "samples.png"
    sheet.write_bytes(sheet.read_bytes()[:-200])
    (run / "samples" / "epoch_0004.png").write_bytes(b"")
    found = read(run_page.write(run)).text
    assert "Damaged and not shown: figures/samples.png." in found
    assert "Damaged and not shown: samples/epoch_0004.png." in found


def test_numbers_that_are_none(run):
    lines = entries()
    lines[4]["kl"] = float("nan")
    lines[7]["loss"] = float("inf")
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = json.loads((run / "eval.json").read_text())
    found["kl"]["value"] = found["negative_elbo"]["uncertainty"] = float("nan")
    found["active_units"]["protocol"]["kl"] = [0.0] * 4
    found["active_units"]["protocol"]["variances"] = [0.0] * 4
    (run / "eval.json").write_text(json.dumps(found))
    (run / "figures" / "traversal.png").unlink()
    text = read(run_page.write(run)).text
    assert "None of 4 latent dimensions is active" in text
    assert "No unit is active, so there is nothing to move." in text


def test_a_system_that_nobody_has_worded_yet(run):
    """The page of a newer system lists its options and draws its terms under their own names."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["system"], config["recipe"] = "translator", {"crop": 256, "weights": [1, 100]}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    lines = [{"step": s, "epoch": 1, "split": "train", "fool_it": 1 / s, "catch_it": s / 9} for s in range(1, 20)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    parsed = read(run_page.write(run))
    assert "--crop 256" in parsed.text
    assert "arzhang train translator --crop=256" in parsed.text
    labels = [a["aria-label"] for tag, a in parsed.tags if tag == "svg" and "aria-label" in a]
    assert labels[0].startswith("fool it against the step.")
    assert labels[1].startswith("catch it against the step.")


@pytest.mark.parametrize("system", ["classifier", "segmenter"])
def test_what_makes_no_images_has_a_page_without_sheets(system, tmp_path):
    """They had a VAE's, whose pictures `arzhang evaluate` could never make."""
    run = make_run(tmp_path / "run", drawn=False)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["system"], config["recipe"] = system, dataclasses.asdict(recipes.SYSTEMS[system]())
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    for language in ("en", "fa"):
        text = read(run_page.write(run, language=language)).text
        assert "arzhang evaluate run" in text  # to make it again, and nowhere else
        assert text.count("arzhang evaluate") == 1
    write_sheet(run / "samples" / "epoch_0001.png", boxes(3))
    text = read(run_page.write(run)).text
    assert ("what the segmenter says of every pixel" in text) == (system == "segmenter")


def test_several_runs_on_one_page(tmp_path):
    runs = [make_run(tmp_path / name) for name in ("seed 0", "seed 1")]
    sections = [section for run in runs for section in run_page.sections(run)]
    parsed = read(page.write_page(tmp_path / "out" / "index.html", "Both", sections))
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    targets = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html))
    assert {a or b for a, b in targets} <= set(ids)
    assert [tag for tag, _ in parsed.tags].count("h2") == 2
    with pytest.raises(ValueError, match="two sections"):
        page.write_page(tmp_path / "twice.html", "Twice", sections + sections[:1])


def test_other_blocks_and_their_text(tmp_path):
    """What a study puts on a page."""
    inner = blocks.Table("t", ["a", "b"], [["1", blocks.Cell("<2>", facts={"seed": "0"})]], numeric=[1])
    section = blocks.Section("s", "S", [blocks.Details("more", [inner]), blocks.Commands(["arzhang a", "arzhang b"])])
    parsed = read(page.write_page(tmp_path / "page.html", "T", [section]))
    assert "S more t a b 1 <2> how it was measured seed 0 arzhang a arzhang b" in parsed.text


def test_large_pictures_are_shown_as_jpeg(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (500, 500, 3), dtype=np.uint8)).save(tmp_path / "noise.png")
    shown = blocks.picture(tmp_path / "noise.png", "noise")
    assert shown.source.startswith("data:image/jpeg;base64,")
    assert (shown.width, shown.height) == (500, 500)
    assert len(shown.source) < (tmp_path / "noise.png").stat().st_size / 2


def test_a_page_is_never_half_there(run, monkeypatch):
    before = run_page.write(run).read_bytes()
    monkeypatch.setattr(os, "fdopen", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space left"):
        run_page.write(run)
    assert (run / "report.html").read_bytes() == before
    assert [p.name for p in run.iterdir() if p.name.startswith(".")] == []


def test_pages_are_of_a_size_to_send(run):
    assert run_page.write(run).stat().st_size < 1_000_000


def test_previews_of_a_long_training(run):
    for epoch in range(10, 110, 10):
        write_sheet(run / "samples" / f"epoch_{epoch:04d}.png", boxes(32), columns=32)
    text = read(run_page.write(run)).text
    assert "Strips in samples/ that are not shown: 6." in text
    shown = re.findall(r"\bepoch (\d+)", text.split("not shown: 6.")[1].split("The numbers")[0])
    assert shown == ["4", "10", "30", "60", "80", "100"]


def test_figures_follow_the_page(run):
    html = run_page.write(run).read_text(encoding="utf-8")
    drawn = "".join(re.findall(r'<svg [^>]*role="img".*?</svg>', html, re.DOTALL))
    assert "var(--series-0" in drawn
    assert "<text" in drawn
    assert not re.search(r"(?:fill|stroke): #", drawn)  # a colour of its own would not follow
