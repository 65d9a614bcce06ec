"""What stands in a street, built of flat polygons in metres: houses, trees, people, poles and signs."""

import math

import numpy as np

from arzhang.data.streets.view import (
    BARS,
    BRIGHT,
    FACADE,
    FOLIAGE,
    PLAIN,
    ROOF,
    Colour,
    Point,
    Surfaces,
    linear,
)
from arzhang.palettes import CITYSCAPES

CLASS = {name: number for number, (name, _) in enumerate(CITYSCAPES)}
Random = np.random.Generator

PLASTER = [
    (214, 203, 180),
    (198, 180, 150),
    (226, 220, 206),
    (186, 150, 120),
    (170, 110, 88),
    (150, 96, 78),
    (196, 196, 190),
    (160, 168, 172),
    (220, 196, 150),
    (176, 160, 140),
    (140, 132, 124),
    (206, 170, 140),
]
TILES = [(122, 62, 46), (96, 58, 48), (84, 84, 90), (64, 64, 72), (140, 80, 56)]
LACQUER = [
    (24, 24, 28),
    (60, 62, 66),
    (150, 154, 158),
    (214, 216, 218),
    (196, 200, 204),
    (24, 44, 92),
    (132, 22, 24),
    (36, 58, 44),
    (110, 118, 126),
    (170, 160, 140),
    (18, 26, 44),
    (200, 60, 40),
]
CLOTHES = [
    (30, 32, 40),
    (60, 70, 96),
    (120, 30, 34),
    (176, 170, 160),
    (90, 84, 76),
    (40, 74, 110),
    (200, 196, 190),
    (140, 110, 60),
    (34, 60, 48),
    (196, 120, 40),
]
TROUSERS = [(28, 30, 38), (44, 54, 84), (70, 66, 62), (100, 92, 80), (20, 20, 22)]
SKIN = [(224, 182, 152), (196, 146, 112), (142, 98, 72), (90, 62, 48)]
LEAVES = [(78, 104, 44), (92, 112, 52), (66, 92, 48), (104, 118, 56), (120, 116, 50)]
GLASS = linear(34, 40, 46)
RUBBER = linear(26, 26, 28)
UNDER = linear(14, 14, 15)
STEEL = linear(116, 120, 122)


def choose(rng: Random, table: list[tuple[int, int, int]], spread: float = 0.15) -> Colour:
    """One of the colours, a little lighter or darker."""
    red, green, blue = linear(*table[rng.integers(len(table))])
    factor = float(np.exp(rng.normal(0, spread)))
    return min(red * factor, 0.85), min(green * factor, 0.85), min(blue * factor, 0.85)


