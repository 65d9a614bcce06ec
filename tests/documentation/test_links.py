"""Every link and figure of the documentation leads somewhere; every figure is named with the command that made it."""

import re

import pytest
from documentation import pages

TABLE = pages.DOCS / "figures.md"


def broken(page, text) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for target in pages.links(text):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            found.append(f"{target}: no such file")
        elif anchor and anchor not in pages.anchors(pages.read(there) if path else text):
            found.append(f"{target}: no such heading")
    return found


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_links_resolve(page):
    assert broken(page, pages.read(page)) == []


def test_a_broken_link_is_seen():
    page, text = (
        pages.DOCS / "index.md",
        "# A head\n[a](vae.md) [b](#a-head) [c](vae.md#networks-3a) ![d](vae.png) [e](https://e.org)",
    )
    assert broken(page, text) == []
    wrong = "[a](vea.md) [b](#head) [c](vae.md#networks) ![a [nested] d](no.png) [`code`](gone.md)"
    assert len(broken(page, wrong)) == 5


def test_anchors_are_those_of_the_site_and_of_github():
    assert pages.anchors("# The *one*, & only\n## β of 3d\n### `code` here\n```\n# no heading\n```\n") == {
        "code-here"
    }  # two spaces, and a letter beyond ASCII: the two make different anchors of these


def figures() -> dict[str, tuple[list[str], list[str]]]:
    """The table: figure → (pages it stands on, commands that draw it)."""
    rows = re.findall(r"^\| `([\w-]+\.png)` \| (.+?) \| (.+?) \| .+? \|$", pages.read(TABLE), re.MULTILINE)
    return {figure: (re.findall(r"\((\w+\.md)\)", where), re.findall(r"`([^`]+)`", how)) for figure, where, how in rows}


def test_every_figure_is_shown_and_named_with_its_command():
    there = {path.name for path in pages.DOCS.rglob("*.png")}
    listed = figures()
    assert set(listed) == there
    for figure, (where, commands) in listed.items():
        assert where, figure
        for page in where:
            assert figure in pages.links(pages.read(pages.DOCS / page)), f"{page} does not show {figure}"
        assert commands, figure
        assert all(command.startswith(("arzhang ", "make ")) for command in commands), figure
    shown = {t for page in pages.PAGES for t in pages.links(pages.read(page)) if t.endswith(".png")}
    assert {target.rpartition("/")[2] for target in shown} == there


def test_every_page_is_in_the_menu():
    menu = re.findall(r": ([\w/-]+\.md)$", pages.read(pages.ROOT / "mkdocs.yml"), re.MULTILINE)
    assert sorted(menu) == sorted(path.relative_to(pages.DOCS).as_posix() for path in pages.DOCS.rglob("*.md"))


def test_pictures_say_what_they_show():
    for page in pages.PAGES:
        for words in re.findall(r"!\[([^\]]*)\]\(", pages.read(page)):
            assert len(words) > 20, f"{pages.name(page)}: ![{words}]"
