"""A view becomes a picture: which surface each pixel shows, then its light, texture and haze, then a camera's film."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from PIL import Image, ImageDraw

from arzhang.data.streets import materials
from arzhang.data.streets.view import BRIGHT, FAR, GROUND, NEAR, SKY, View


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
    colour[:, at], labels[at] = materials.ground(view, points[:, at], distance[at])
    own = _thrown(view, shape).reshape(-1)[at]
    lit[at] *= 1 - own
    ambient[at] *= 1 - 0.55 * own

    material = planes.materials[flat]
    for kind, shade in materials.SHADERS.items():
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
    colour[:, at] = materials.sky(view, rays[:, at])
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
    values = np.clip(curved, 0, 1) ** (1 / 2.2)
    values += 0.45 * (values * values * (3 - 2 * values) - values)  # deeper shadows, brighter lights
    values = (values + 0.25 * (values - values.mean(0))) * 255  # and stronger colours, as cameras like them
    values += rng.normal(0, light.noise, (1, height, width)) + rng.normal(0, light.noise / 2, (3, height, width))
    return np.ascontiguousarray(values.round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
