"""Flat polygons in a street, seen by a camera: which surface each pixel shows, then its light, texture and haze.

Metres; x to the right, y up, z ahead; the camera stands at z = 0. Colours are linear light in [0, 1].
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from PIL import Image, ImageDraw

Point = tuple[float, float, float]
Colour = tuple[float, float, float]

PLAIN, FACADE, FOLIAGE, ROOF, BARS, GLOSSY, BRIGHT = range(7)
"""Materials: how a surface's colour becomes texture."""
SKY, GROUND = 0, 1
"""The two surfaces that are no polygons."""
FAR = 400.0
NEAR = 0.3


def linear(red: float, green: float, blue: float) -> Colour:
    """Linear light of an sRGB colour given in 0…255 (by the power 2.2)."""
    return (red / 255) ** 2.2, (green / 255) ** 2.2, (blue / 255) ** 2.2


@dataclass
class Surfaces:
    """Polygons, each behind those added after it."""

    points: list[list[Point]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    colours: list[Colour] = field(default_factory=list)
    materials: list[int] = field(default_factory=list)
    solid: list[bool] = field(default_factory=list)
    styles: list[tuple[float, ...]] = field(default_factory=list)
    shadows: list[list[tuple[float, float]]] = field(default_factory=list)
    """(x, z) of polygons on the ground that lie in a thing's own shadow."""

    def add(
        self,
        points: list[Point],
        label: int,
        colour: Colour,
        material: int = PLAIN,
        *,
        solid: bool = False,
        style: tuple[float, ...] = (0.0,) * 6,
    ) -> None:
        """A polygon. A solid one is seen only from the side from which its points run counter-clockwise."""
        self.points.append(points)
        self.labels.append(label)
        self.colours.append(colour)
        self.materials.append(material)
        self.solid.append(solid)
        self.styles.append(style)


@dataclass(frozen=True)
class Camera:
    """Where it stands (x, y), how it is turned (radians), and its focal length in heights of the image."""

    x: float
    y: float
    yaw: float
    pitch: float
    focal: float
    horizon: float
    """Where the optical axis lies, in heights of the image from the top."""

    def turned(self) -> Float32[np.ndarray, "3 3"]:
        """Rotation from the world to the camera."""
        cy, sy, cp, sp = np.cos(self.yaw), np.sin(self.yaw), np.cos(self.pitch), np.sin(self.pitch)
        around_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        around_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        return (around_x @ around_y).astype(np.float32)

    def project(self, points: Float32[np.ndarray, "n 3"], height: int, width: int) -> Float32[np.ndarray, "n 3"]:
        """Pixels (across, down) and depth."""
        seen = (points - np.array([self.x, self.y, 0], np.float32)) @ self.turned().T
        depth = np.maximum(seen[:, 2], 1e-3)
        scale = self.focal * height / depth
        return np.stack([width / 2 + seen[:, 0] * scale, self.horizon * height - seen[:, 1] * scale, seen[:, 2]], 1)

    def rays(self, height: int, width: int) -> Float32[np.ndarray, "3 hw"]:
        """The direction in which each pixel's centre looks, of length 1."""
        across = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / (self.focal * height)
        down = (self.horizon * height - np.arange(height, dtype=np.float32) - 0.5) / (self.focal * height)
        grid = np.stack([np.tile(across, height), np.repeat(down, width), np.ones(height * width, np.float32)])
        rays = self.turned().T @ grid
        return rays / np.sqrt((rays * rays).sum(0))


@dataclass(frozen=True)
class Ground:
    """The street's plan. Its middle is at x = bend · z² / 2; distances from the middle are measured across it."""

    bend: float
    road: float
    """Half its width."""
    built: float
    """Distance from the middle at which houses stand."""
    verge: float
    """Width of the grass between road and pavement; 0: none."""
    lane: float
    """Width of a lane; the middle line is one of its borders."""
    solid: bool
    """Whether the middle line is solid."""
    crossing: tuple[float, float] | None
    """From where to where (z) another street crosses."""
    zebra: bool
    parks: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]
    """Left and right: from where to where (z) it is grass behind the pavement."""
    tones: tuple[float, float]
    """Brightness of asphalt and pavement, linear."""
    paving: float
    """Side of its slabs."""
    classes: tuple[int, int, int]
    """Labels of road, pavement, grass."""


@dataclass(frozen=True)
class Light:
    """Sun and sky."""

    sun: Point
    """Direction to it, of length 1."""
    strength: float
    sun_colour: Colour
    zenith: Colour
    haze: Colour
    """Of the sky at the horizon, and of the air between."""
    visibility: float
    """Metres at which air hides 63 %."""
    clouds: float
    """Share of the sky."""
    exposure: float
    balance: Colour
    noise: float


