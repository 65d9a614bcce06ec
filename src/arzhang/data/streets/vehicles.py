"""Cars, vans, lorries and buses: a side view drawn out to its width, with windows, wheels and lamps."""

import math

from arzhang.data.streets.scenery import CLASS, GLASS, LACQUER, RUBBER, UNDER, Random, choose, darker
from arzhang.data.streets.view import BRIGHT, GLOSSY, PLAIN, Colour, Point, Surfaces, linear

# Side view (along, up) from the rear, over the roof, to the front and back below, for a length and a height of 1;
# beside each edge what it is made of.
SALOON = [
    (-0.5, 0.2),
    (-0.5, 0.55),
    (-0.46, 0.64),
    (-0.30, 0.97),
    (-0.05, 1.0),
    (0.12, 0.95),
    (0.27, 0.65),
    (0.47, 0.55),
    (0.5, 0.42),
    (0.49, 0.2),
]
SALOON_EDGES = ["paint", "paint", "glass", "paint", "paint", "glass", "paint", "paint", "paint"]
HATCHBACK = [
    (-0.5, 0.2),
    (-0.5, 0.52),
    (-0.47, 0.6),
    (-0.41, 0.97),
    (-0.1, 1.0),
    (0.1, 0.96),
    (0.29, 0.63),
    (0.46, 0.54),
    (0.5, 0.42),
    (0.49, 0.2),
]
VAN = [
    (-0.5, 0.16),
    (-0.5, 0.48),
    (-0.5, 0.9),
    (-0.49, 1.0),
    (0.2, 1.0),
    (0.26, 0.96),
    (0.4, 0.56),
    (0.49, 0.44),
    (0.5, 0.3),
    (0.5, 0.16),
]
VAN_EDGES = ["paint", "glass", "paint", "paint", "paint", "glass", "paint", "paint", "paint"]
BUS = [(-0.5, 0.1), (-0.5, 0.48), (-0.5, 0.86), (-0.49, 1.0), (0.48, 1.0), (0.5, 0.9), (0.5, 0.4), (0.5, 0.1)]
BUS_EDGES = ["paint", "glass", "paint", "paint", "paint", "glass", "paint"]
SIDE_WINDOWS = {
    "saloon": [
        [(-0.27, 0.66), (-0.25, 0.92), (-0.08, 0.95), (-0.08, 0.66)],
        [(-0.06, 0.66), (-0.06, 0.95), (0.11, 0.91), (0.22, 0.66)],
    ],
    "hatchback": [
        [(-0.41, 0.64), (-0.36, 0.92), (-0.1, 0.95), (-0.1, 0.64)],
        [(-0.08, 0.64), (-0.08, 0.95), (0.09, 0.92), (0.23, 0.64)],
    ],
    "van": [[(0.08, 0.6), (0.08, 0.92), (0.24, 0.92), (0.36, 0.6)]],
    "bus": [
        [(-0.47 + 0.155 * i, 0.45), (-0.47 + 0.155 * i, 0.84), (-0.33 + 0.155 * i, 0.84), (-0.33 + 0.155 * i, 0.45)]
        for i in range(6)
    ],
    "truck": [],
}
VEHICLES = {  # label, outline, edges, length, width, height, radius of its wheels
    "saloon": ("car", SALOON, SALOON_EDGES, 4.5, 1.8, 1.45, 0.33),
    "hatchback": ("car", HATCHBACK, SALOON_EDGES, 4.0, 1.75, 1.5, 0.32),
    "van": ("car", VAN, VAN_EDGES, 4.9, 1.9, 1.95, 0.34),
    "truck": ("truck", VAN, VAN_EDGES, 6.5, 2.3, 2.8, 0.42),
    "bus": ("bus", BUS, BUS_EDGES, 11.0, 2.5, 3.1, 0.5),
}


