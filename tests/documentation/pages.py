"""The documentation's Markdown taken apart: its code blocks, its commands, its links and headings."""

import re
import shlex
import unicodedata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "README.fa.md", ROOT / "CONTRIBUTING.md"]
RUN = "<!-- run -->"
"""Stands above a shell block whose commands a test runs."""
BLOCK = re.compile(r"^(<!-- run -->\n)?( *)```(\w*)[^\n]*\n(.*?)^\2```", re.MULTILINE | re.DOTALL)
ENDS = {"|", ">", ">>", "&&", ";", "||"}
"""Words of a shell at which a command's own words end."""


class Block(NamedTuple):
    """A code block: its language, its text, whether its commands are run, and where it begins."""

    language: str
    text: str
    run: bool
    line: int


class Command(NamedTuple):
    """The words after `arzhang`, and the file that the output goes to."""

    words: list[str]
    into: str | None


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    found = []
    for one in BLOCK.finditer(text):
        lines = [line.removeprefix(one[2]) for line in one[4].splitlines(keepends=True)]
        found.append(Block(one[3], "".join(lines), one[1] is not None, text.count("\n", 0, one.start()) + 1))
    return found


def lines(block: Block) -> list[list[str]]:
    """The words of each line of a shell block: lines joined, arrays' first values put in, comments left out."""
    text = block.text.replace("\\\n", " ")
    for array, first in re.findall(r"^(\w+)=\((\S+)", text, re.MULTILINE):
        text = re.sub(rf"\$\{{{array}\[[^]]*\]\}}", first, text)
    joined = text.splitlines()
    return [words for line in joined if (words := shlex.split(line, comments=True))]


def command(words: list[str]) -> Command | None:
    """What a line gives to arzhang: by itself, or after srun, ssh, torchrun and the like."""
    at = next((i for i, word in enumerate(words) if word in ("arzhang", "arzhang.cli")), None)
    if at is None or "pip" in words[:at]:
        return None
    rest = words[at + 1 :]
    end = next((i for i, word in enumerate(rest) if word in ENDS), len(rest))
    into = rest[end + 1] if rest[end : end + 1] == [">"] else None
    return Command(rest[:end], into)


def spans(text: str) -> list[str]:
    """The code within sentences that begins with `arzhang `, each on one line."""
    prose = BLOCK.sub("", text)
    return [" ".join(one.split()) for one in re.findall(r"(?<!`)`(arzhang\s[^`]+)`(?!`)", prose)]


def links(text: str) -> list[str]:
    """Where a page's links and pictures lead, those to other hosts left out."""
    prose = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", text))
    found = re.findall(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)", prose)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings that GitHub and the site both make (they differ beyond ASCII)."""
    found = set()
    for heading in re.findall(r"^#{1,6} (.+)$", BLOCK.sub("", text), re.MULTILINE):
        plain = re.sub(r"[`*]|\$", "", heading).strip().lower()
        github = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        ascii_only = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
        site = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip())
        if github == site:
            found.add(site)
    return found
