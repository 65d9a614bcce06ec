"""What is where in a street: its plan, what is built along it, what stands and moves in it, and the light."""

import math

import numpy as np

from arzhang.data.streets import scenery, vehicles
from arzhang.data.streets.scenery import CLASS, Random
from arzhang.data.streets.view import FACADE, Camera, Ground, Light, Surfaces, View

DEPTH = 130.0
"""Metres to the last house."""


def view(rng: Random, aspect: float) -> View:
    ground = _plan(rng)
    out = Surfaces()
    heights, ground = _built(out, rng, ground)
    _furnished(out, rng, ground)
    lane = float(rng.uniform(0.35, 0.6)) * ground.lane
    camera = Camera(
        x=lane,
        y=float(rng.uniform(1.4, 2.1)),
        yaw=float(rng.normal(0, 0.03)) - lane / 60 + ground.bend * 8,
        pitch=float(rng.normal(0.0, 0.012)),
        focal=1.12 + 0.15 * (aspect - 1),
        horizon=float(rng.uniform(0.45, 0.53)),
    )
    return View(camera, out, ground, _light(rng), CLASS["sky"], heights, int(rng.integers(1 << 31)))


def _plan(rng: Random) -> Ground:
    lanes = int(rng.choice([1, 1, 1, 2]))
    lane = float(rng.uniform(2.9, 3.5))
    road = lanes * lane + float(rng.choice([0.4, 2.3]))  # with room to park or without
    verge = float(rng.uniform(1.0, 1.8)) if rng.random() < 0.3 else 0.0
    crossing = None
    if rng.random() < 0.4:
        near = float(rng.uniform(14, 45))
        crossing = (near, near + float(rng.uniform(7, 11)))
    return Ground(
        bend=float(rng.normal(0, 0.0012)),
        road=road,
        built=road + verge + float(rng.uniform(2.2, 4.5)),
        verge=verge,
        lane=lane,
        solid=bool(rng.random() < 0.25),
        crossing=crossing,
        zebra=bool(rng.random() < 0.6),
        parks=((), ()),
        tones=(float(rng.uniform(0.075, 0.15)), float(rng.uniform(0.2, 0.34))),
        paving=float(rng.choice([0.5, 0.8, 1.2])),
        classes=(CLASS["road"], CLASS["sidewalk"], CLASS["terrain"]),
    )


def _middle(ground: Ground, z: float) -> float:
    return ground.bend * z * z / 2


def _built(out: Surfaces, rng: Random, ground: Ground) -> tuple[tuple[np.ndarray, np.ndarray], Ground]:
    """Houses and parks along both sides, the farthest first; how high it is built, and the plan with its parks."""
    lots: list[tuple[float, int, float, str, float]] = []
    green = float(rng.choice([0.1, 0.25, 0.7], p=[0.5, 0.3, 0.2]))
    usual = float(rng.uniform(6, 18))
    for side in (-1, 1):
        z = 1.0
        while z < DEPTH:
            long = float(rng.uniform(8, 20))
            end = z + long
            if ground.crossing and z < ground.crossing[1] + 2 and end > ground.crossing[0] - 2:
                if z > ground.crossing[0] - 6:
                    z = ground.crossing[1] + 2.5
                    continue
                end = ground.crossing[0] - 2.5
            kind = "park" if rng.random() < green else "house"
            height = float(np.clip(usual * np.exp(rng.normal(0, 0.25)), 4, 26)) if kind == "house" else 0.0
            lots.append((z, side, end, kind, height))
            z = end + (float(rng.uniform(1, 4)) if rng.random() < 0.15 else 0.0)
    heights = (np.zeros(200, np.float32), np.zeros(200, np.float32))
    parks: tuple[list, list] = ([], [])
    _skyline(out, rng, ground)
    for near, side, far, kind, height in sorted(lots, reverse=True):
        inner = tuple(_middle(ground, z) + side * ground.built for z in (near, far))
        row = int(side > 0)
        heights[row][int(near) : int(far) + 1] = height
        if kind == "house":
            scenery.house(out, rng, side, (inner[0], inner[1]), near, far, height)
            continue
        parks[row].append((near, far))
        for z in sorted(rng.uniform(near, far, int(rng.integers(2, 6))), reverse=True):
            away = side * (ground.built + float(rng.uniform(1.5, 9)))
            scenery.tree(out, rng, _middle(ground, z) + away, float(z), float(rng.uniform(0.9, 1.7)))
        scenery.barrier(out, rng, ((inner[0], 0.0, near), (inner[1], 0.0, far)))
    plan = {**ground.__dict__, "parks": (tuple(parks[0]), tuple(parks[1]))}
    return heights, Ground(**plan)