@dataclass(frozen=True)
class View:
    """All that a picture shows."""

    camera: Camera
    surfaces: Surfaces
    ground: Ground
    light: Light
    sky_label: int
    heights: tuple[Float32[np.ndarray, " n"], Float32[np.ndarray, " n"]]
    """Left and right: how high it is built at each metre ahead."""
    seed: int


def render(
    view: View, height: int, width: int, samples: int
) -> tuple[UInt8[np.ndarray, "H W 3"], UInt8[np.ndarray, "H W"]]:
    """The photo and the label map. The photo is the mean of samples² points a pixel, a label that of the middle one."""
    rows, columns = height * samples, width * samples
    flat, rays, shown = _surfaces(view, rows, columns)
    distance, points = _points(view, flat, rays, shown)
    colour, labels = _shaded(view, flat, rays, distance, points, shown, (rows, columns))
    photo = colour.reshape(3, height, samples, width, samples).mean((2, 4))
    middle = samples // 2
    classes = labels.reshape(rows, columns)[middle::samples, middle::samples]
    return _developed(view, photo), np.ascontiguousarray(classes)


# ------------------------------------------------------------------------------------------------------- geometry


@dataclass(frozen=True)
class Planes:
    """Of each surface, sky and ground first."""

    normals: Float32[np.ndarray, "n 3"]
    offsets: Float32[np.ndarray, " n"]
    labels: UInt8[np.ndarray, " n"]
    colours: Float32[np.ndarray, "n 3"]
    materials: Int32[np.ndarray, " n"]
    styles: Float32[np.ndarray, "n 6"]


def _surfaces(
    view: View, rows: int, columns: int
) -> tuple[Int32[np.ndarray, " hw"], Float32[np.ndarray, "3 hw"], Planes]:
    """Which surface each pixel shows."""
    surfaces, camera = view.surfaces, view.camera
    rays = camera.rays(rows, columns)
    counts = np.array([len(points) for points in surfaces.points])
    points = np.array([p for polygon in surfaces.points for p in polygon], np.float32)
    starts = np.concatenate([[0], counts.cumsum()])
    pixels = camera.project(points, rows, columns)
    first = points[starts[:-1]]
    # Newell: the sum over all edges, so that corners on one line do no harm.
    after = np.arange(1, len(points) + 1)
    after[starts[1:] - 1] = starts[:-1]
    origin = np.repeat(first, counts, 0)
    normals = np.add.reduceat(np.cross(points - origin, points[after] - origin), starts[:-1])
    normals /= np.maximum(np.sqrt((normals * normals).sum(1, keepdims=True)), 1e-9)
    toward = ((np.array([camera.x, camera.y, 0], np.float32) - first) * normals).sum(1)
    in_front = np.minimum.reduceat(pixels[:, 2], starts[:-1]) > NEAR
    visible = in_front & (~np.array(surfaces.solid) | (toward > 0))
    normals *= np.where(toward < 0, -1, 1)[:, None].astype(np.float32)
    image = Image.fromarray(np.where(rays[1].reshape(rows, columns) < -1e-4, GROUND, SKY).astype(np.int32), "I")
    draw = ImageDraw.Draw(image)
    corners = pixels[:, :2].clip(-1e5, 1e5).tolist()
    for i in visible.nonzero()[0].tolist():
        draw.polygon([(x, y) for x, y in corners[starts[i] : starts[i + 1]]], fill=i + 2)
    flat = np.asarray(image, np.int32).reshape(-1)
    classes = view.ground.classes
    planes = Planes(
        np.concatenate([np.array([[0, 0, 0], [0, 1, 0]], np.float32), normals]),
        np.concatenate([np.zeros(2, np.float32), (normals * first).sum(1)]),
        np.array([view.sky_label, classes[0], *surfaces.labels], np.uint8),
        np.array([(0, 0, 0), (0, 0, 0), *surfaces.colours], np.float32),
        np.array([-1, -1, *surfaces.materials], np.int32),
        np.array([(0.0,) * 6, (0.0,) * 6, *surfaces.styles], np.float32),
    )
    return flat, rays, planes


def _points(
    view: View, flat: np.ndarray, rays: np.ndarray, planes: Planes
) -> tuple[Float32[np.ndarray, " hw"], Float32[np.ndarray, "3 hw"]]:
    """How far each pixel's surface is, and where its ray meets it."""
    origin = np.array([view.camera.x, view.camera.y, 0], np.float32)
    normals = planes.normals
    slopes = np.einsum("cn,nc->n", rays, normals[flat])
    gaps = (planes.offsets - normals @ origin)[flat]
    distance = np.where(np.abs(slopes) > 1e-5, gaps / np.where(np.abs(slopes) > 1e-5, slopes, 1), FAR)
    distance = np.clip(distance, NEAR, FAR).astype(np.float32)
    return distance, origin[:, None] + rays * distance