def darker(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def upright(x: float, z: float, low: float, high: float, left: float, right: float) -> list[Point]:
    """A rectangle that faces the camera."""
    return [(x + left, low, z), (x + right, low, z), (x + right, high, z), (x + left, high, z)]


def disc(x: float, y: float, z: float, wide: float, high: float, corners: int = 12) -> list[Point]:
    """An ellipse that faces the camera."""
    turns = [2 * math.pi * i / corners for i in range(corners)]
    return [(x + wide * math.cos(t), y + high * math.sin(t), z) for t in turns]


# ---------------------------------------------------------------------------------------------------------- houses


def house(
    out: Surfaces, rng: Random, side: int, inner: tuple[float, float], near: float, far: float, height: float
) -> None:
    """A house along the street. `side` −1 is left; `inner`: x of its front at its near and its far end."""
    colour = choose(rng, PLASTER)
    width = far - near
    bays = max(1, round(width / rng.uniform(2.2, 3.4)))
    ground_floor = rng.uniform(3.2, 4.2) if rng.random() < 0.5 else 0.4
    glass, floor = float(rng.uniform(0.38, 0.62)), float(rng.uniform(2.9, 3.5))
    style = (width / bays, floor, glass, ground_floor, float(rng.uniform(0, 8)), height)
    depth = 14.0 * side
    outer = (inner[0] + depth, inner[1] + depth)
    if rng.random() < 0.6:
        rise, back = float(rng.uniform(2.0, 4.0)), float(rng.uniform(3.0, 5.0)) * side
        tiles = choose(rng, TILES)
        slope = [
            (inner[0], height, near),
            (inner[0] + back, height + rise, near),
            (inner[1] + back, height + rise, far),
            (inner[1], height, far),
        ]
        gable = [(inner[0], height, near), (outer[0], height, near), (inner[0] + back, height + rise, near)]
        for _ in range(int(rng.integers(0, 3))):
            z, x = rng.uniform(near + 1, far - 0.5), inner[0] + back * 0.8
            top = height + rise + rng.uniform(0.2, 0.9)
            out.add(upright(x, z, height, top, -0.45, 0.45), CLASS["building"], darker(choose(rng, TILES), 0.8))
        out.add(slope, CLASS["building"], tiles, ROOF, style=(float(rng.random()), 0, 0, 0, 0, 0))
        out.add(gable, CLASS["building"], darker(colour, 0.9))
    front = [(inner[0], 0.0, near), (inner[0], height, near), (inner[1], height, far), (inner[1], 0.0, far)]
    end = [(inner[0], 0.0, near), (outer[0], 0.0, near), (outer[0], height, near), (inner[0], height, near)]
    blank = (style[0], floor, glass * 0.5 if rng.random() < 0.5 else 0.0, 0.4, style[4], height)
    out.add(end, CLASS["building"], darker(colour, 0.92), FACADE, style=blank)
    out.add(front, CLASS["building"], colour, FACADE, style=style)


def barrier(out: Surfaces, rng: Random, ends: tuple[Point, Point]) -> None:
    """A wall, a fence or a hedge between two points on the ground."""
    (x0, _, z0), (x1, _, z1) = ends
    kind = rng.choice(["wall", "fence", "hedge", "none"], p=[0.25, 0.35, 0.25, 0.15])
    if kind == "none":
        return
    high = float(rng.uniform(0.9, 1.4) if kind == "fence" else rng.uniform(1.2, 2.2))
    plane = [(x0, 0.0, z0), (x1, 0.0, z1), (x1, high, z1), (x0, high, z0)]
    if kind == "wall":
        out.add(plane, CLASS["wall"], choose(rng, PLASTER[3:]), PLAIN)
    elif kind == "fence":
        colour = choose(rng, [(70, 74, 72), (150, 150, 146), (126, 96, 66), (206, 204, 198)])
        out.add(plane, CLASS["fence"], colour, BARS, style=(float(rng.uniform(0.25, 0.45)), high, 0, 0, 0, 0))
    else:
        out.add(plane, CLASS["vegetation"], choose(rng, LEAVES), FOLIAGE, style=(0, high / 2, high, 0, 0, 0))


# ----------------------------------------------------------------------------------------------------------- trees


def tree(out: Surfaces, rng: Random, x: float, z: float, size: float = 1.0) -> None:
    """Trunk and crown, of vegetation alike; the crown is many blots, darker below and within."""
    trunk = float(rng.uniform(2.0, 3.2)) * size
    radius = float(rng.uniform(1.4, 2.4)) * size
    tall = radius * float(rng.uniform(1.0, 1.5))
    bark = darker(linear(96, 78, 60), float(rng.uniform(0.7, 1.2)))
    thick = 0.11 * size + 0.03
    out.shadows.append(
        [(x + 0.9 * radius * math.cos(t), z + 0.9 * radius * math.sin(t)) for t in np.arange(0, 6.2, 0.7)]
    )
    out.add(
        [
            (x - thick, 0, z),
            (x + thick, 0, z),
            (x + thick * 0.6, trunk + tall * 0.5, z),
            (x - thick * 0.6, trunk + tall * 0.5, z),
        ],
        CLASS["vegetation"],
        bark,
    )
    leaves = choose(rng, LEAVES)
    middle = trunk + tall * 0.8
    count, corners = (34, 19) if z < 18 else (16, 15) if z < 45 else (6, 13)
    for i in range(count):
        angle, away = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform(0, 1)) * (0.0 if i == 0 else 0.85)
        dx, dy = away * radius * math.cos(angle), away * tall * math.sin(angle)
        r = radius * (0.68 if i == 0 else float(rng.uniform(0.16, 0.36)) * (34 / count) ** 0.3)
        blot(
            out,
            rng,
            (x + dx, middle + dy, z),
            r,
            darker(leaves, 0.85 + 0.25 * dy / tall + float(rng.normal(0, 0.1))),
            (middle, tall),
            corners,
        )


