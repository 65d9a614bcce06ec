"""The Persian README says what the English one says: the same code, the same commands, the same numbers."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGLISH, PERSIAN = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.fa.md"))
OWN = ("arzhang report RUN --language fa",)
"""Commands that only a Persian reader is told."""


def blocks(text):
    return re.findall(r"```.*?```", text, re.DOTALL)


def commands(text):
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return Counter(re.sub(r"\s+", " ", code) for code in re.findall(r"`([^`]+)`", prose))


def numbers(text):
    """Every number outside of code and links, its digits, separators and leading zero made alike."""
    plain = re.sub(r"```.*?```|`[^`]+`|\]\([^)]*\)|<[^>]*>", " ", text, flags=re.DOTALL)
    plain = plain.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹٫٬", "0123456789.,"))
    found = re.findall(r"−?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e-?\d+)?", plain)
    return Counter("0" + one if one.startswith(".") else one.rstrip(",") for one in found)


def test_code_and_commands_are_the_same():
    assert blocks(PERSIAN) == blocks(ENGLISH)
    assert commands(PERSIAN) - Counter(OWN) == commands(ENGLISH)


def test_numbers_are_the_same():
    found = numbers(PERSIAN)
    assert sum(found.values()) > 100
    assert found == numbers(ENGLISH)


@pytest.mark.parametrize(("before", "after"), [("۲۴۲٫۲۲", "۲۴۲٫۲۳"), ("`arzhang doctor RUN`", "`arzhang doctor`")])
def test_a_difference_is_seen(before, after):
    assert before in PERSIAN
    spoilt = PERSIAN.replace(before, after)
    assert (numbers(spoilt), commands(spoilt)) != (numbers(PERSIAN), commands(PERSIAN))


def test_links_are_the_same():
    target = re.compile(r"\]\(([^)]+)\)")
    assert set(target.findall(PERSIAN)) - {"README.md"} == set(target.findall(ENGLISH)) - {"README.fa.md"}