def _skyline(out: Surfaces, rng: Random, ground: Ground) -> None:
    """What closes the street far away: roofs or treetops."""
    z = DEPTH + 25
    middle = _middle(ground, DEPTH) * 1.3
    for x in sorted(rng.uniform(-110, 110, 26)):
        at = middle + float(x)
        if rng.random() < 0.55:
            wide, high = float(rng.uniform(5, 11)), float(rng.uniform(5, 16))
            shade = scenery.choose(rng, scenery.PLASTER)
            style = (3.0, 3.2, 0.4, 0.4, float(rng.uniform(0, 8)), high)
            out.add(scenery.upright(at, z, 0, high, -wide, wide), CLASS["building"], shade, FACADE, style=style)
        else:
            scenery.bush(out, rng, at, z, float(rng.uniform(4, 8)))


def _furnished(out: Surfaces, rng: Random, ground: Ground) -> None:
    """Everything between the houses, the farthest first."""
    things: list[tuple[float, str, float, float]] = []  # z, what, x from the middle, heading
    edge = ground.road + ground.verge / 2 + (0.5 if ground.verge == 0 else 0.0)
    crossing = ground.crossing or (-1.0, -1.0)

    def clear(z: float, room: float) -> bool:
        return not (crossing[0] - room < z < crossing[1] + room)

    for side in (-1, 1):
        if rng.random() < (0.8 if ground.verge else 0.4):
            gap = float(rng.uniform(7, 14))
            for z in np.arange(float(rng.uniform(6, 14)), 90, gap):
                if clear(z, 2) and rng.random() < 0.85:
                    things.append((float(z) + float(rng.normal(0, 0.4)), "tree", side * edge, 0))
        if rng.random() < 0.6:
            for z in np.arange(float(rng.uniform(8, 25)), 100, float(rng.uniform(18, 28))):
                if clear(z, 1):
                    things.append((float(z), "lamp", side * edge, 0))
        for _ in range(int(rng.poisson(1.3))):
            things.append((float(rng.uniform(6, 40)), "sign", side * edge, 0))
        for _ in range(int(rng.poisson(2.6))):
            things.append((_near(rng, 6, 60), "person", side * float(rng.uniform(edge + 0.4, ground.built - 0.5)), 0))
        for _ in range(int(rng.poisson(0.5))):
            things.append((_near(rng, 6, 30), "bicycle", side * (ground.built - 0.5), 0))
        for _ in range(int(rng.poisson(0.5))):
            things.append((float(rng.uniform(5, 50)), "bush", side * (ground.built - 0.3), 0))
    things += _traffic(rng, ground)
    if ground.crossing:
        for side in (-1, 1):
            if rng.random() < 0.75:
                things.append((crossing[0] - 1.5, "light", side * edge, 0))
        for _ in range(int(rng.poisson(1.2)) if ground.zebra else 0):
            things.append((crossing[0] - 2.5, "person", float(rng.uniform(-1, 1)) * ground.road, 0))
    for z, what, away, heading in sorted(things, reverse=True):
        x = away + _middle(ground, z)
        _put(out, rng, what, x, z, heading - math.atan(-ground.bend * z), 1 if away < 0 else -1)