def blot(
    out: Surfaces, rng: Random, at: Point, radius: float, colour: Colour, crown: tuple[float, float], corners: int = 13
) -> None:
    """A ragged patch of leaves."""
    reach = radius * (1 + rng.normal(0, 0.2, corners))
    turns = np.arange(corners) * (2 * math.pi / corners)
    across, up = (at[0] + reach * np.cos(turns)).tolist(), (at[1] + reach * np.sin(turns)).tolist()
    outline = [(x, y, at[2]) for x, y in zip(across, up, strict=True)]
    out.add(outline, CLASS["vegetation"], colour, FOLIAGE, style=(float(rng.uniform(0, 9)), *crown, 0, 0, 0))


def bush(out: Surfaces, rng: Random, x: float, z: float, size: float) -> None:
    leaves = choose(rng, LEAVES)
    for _ in range(5):
        dx = float(rng.uniform(-1, 1)) * size
        blot(out, rng, (x + dx, size * 0.45, z), size * float(rng.uniform(0.45, 0.7)), leaves, (size * 0.4, size))


# ---------------------------------------------------------------------------------------------------------- people


def person(out: Surfaces, rng: Random, x: float, z: float, *, label: str = "person", lift: float = 0.0) -> None:
    """Somebody who stands or walks; with `lift` one who sits that high and shows no feet."""
    h = float(rng.uniform(1.5, 1.88))
    coat, legs = choose(rng, CLOTHES), choose(rng, TROUSERS)
    skin, hair = choose(rng, SKIN), choose(rng, [(30, 24, 20), (70, 50, 34), (150, 120, 70), (120, 116, 112)])
    number = CLASS[label]
    stride = float(rng.uniform(0.02, 0.16)) * h
    hip, base = 0.48 * h, lift
    if lift == 0:
        out.shadows.append([(x - 0.3, z - 0.2), (x + 0.3, z - 0.2), (x + 0.3, z + 0.2), (x - 0.3, z + 0.2)])
        for side in (-1, 1):
            foot = x + side * (0.04 * h + stride / 2)
            out.add(
                [
                    (foot - 0.05 * h, 0, z),
                    (foot + 0.05 * h, 0, z),
                    (x + side * 0.045 * h + 0.055 * h, hip, z),
                    (x + side * 0.045 * h - 0.055 * h, hip, z),
                ],
                number,
                darker(legs, 0.85 if side < 0 else 1.0),
            )
            out.add(upright(foot, z, 0, 0.04 * h, -0.06 * h, 0.06 * h), number, RUBBER)
    shoulder, waist = 0.125 * h, 0.095 * h
    for side in (-1, 1):
        hand = x + side * (shoulder + 0.05 * h)
        out.add(
            [
                (x + side * shoulder * 0.8, base + 0.82 * h, z),
                (x + side * (shoulder + 0.03 * h), base + 0.79 * h, z),
                (hand + 0.02 * h, base + 0.5 * h, z),
                (hand - 0.025 * h, base + 0.5 * h, z),
            ],
            number,
            darker(coat, 0.75),
        )
        out.add(disc(hand, base + 0.48 * h, z, 0.022 * h, 0.026 * h, 8), number, skin)
    out.add(
        [
            (x - waist, base + 0.45 * h, z),
            (x + waist, base + 0.45 * h, z),
            (x + shoulder, base + 0.79 * h, z),
            (x + shoulder * 0.6, base + 0.83 * h, z),
            (x - shoulder * 0.6, base + 0.83 * h, z),
            (x - shoulder, base + 0.79 * h, z),
        ],
        number,
        coat,
    )
    out.add(upright(x, z, base + 0.82 * h, base + 0.88 * h, -0.025 * h, 0.025 * h), number, darker(skin, 0.8))
    out.add(disc(x, base + 0.935 * h, z, 0.052 * h, 0.065 * h), number, hair)
    if rng.random() < 0.6:
        out.add(disc(x, base + 0.92 * h, z, 0.043 * h, 0.052 * h), number, skin)
    if rng.random() < 0.3:
        out.add(
            upright(x + shoulder, z, base + 0.36 * h, base + 0.56 * h, -0.02 * h, 0.14 * h),
            number,
            choose(rng, CLOTHES),
        )