def vehicle(out: Surfaces, rng: Random, kind: str, x: float, z: float, heading: float) -> None:
    """A vehicle whose middle is at (x, z); heading 0: it drives away from the camera, π: towards it."""
    name, outline, edges, length, width, height, wheel = VEHICLES[kind]
    label = CLASS[name]
    colour = choose(rng, LACQUER, 0.1)
    if kind == "bus":
        colour = choose(rng, [(190, 40, 36), (220, 190, 60), (60, 90, 150), (214, 214, 208), (50, 120, 80)])
    sine, cosine = math.sin(heading), math.cos(heading)

    def at(along: float, up: float, aside: float) -> Point:
        u, v = along * length, aside * width / 2
        return x + u * sine + v * cosine, up * height, z + u * cosine - v * sine

    def narrow(up: float) -> float:
        return 1.0 if kind in ("bus", "truck") or up < 0.6 else 1.0 - 0.42 * (up - 0.6)

    def polygon(points: list[Point], shade: Colour, material: int, mirror: float = 0.0) -> None:
        out.add(points, label, shade, material, solid=True, style=(mirror, 0, 0, 0, 0, 0))

    out.shadows.append([at(a, 0, b)[::2] for a, b in ((-0.53, -1.12), (0.53, -1.12), (0.53, 1.12), (-0.53, 1.12))])
    low = outline[0][1]
    for end, left in ((-0.46, -0.86), (0.46, 0.86)):  # the dark below it
        polygon([at(end, 0.03, -left), at(end, 0.03, left), at(end, low, left), at(end, low, -left)], UNDER, PLAIN)
    for (a0, u0), (a1, u1), made in zip(outline, outline[1:], edges, strict=False):
        n0, n1 = narrow(u0), narrow(u1)
        strip = [at(a0, u0, n0), at(a0, u0, -n0), at(a1, u1, -n1), at(a1, u1, n1)]
        polygon(strip, colour, GLOSSY, 0.25)
        if made == "glass":
            i0, i1 = (u0 + 0.06 * (u1 - u0), u1 - 0.1 * (u1 - u0))
            b0, b1 = a0 + 0.06 * (a1 - a0), a1 - 0.1 * (a1 - a0)
            pane = [at(b0, i0, n0 * 0.88), at(b0, i0, -n0 * 0.88), at(b1, i1, -n1 * 0.86), at(b1, i1, n1 * 0.86)]
            polygon(pane, GLASS, GLOSSY, 0.55)
    _lamps(polygon, at, low, bus=kind == "bus")
    for side in (-1, 1):
        body = [at(a, u, side * narrow(u)) for a, u in outline]
        polygon(body if side > 0 else body[::-1], darker(colour, 0.85), GLOSSY, 0.12)
        for window in SIDE_WINDOWS[kind]:
            pane = [at(a, u, side * (narrow(u) + 0.004)) for a, u in window]
            polygon(pane if side > 0 else pane[::-1], GLASS, GLOSSY, 0.45)
        for axle in (-0.31, 0.32):
            for radius, shade in ((wheel, RUBBER), (wheel * 0.6, linear(120, 122, 126))):
                turns = [2 * math.pi * i / 14 for i in range(14)]
                rim = [
                    at(axle + radius / length * math.cos(t), (wheel + radius * math.sin(t)) / height, side * 1.01)
                    for t in turns
                ]
                polygon(rim[::-1] if side > 0 else rim, shade, PLAIN)


def _lamps(polygon, at, base: float, *, bus: bool) -> None:  # type: ignore[no-untyped-def]
    """Lamps, number plates and tyres at both ends."""
    low, high = (0.2, 0.28) if bus else (0.42, 0.53)
    for end, shine in ((-0.502, linear(196, 20, 16)), (0.502, linear(250, 246, 230))):
        turn = 1 if end < 0 else -1

        def plate(
            left: float, right: float, bottom: float, top: float, end: float = end, turn: int = turn
        ) -> list[Point]:
            corners = [at(end, bottom, right), at(end, bottom, left), at(end, top, left), at(end, top, right)]
            return corners[::turn]

        for left, right in ((-0.95, -0.66), (0.66, 0.95)):
            polygon(plate(left, right, low, high), shine, BRIGHT)
            polygon(plate(left + 0.02, right - 0.02, 0.0, 0.2), RUBBER, PLAIN)
        polygon(plate(-0.28, 0.28, 0.34, 0.42), linear(226, 226, 220), PLAIN)
        polygon(plate(-0.95, 0.95, base, base + 0.07), linear(30, 30, 32), PLAIN)
        if end > 0 and not bus:
            polygon(plate(-0.5, 0.5, 0.44, 0.52), linear(22, 22, 24), PLAIN)