# -------------------------------------------------------------------------------------------------------- shading


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


def _shaded(
    view: View,
    flat: np.ndarray,
    rays: np.ndarray,
    distance: np.ndarray,
    points: np.ndarray,
    planes: Planes,
    shape: tuple[int, int],
) -> tuple[Float32[np.ndarray, "3 hw"], UInt8[np.ndarray, " hw"]]:
    """Linear light and label of each pixel."""
    light = view.light
    labels = planes.labels[flat]
    colour = planes.colours.T[:, flat]
    normals = planes.normals.T[:, flat]
    sun = np.array(light.sun, np.float32)
    facing = np.clip(sun @ normals, 0, None)
    lit = 1 - _in_shadow(view, points)
    # The sky lights what looks up more than what looks aside.
    ambient = 0.5 + 0.25 * normals[1]

    at = (flat == GROUND).nonzero()[0]
    colour[:, at], labels[at] = _ground(view, points[:, at], distance[at])
    own = _thrown(view, shape).reshape(-1)[at]
    lit[at] *= 1 - own
    ambient[at] *= 1 - 0.55 * own

    material = planes.materials[flat]
    for kind, shade in SHADERS.items():
        at = (material == kind).nonzero()[0]
        if len(at):
            style = planes.styles[flat[at]].T
            found = shade(view, colour[:, at], points[:, at], normals[:, at], style, distance[at])
            colour[:, at], gain = found
            facing[at] = facing[at] * gain
    sky = 0.5 * np.array(light.zenith, np.float32) + 0.5 * np.array(light.haze, np.float32)
    ambient_light = ambient * (sky / sky.mean() * 0.5 + 0.5)[:, None]
    sun_light = (light.strength * facing * lit) * np.array(light.sun_colour, np.float32)[:, None]
    colour *= ambient_light + sun_light
    glow = material == BRIGHT
    colour[:, glow] = colour[:, glow] * 0.5 + planes.colours.T[:, flat[glow]] * 0.6
    clear = np.exp(-distance / light.visibility)
    colour = colour * clear + np.array(light.haze, np.float32)[:, None] * (1 - clear)
    at = (flat == SKY).nonzero()[0]
    colour[:, at] = _sky(view, rays[:, at])
    return colour, labels


def _in_shadow(view: View, points: np.ndarray) -> np.ndarray:
    """1 where houses across the street stand between a point and the sun, softly."""
    sun, ground = view.light.sun, view.ground
    if abs(sun[0]) < 0.05:
        return np.zeros(points.shape[1], np.float32)
    across = points[0] - ground.bend * points[2] ** 2 / 2
    wall = np.float32(np.copysign(ground.built, sun[0]))
    steps = np.maximum((wall - across) / np.float32(sun[0]), 0)
    top = points[1] + steps * np.float32(sun[1])
    built = view.heights[int(sun[0] > 0)]
    at = np.clip(points[2] + steps * np.float32(sun[2]), 0, len(built) - 1).astype(np.int32)
    return np.clip((built[at] - top) * 1.5, 0, 1)


def _thrown(view: View, shape: tuple[int, int]) -> Float32[np.ndarray, "h w"]:
    """The own shadows of things on the ground, blurred a little."""
    image = Image.new("L", (shape[1], shape[0]))
    draw = ImageDraw.Draw(image)
    for outline in view.surfaces.shadows:
        on_ground = np.array([(x, 0, z) for x, z in outline], np.float32)
        pixels = view.camera.project(on_ground, *shape)
        if pixels[:, 2].min() > NEAR:
            draw.polygon([(float(x), float(y)) for x, y, _ in pixels.clip(-1e5, 1e5)], fill=200)
    reach = max(1, shape[0] // 90)
    small = image.reduce(reach)
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR), np.float32) / 255


def _sky(view: View, rays: np.ndarray) -> np.ndarray:
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


def _ground(view: View, points: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _developed(view: View, photo: Float32[np.ndarray, "3 H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """What a small camera makes of linear light: exposure, white balance, a darker rim, a curve, and noise."""
    light, (_, height, width) = view.light, photo.shape
    rng = np.random.default_rng(view.seed)
    across = (np.arange(width) + 0.5) / width - 0.5
    down = (np.arange(height) + 0.5) / height - 0.5
    rim = 1 - 0.35 * (across**2 + down[:, None] ** 2)
    exposed = photo * (light.exposure * np.array(light.balance, np.float32)[:, None, None]) * rim
    exposed = np.maximum(exposed, 0)
    curved = (exposed * (1 + exposed / 6)) / (1 + exposed)
    values = np.clip(curved, 0, 1) ** (1 / 2.2) * 255
    values += rng.normal(0, light.noise, (1, height, width)) + rng.normal(0, light.noise / 2, (3, height, width))
    return np.ascontiguousarray(values.round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