def cyclist(out: Surfaces, rng: Random, x: float, z: float, *, ridden: bool = True) -> None:
    """A bicycle seen from behind or from its side, with its rider or without."""
    label, frame = CLASS["bicycle"], choose(rng, LACQUER, 0.3)
    out.shadows.append([(x - 0.4, z - 0.8), (x + 0.4, z - 0.8), (x + 0.4, z + 0.8), (x - 0.4, z + 0.8)])
    if rng.random() < (0.35 if ridden else 0.9):
        for dx in (-0.52, 0.52):
            out.add(disc(x + dx, 0.34, z, 0.34, 0.34, 16), label, RUBBER)
            out.add(disc(x + dx, 0.34, z, 0.28, 0.28, 16), label, linear(110, 110, 108))
            out.add(disc(x + dx, 0.34, z, 0.05, 0.05, 8), label, STEEL)
        for (x0, y0), (x1, y1) in (
            ((-0.52, 0.34), (-0.2, 0.9)),
            ((-0.2, 0.85), (0.42, 0.92)),
            ((0.52, 0.34), (0.4, 1.05)),
            ((-0.05, 0.3), (0.42, 0.85)),
            ((-0.05, 0.3), (-0.2, 0.9)),
        ):
            out.add(
                [(x + x0 - 0.035, y0, z), (x + x0 + 0.035, y0, z), (x + x1 + 0.035, y1, z), (x + x1 - 0.035, y1, z)],
                label,
                frame,
            )
        out.add(upright(x - 0.2, z, 0.9, 0.98, -0.14, 0.14), label, RUBBER)
    else:
        out.add(disc(x, 0.34, z, 0.07, 0.34, 12), label, RUBBER)
        out.add(upright(x, z, 0.3, 0.95, -0.05, 0.05), label, frame)
        out.add(upright(x, z, 0.98, 1.06, -0.28, 0.28), label, RUBBER)
        out.add(upright(x, z, 0.55, 0.62, -0.09, 0.09), label, linear(190, 30, 24))
    if ridden:
        trousers = choose(rng, TROUSERS)
        for side in (-1, 1):
            out.add(
                [
                    (x + side * 0.13 - 0.06, 0.42, z),
                    (x + side * 0.13 + 0.06, 0.42, z),
                    (x + side * 0.09 + 0.09, 1.0, z),
                    (x + side * 0.09 - 0.09, 1.0, z),
                ],
                CLASS["rider"],
                trousers,
            )
        person(out, rng, x, z, label="rider", lift=0.18)


# ------------------------------------------------------------------------------------------------- poles and signs


def pole(out: Surfaces, x: float, z: float, height: float, thick: float = 0.06, colour: Colour = STEEL) -> None:
    out.shadows.append([(x - 0.1, z - 0.1), (x + 0.1, z - 0.1), (x + 0.1, z + 0.1), (x - 0.1, z + 0.1)])
    out.add(upright(x, z, 0, height, -thick, thick), CLASS["pole"], colour)
    out.add(upright(x, z, 0, height, -thick, -thick * 0.2), CLASS["pole"], darker(colour, 1.35))


