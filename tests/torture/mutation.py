"""Files that are almost right: a valid one, changed in a few places by a seeded hand."""

import json
import re
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32_767, 65_535, 65_536, 100_000, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63)
WORDS = (
    b"0", b"-1", b"1", b"99999999999999999999", b"1e999", b"-1e999", b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}",
    b'""', b"../", b"..\\", b"/", b"\0", b"\xff\xfe", b"&a", b"*a", b"!!python/object/apply:os.system ['true']",
    b"<<: *a", b"? ", b"{{", b"[[[[[[[[", b"%s%n", b"\n", b": ", b"- ", b"__class__", b"inf", b"0x10", b"1_000", b"--out",
    b"'", b'"', b"#", b"~", b"\xe2\x80\xae", b"9" * 400, b"1:1:1", b"2001-01-01", b"=", b"cposix\nsystem\n(S'true'\ntR.",
)  # fmt: skip
"""What parsers of text, YAML, JSON and pickles have stumbled over."""


def mutated(data: bytes, others: Sequence[bytes], luck: Random) -> bytes:
    """Changed in one place or a few: bits, bytes, numbers of any width, pieces cut out, doubled or taken from others."""
    found = bytearray(data)
    for _ in range(luck.choice((1, 1, 1, 2, 2, 3, 5, 9))):
        if not found:
            return luck.choice(others)[: luck.randint(0, 64)]
        luck.choice(HANDS)(found, others, luck)
    return bytes(found)


def _bit(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    found[luck.randrange(len(found))] ^= 1 << luck.randrange(8)


def _byte(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    found[luck.randrange(len(found))] = luck.randrange(256)


def _number(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    """A binary number of 1, 2, 4 or 8 bytes, either end first; more often where headers lie."""
    width = luck.choice((1, 2, 4, 8))
    if len(found) < width:
        return
    last = len(found) - width
    at = luck.randint(0, min(last, 64)) if luck.random() < 0.5 else luck.randint(0, last)
    value = luck.choice(NUMBERS) % (1 << 8 * width)
    found[at : at + width] = value.to_bytes(width, luck.choice(("little", "big")))


def _digits(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    """A number in digits."""
    places = list(re.finditer(rb"-?\d+(\.\d+)?", found[:20_000]))
    if places:
        place = luck.choice(places)
        found[place.start() : place.end()] = luck.choice((str(luck.choice(NUMBERS)).encode(), luck.choice(WORDS)))


def _word(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    at = luck.randint(0, len(found))
    found[at : at + luck.choice((0, 0, 1, 4, 8))] = luck.choice(WORDS)


def _cut(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    at = luck.randrange(len(found))
    del found[at : at + luck.choice((1, 2, 4, 16, 64, len(found)))]


def _double(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    at, size = luck.randrange(len(found)), luck.choice((1, 4, 16, 64))
    if len(found) < 1 << 16:
        found[at:at] = found[at : at + size] * luck.choice((1, 1, 2, 20))


def _splice(found: bytearray, others: Sequence[bytes], luck: Random) -> None:
    other = luck.choice(others)
    if other:
        start = luck.randrange(len(other))
        at, size = luck.randrange(len(found)), luck.choice((4, 16, 64, 256))
        found[at : at + size] = other[start : start + size]


HANDS: tuple[Callable[[bytearray, Sequence[bytes], Random], None], ...] = (
    _bit, _byte, _number, _number, _digits, _word, _cut, _double, _splice,
)  # fmt: skip


ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 2**31, 2**63, 2**64, 10**30, 1e308, -1e308, float("nan"), float("inf"), "",
    "a", "nan", "1e999", "../../x", "/x", "\0", "\u202e", "9" * 400, "--out", "%s", "None", "[]", [], {}, [[]], [0], [1, 2],
    [1] * 1_000, {"a": 1}, {"value": 0}, [None], ["a"], [{}], {"": {}},
)  # fmt: skip


def mutated_value(value: Any, luck: Random) -> Any:
    """A value of JSON with some of its parts exchanged, left out, doubled or buried."""
    for _ in range(luck.choice((1, 1, 1, 2, 3))):
        value = _value(value, luck)
    return value


def _value(value: Any, luck: Random) -> Any:
    if isinstance(value, dict) and value and luck.random() < 0.9:
        name = luck.choice(list(value))
        kind = luck.random()
        if kind < 0.08:
            return {key: one for key, one in value.items() if key != name}
        if kind < 0.14:
            return {**value, str(luck.choice(ODD)): value[name]}
        return {**value, name: _value(value[name], luck)}
    if isinstance(value, list) and value and luck.random() < 0.8:
        at = luck.randrange(len(value))
        kind = luck.random()
        if kind < 0.1:
            return value[:at] + value[at + 1 :]
        if kind < 0.2:
            return value + [value[at]] * luck.choice((1, 2, 100))
        return [*value[:at], _value(value[at], luck), *value[at + 1 :]]
    if luck.random() < 0.05:
        return nested(luck.choice((3, 50)), value)
    if isinstance(value, int | float) and not isinstance(value, bool) and luck.random() < 0.5:
        return luck.choice((value * 10**6, -value, value + 1, value / 3, luck.choice(NUMBERS)))
    return luck.choice(ODD)


def nested(depth: int, value: Any = None) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def mutated_json(data: bytes, others: Sequence[bytes], luck: Random) -> bytes:
    """JSON that is still JSON, most often; else as any other file."""
    try:
        value = json.loads(data)
    except ValueError:  # broken before
        return mutated(data, others, luck)
    return mutated(data, others, luck) if luck.random() < 0.3 else json.dumps(mutated_value(value, luck)).encode()


def mutated_safetensors(data: bytes, others: Sequence[bytes], luck: Random) -> bytes:
    """A header that is still JSON and of the length it says, most often; else as any other file."""
    try:
        (size,) = struct.unpack("<Q", data[:8])
        value = json.loads(data[8 : 8 + size])
    except (struct.error, ValueError):  # broken before
        return mutated(data, others, luck)
    if luck.random() < 0.4:
        return mutated(data, others, luck)
    header = json.dumps(mutated_value(value, luck)).encode()
    return struct.pack("<Q", len(header)) + header + data[8 + size :]
