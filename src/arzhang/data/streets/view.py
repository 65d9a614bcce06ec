"""What a picture of a street shows: flat polygons, the ground's plan, the light, and the camera that sees them.

Metres; x to the right, y up, z ahead; the camera stands at z = 0. Colours are linear light in [0, 1].
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

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