def lamp(out: Surfaces, rng: Random, x: float, z: float, inward: int) -> None:
    """A street lamp, its arm over the road."""
    height, reach = float(rng.uniform(6, 8)), float(rng.uniform(1.2, 2.2)) * inward
    colour = darker(STEEL, float(rng.uniform(0.4, 1.2)))
    pole(out, x, z, height, 0.085, colour)
    out.add(
        [(x, height - 0.08, z), (x + reach, height + 0.25, z), (x + reach, height + 0.35, z), (x, height + 0.08, z)],
        CLASS["pole"],
        colour,
    )
    out.add(
        [
            (x + reach * 0.8, height + 0.15, z),
            (x + reach * 1.3, height + 0.22, z),
            (x + reach * 1.3, height + 0.36, z),
            (x + reach * 0.8, height + 0.36, z),
        ],
        CLASS["pole"],
        darker(colour, 1.2),
    )


def sign(out: Surfaces, rng: Random, x: float, z: float) -> None:
    """A round, three-cornered, eight-cornered or square sign on its pole."""
    height = float(rng.uniform(2.3, 3.0))
    pole(out, x, z, height + 0.3, 0.045)
    label, white, red, blue = CLASS["traffic sign"], linear(236, 236, 230), linear(196, 26, 30), linear(24, 70, 160)
    kind = int(rng.integers(5))
    r = float(rng.uniform(0.36, 0.5))
    if kind == 0:
        out.add(disc(x, height, z, r, r, 16), label, red, BRIGHT)
        out.add(disc(x, height, z, r * 0.72, r * 0.72, 16), label, white)
        out.add(upright(x, z, height - r * 0.35, height + r * 0.35, -r * 0.4, r * 0.4), label, linear(30, 30, 30))
    elif kind == 1:
        out.add([(x - r, height - r * 0.7, z), (x + r, height - r * 0.7, z), (x, height + r, z)], label, red, BRIGHT)
        out.add(
            [(x - r * 0.6, height - r * 0.45, z), (x + r * 0.6, height - r * 0.45, z), (x, height + r * 0.55, z)],
            label,
            white,
        )
    elif kind == 2:
        out.add(disc(x, height, z, r, r, 16), label, blue, BRIGHT)
        out.add(upright(x, z, height - r * 0.5, height + r * 0.5, -r * 0.12, r * 0.12), label, white)
    elif kind == 3:
        out.add(disc(x, height, z, r, r, 8), label, red, BRIGHT)
        out.add(upright(x, z, height - r * 0.2, height + r * 0.2, -r * 0.7, r * 0.7), label, white)
    else:
        out.add(upright(x, z, height - r, height + r, -r, r), label, blue, BRIGHT)
        out.add(upright(x, z, height - r * 0.6, height + r * 0.6, -r * 0.25, r * 0.1), label, white)


def traffic_light(out: Surfaces, rng: Random, x: float, z: float) -> None:
    """A pole with three lamps of which one shines."""
    height = float(rng.uniform(2.7, 3.4))
    pole(out, x, z, height, 0.07, darker(STEEL, 0.6))
    label = CLASS["traffic light"]
    out.add(upright(x, z, height - 0.5, height + 0.6, -0.22, 0.22), label, linear(24, 26, 24))
    shining = int(rng.choice([0, 0, 1, 2, 2]))
    for i, colour in enumerate(((240, 40, 30), (250, 180, 40), (50, 220, 120))):
        on = i == shining
        shade = linear(*colour) if on else darker(linear(*colour), 0.12)
        out.add(disc(x, height + 0.36 - 0.32 * i, z, 0.12, 0.12, 10), label, shade, BRIGHT if on else PLAIN)
