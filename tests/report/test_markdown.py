"""Blocks of a page as Markdown: the words mean themselves, the pictures are whole, nothing of a section is lost."""

import io

import pytest
from markdown_it import MarkdownIt
from PIL import Image

from arzhang.report import blocks, markdown, run_page


def rendered(found):
    kept = []

    def keep(shown):
        kept.append(shown)
        return f"{len(kept)}.{shown.kind}"

    text = markdown.text(found, keep)
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text), text, kept


@pytest.mark.parametrize(
    "words",
    ["a_b and *c*", "<b>bold</b> & more", "1. not a list", "# no heading", "x | y", "[no](link)", "100 $ and 5 $"],
)
def test_words_mean_themselves(words):
    html, _, _ = rendered(markdown.pieces([blocks.Text(words), blocks.Findings([words])]))
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"<p>{escaped}</p>" in html
    assert f"<li>{escaped}</li>" in html


def test_every_section_of_a_run(run):
    for section in run_page.sections(run):
        html, text, kept = rendered(markdown.section(section))
        assert text.startswith("## ")
        assert all(shown.alt for shown in kept)
        for shown in kept:
            with Image.open(io.BytesIO(shown.content)) as image:
                image.load()
        assert html.count("<img ") == len(kept)
        for block in section.blocks:
            if isinstance(block, blocks.Table):
                assert html.count("<tr>") == len(block.rows) + 1


def test_a_table_keeps_its_cells_and_tells_protocols_once():
    shared = {"seed": "0", "n": "5"}
    rows = [
        [blocks.Cell("a|b", facts=shared | {"network": "one"}), "1.5", "x"],
        [blocks.Cell("c", mark="changed", facts=shared | {"network": "two"}), "−2", ""],
    ]
    html, text, _ = rendered(markdown.pieces([blocks.Table("numbers", ["m", "v", "u"], rows, numeric=[1])]))
    assert html.count("<tr>") == 3
    assert "<td>a|b</td>" in html
    assert "c changed" in html
    assert text.count("seed 0") == 1
    assert "network one" in text
    assert "network two" in text
    assert ">1.5</td>" in html


def test_small_multiples_are_one_picture(run):
    (curves,) = (section for section in run_page.sections(run) if section.id.endswith("-curves"))
    _, _, kept = rendered(markdown.pieces(curves.blocks))
    (drawn,) = (block for block in curves.blocks if isinstance(block, blocks.Drawings))
    assert len(drawn.drawings) > 1
    assert len(kept) == 1
    with Image.open(io.BytesIO(kept[0].content)) as image:
        columns = min(markdown.COLUMNS, len(drawn.drawings))
        single = Image.open(io.BytesIO(drawn.drawings[0].svg.png()))
        assert image.width == columns * single.width
        assert image.height == -(-len(drawn.drawings) // columns) * single.height


def test_a_block_that_nobody_taught_it_is_an_error():
    with pytest.raises(ValueError, match="no Markdown for a block of Block"):
        list(markdown.pieces([blocks.Block()]))