def _put(out: Surfaces, rng: Random, what: str, x: float, z: float, heading: float, inward: int) -> None:
    if what == "tree":
        scenery.tree(out, rng, x, z, float(rng.uniform(0.7, 1.15)))
    elif what == "lamp":
        scenery.lamp(out, rng, x, z, inward)
    elif what == "sign":
        scenery.sign(out, rng, x, z)
    elif what == "light":
        scenery.traffic_light(out, rng, x, z)
    elif what == "person":
        scenery.person(out, rng, x, z)
    elif what == "bush":
        scenery.bush(out, rng, x, z, float(rng.uniform(0.5, 0.9)))
    elif what in ("bicycle", "cyclist"):
        scenery.cyclist(out, rng, x, z, ridden=what == "cyclist")
    else:
        vehicles.vehicle(out, rng, what, x, z, heading)


def _near(rng: Random, low: float, high: float) -> float:
    """A distance, nearer ones more often, so that some are large in the picture."""
    return low + (high - low) * float(rng.random()) ** 2


def _traffic(rng: Random, ground: Ground) -> list[tuple[float, str, float, float]]:
    """Vehicles that drive in their lanes, and those that are parked where there is room."""
    found: list[tuple[float, str, float, float]] = []
    kinds, shares = ["saloon", "hatchback", "van", "truck", "bus"], [0.36, 0.34, 0.17, 0.06, 0.07]
    lanes = max(1, round((ground.road - 0.4) // ground.lane))
    for lane in range(lanes):
        for side, heading in ((1, 0.0), (-1, math.pi)):
            z = float(rng.uniform(9, 26)) if side > 0 else float(rng.uniform(6, 30))
            while z < 95:
                if rng.random() < 0.55:
                    what = str(rng.choice(kinds, p=shares)) if rng.random() < 0.9 else "cyclist"
                    away = side * (lane + 0.5) * ground.lane + float(rng.normal(0, 0.15))
                    if what == "cyclist":
                        away = side * (ground.road - 0.9)
                    found.append((z + (4 if what == "bus" else 0), what, away, heading))
                z += float(rng.uniform(12, 34))
    if ground.road - lanes * ground.lane > 2:
        for side, heading in ((1, 0.0), (-1, math.pi)):
            full = float(rng.uniform(0.2, 0.95))
            z = float(rng.uniform(6, 10))
            while z < 90:
                if rng.random() < full and not (
                    ground.crossing and ground.crossing[0] - 6 < z < ground.crossing[1] + 5
                ):
                    what = str(rng.choice(kinds[:3]))
                    found.append((z, what, side * (ground.road - 1.15), heading))
                z += float(rng.uniform(5.4, 6.2))
    return found


def _light(rng: Random) -> Light:
    azimuth, elevation = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.35, 1.05))
    clouds = float(rng.beta(1.2, 1.2))
    strength = 2.2 * (1 - clouds) ** 0.7 + 0.05
    warm = float(np.clip(1.1 - elevation, 0, 0.7))
    grey = np.array([0.72, 0.76, 0.82])
    haze = (1 - clouds) * np.array([0.72, 0.83, 0.95]) + clouds * np.array([0.80, 0.82, 0.84])
    haze = haze * (1 - 0.25 * warm) + 0.25 * warm * np.array([1.0, 0.85, 0.68])
    zenith = (1 - clouds) * np.array([0.16, 0.34, 0.72]) + clouds * grey * 0.85
    balance = np.exp(rng.normal(0, 0.03, 3))
    total = 0.75 + 0.45 * strength
    level, ahead = math.cos(elevation), math.sin(azimuth)
    if rng.random() < 0.7:
        ahead = -abs(ahead)  # behind the camera, more often than not
    return Light(
        sun=(math.cos(azimuth) * level, math.sin(elevation), ahead * level),
        strength=strength,
        sun_colour=(1.0, 0.95 - 0.15 * warm, 0.86 - 0.35 * warm),
        zenith=tuple(zenith.tolist()),
        haze=tuple(haze.tolist()),
        visibility=float(rng.uniform(160, 600)),
        clouds=clouds,
        exposure=1.7 / total * float(np.exp(rng.normal(0, 0.12))),
        balance=tuple(balance.tolist()),
        noise=float(rng.uniform(1.0, 2.5)),
    )
