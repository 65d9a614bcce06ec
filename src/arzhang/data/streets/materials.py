"""How surfaces become texture: noise, the ground, the sky, and what is built, grows or shines."""

from functools import cache

import numpy as np
from jaxtyping import Float32

from arzhang.data.streets.view import BARS, FACADE, FOLIAGE, GLOSSY, PLAIN, ROOF, Ground, View, linear


@cache
def _tile(roughness: float) -> Float32[np.ndarray, "256 256"]:
    """Noise of mean 0 and deviation 1 that repeats after 256 cells; its power falls with frequency^(−2·roughness)."""
    white = np.random.default_rng(20_161).normal(size=(256, 256))
    across = np.fft.fftfreq(256)
    frequency = np.sqrt(across[:, None] ** 2 + across**2)
    frequency[0, 0] = np.inf
    noise = np.fft.ifft2(np.fft.fft2(white) * frequency**-roughness).real
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def _noise(roughness: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The tile at (u, v), one number a cell."""
    return _tile(roughness)[np.floor(v).astype(np.int32) & 255, np.floor(u).astype(np.int32) & 255]


def _smooth_noise(roughness: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The tile at (u, v), bilinear between cells."""
    low_u, low_v = np.floor(u), np.floor(v)
    a, b = u - low_u, v - low_v
    above = _noise(roughness, low_u, low_v) * (1 - a) + _noise(roughness, low_u + 1, low_v) * a
    below = _noise(roughness, low_u, low_v + 1) * (1 - a) + _noise(roughness, low_u + 1, low_v + 1) * a
    return above * (1 - b) + below * b


def _hash(*whole: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) that look random, of whole numbers."""
    mixed = np.zeros_like(whole[0], np.uint32)
    for number in whole:
        mixed = (mixed ^ number.astype(np.int64).astype(np.uint32)) * np.uint32(2_654_435_761)
        mixed ^= mixed >> np.uint32(15)
    return (mixed & np.uint32(0xFFFF)).astype(np.float32) / 65_536


def sky(view: View, rays: np.ndarray) -> np.ndarray:
    light = view.light
    up = np.clip(rays[1], 0, 1)
    share = np.clip(up * 2.2, 0, 1) ** 0.6
    zenith, haze = (np.array(c, np.float32)[:, None] for c in (light.zenith, light.haze))
    clear = haze + (zenith - haze) * share
    over = 9 / (up + 0.12)
    cloud = _smooth_noise(1.6, rays[0] * over + view.seed % 251, rays[2] * over + view.seed % 241)
    cover = np.clip((cloud + 2.4 * light.clouds - 1.2) * 0.9, 0, 1) * np.clip(up * 12, 0, 1) * min(1, 2 * light.clouds)
    bright = np.clip(0.92 + 0.06 * cloud, 0.6, 1) * (0.75 + 0.25 * haze)
    sun = np.clip(np.array(light.sun, np.float32) @ rays, 0, 1) ** 40 * light.strength * 0.25
    return clear * (1 - cover) + bright * cover + sun


def ground(view: View, points: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Albedo and label of the ground at points on it."""
    plan = view.ground
    z = points[2]
    x = points[0] - plan.bend * z * z / 2
    away = np.abs(x)
    fine = np.exp(-distance / 25)
    crossed = np.zeros(len(z), bool) if plan.crossing is None else (z > plan.crossing[0]) & (z < plan.crossing[1])
    road = (away < plan.road) | crossed
    grass = ~road & (away < plan.road + plan.verge)
    for side, lots in zip((x < 0, x > 0), plan.parks, strict=True):
        for near, far in lots:
            grass |= ~road & side & (away > plan.built - 0.1) & (z > near) & (z < far)
    rough = _noise(0.4, x * 22, z * 22) * fine + 0.6 * _noise(1.4, x * 2.5 + 31, z * 0.8)
    asphalt = plan.tones[0] * (1 + 0.13 * rough)
    # Wheels polish two tracks in each lane.
    track = np.cos((away % plan.lane) / plan.lane * 4 * np.pi)
    asphalt *= 1 - 0.06 * track
    asphalt = np.where(~crossed & (away > plan.road - 0.35), asphalt * 0.78, asphalt)  # the gutter
    paint = _marks(plan, x, away, z, crossed) * np.clip(0.85 + 0.25 * rough, 0.35, 1)
    asphalt += paint * (0.62 - asphalt)
    paved = (
        plan.tones[1] * (1 + 0.07 * rough) * (0.94 + 0.12 * _hash(np.floor(x / plan.paving), np.floor(z / plan.paving)))
    )
    joints = (x / plan.paving % 1 < 0.06) | (z / plan.paving % 1 < 0.06)
    paved = np.where(joints, paved * (1 - 0.35 * fine), paved)
    kerb = plan.road + plan.verge
    paved = np.where((away - plan.road < 0.18) | (np.abs(away - kerb) < 0.08), plan.tones[1] * 1.35, paved)
    value = np.where(road, asphalt, paved)
    colour = value * np.array([[1.0], [0.98], [0.96]], np.float32)
    green = np.array(linear(96, 124, 58), np.float32)[:, None] * (1 + 0.28 * rough + 0.1 * _noise(0.5, x * 9, z * 9))
    colour = np.where(grass, np.clip(green, 0.01, 1), colour)
    return colour, np.where(road, plan.classes[0], np.where(grass, plan.classes[2], plan.classes[1])).astype(np.uint8)


def _marks(plan: Ground, x: np.ndarray, away: np.ndarray, z: np.ndarray, crossed: np.ndarray) -> np.ndarray:
    """Where the road is painted."""
    dashed = z % 9 < 4.5
    middle = (away < 0.08) & (plan.solid | dashed)
    paint = middle | ((away > plan.lane) & (np.abs(away % plan.lane - 0.07) < 0.07) & dashed & (away < plan.road - 1))
    paint |= np.abs(away - plan.road + 0.5) < 0.06
    if plan.crossing is not None:
        near = plan.crossing[0]
        stop = (z > near - 1.1) & (z < near - 0.6) & (x > 0) & (away < plan.road - 0.4)
        if plan.zebra:
            paint &= (z < near - 5.2) | (z > near)
            stop = (z > near - 5.1) & (z < near - 4.6) & (x > 0) & (away < plan.road - 0.4)
            stop |= (z > near - 4.0) & (z < near - 1.0) & (away < plan.road - 0.3) & (x % 1.0 < 0.5)
        paint = (paint & ~crossed) | stop
    return (paint & (away < plan.road)).astype(np.float32)


# ------------------------------------------------------------------------------------------------------ materials
# Each: (view, colour (3, n), points, normals, style (6, n), distance) → colour, gain of the sun's share.


def _facade(view, colour, points, normals, style, distance):  # type: ignore[no-untyped-def]
    """Floors of windows. Style: bay width, floor height, share of a bay that is glass, ground floor, seed, top."""
    bay, floor, glass, ground_floor, seed, top = style
    u = normals[2] * points[0] - normals[0] * points[2] + seed * 7.3
    v = points[1]
    fine = np.exp(-distance / 45)
    wear = 0.05 * _noise(1.2, u * 4 + seed * 17, v * 4) + 0.04 * _noise(0.3, u * 19, v * 19) * fine
    courses = ((v / 0.25 % 1 < 0.12) & (seed % 1 < 0.5)) * 0.12 * fine
    colour = colour * (1 + wear - courses - 0.18 * np.clip(1 - v / 1.5, 0, 1))
    shop = (v < ground_floor) & (ground_floor > 1)
    level = np.where(shop, 0, (v - ground_floor) / floor + 1)
    across, up = (u / bay) % 1, np.where(shop, v / np.maximum(ground_floor, 0.1), level % 1)
    wide = np.where(shop, 0.86, glass)
    low, high = np.where(shop, 0.12, 0.24), np.where(shop, 0.78, 0.82)
    edge = np.abs(across - 0.5) * 2
    fits = (v < top - 0.5) & (np.floor(level) <= np.floor((top - ground_floor - 0.6) / floor))
    inside = (edge < wide) & (up > low) & (up < high) & fits
    frame = (edge < wide + 0.09) & (up > low - 0.05) & (up < high + 0.04) & fits & ~inside
    number = _hash(np.floor(u / bay), np.floor(level), np.floor(seed * 31))
    haze, zenith = (np.array(c, np.float32)[:, None] for c in (view.light.haze, view.light.zenith))
    mirrored = (0.5 * zenith + 0.5 * haze) * (0.06 + 0.4 * number * number * np.clip(up + 0.15, 0, 1))
    inner = np.where(number > 0.8, 0.2, 0.015) * np.array([[1.0], [0.93], [0.8]], np.float32)
    bars = ((np.abs(across - 0.5) < 0.02) | (np.abs(up - 0.62) < 0.02)) & ~shop
    pane = np.where(bars, 0.5, inner + mirrored)
    colour = np.where(frame, np.clip(colour * 1.45 + 0.06, 0, 0.8), colour)
    sign = shop & (up > 0.82) & (number > 0.35)
    hue = np.stack([_hash(np.floor(u / (2 * bay)), np.floor(seed * 13 + k)) for k in range(3)])
    colour = np.where(sign, 0.05 + 0.45 * hue * hue, colour)
    ledge = (np.abs(v - ground_floor) < 0.15) | (v > top - 0.35)
    colour = np.where(ledge, colour * 1.2, colour)
    return np.where(inside, pane, colour), np.where(inside, 0.3, 1.0)


def _foliage(view, colour, points, normals, style, distance):  # type: ignore[no-untyped-def]
    """Leaves. Style: seed, height of the crown's middle, its radius."""
    seed, middle, radius = style[:3]
    u, v = points[0] + seed * 3.1, points[1]
    fine = np.exp(-distance / 60)
    leaf = _noise(0.5, u * 31, v * 31) * fine + 0.8 * _noise(0.7, u * 11 + 91, v * 11)
    height = np.clip((v - middle) / np.maximum(radius, 0.1), -1, 1)
    return colour * np.clip(1 + 0.3 * leaf + 0.35 * height, 0.2, 2.2), 0.5 + 0.5 * np.clip(height + leaf * 0.3, 0, 1)


def _roof(view, colour, points, normals, style, distance):  # type: ignore[no-untyped-def]
    """Rows of tiles."""
    rows = 0.12 * (points[1] / 0.22 % 1 < 0.3) * np.exp(-distance / 30)
    return colour * (1 - rows + 0.1 * _noise(0.8, points[2] * 4 + style[0] * 9, points[1] * 6)), 1.0


def _bars(view, colour, points, normals, style, distance):  # type: ignore[no-untyped-def]
    """A fence of upright bars over the dark of what is behind. Style: distance between bars, top."""
    u = normals[2] * points[0] - normals[0] * points[2]
    bar = (u / style[0] % 1 < 0.45) | (np.abs(points[1] - style[1] + 0.1) < 0.06) | (np.abs(points[1] - 0.2) < 0.05)
    behind = np.array(linear(70, 84, 58), np.float32)[:, None]
    return np.where(bar, colour, 0.6 * behind + 0.2 * colour), 1.0


def _glossy(view, colour, points, normals, style, distance):  # type: ignore[no-untyped-def]
    """Lacquer and glass: the sky is mirrored in what looks up. Style: share that is mirrored."""
    share = style[0] * (0.25 + 0.75 * np.clip(normals[1], 0, 1)) * np.clip(0.5 + 0.5 * points[1], 0.3, 1)
    sky = np.array(view.light.haze, np.float32)[:, None]
    grime = 1 - 0.25 * np.clip(1 - points[1] / 0.5, 0, 1)
    return colour * grime * (1 - share) + sky * share, 0.8


def _plain(view, colour, points, normals, style, distance):  # type: ignore[no-untyped-def]
    grain = 0.07 * _noise(0.7, points[0] * 18, points[1] * 18) * np.exp(-distance / 20)
    return colour * (1 + grain), 1.0


SHADERS = {PLAIN: _plain, FACADE: _facade, FOLIAGE: _foliage, ROOF: _roof, BARS: _bars, GLOSSY: _glossy}
