"""The options of every study: frozen dataclasses of plain values. A field's docstring is its `--help`. No torch."""

from dataclasses import dataclass, fields
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class GradientStudy:
    """Three ways to differentiate an expectation: their means and variances, measured beside the exact ones. (1d)"""

    f: tuple[str, ...] = ("square", "linear:3", "sin", "exp:1", "cos:5", "step")
    """functions of z: square, linear:m, shifted:k, sin, exp:k, cos:k, step, or an expression such as 'z**2 + sin(z)'"""
    mu: str = "-3:3:41"
    """means of z, as first:last:how many"""
    sigma: float = 1.0
    """standard deviation of z"""
    n: tuple[int, ...] = (1, 10, 100, 1000)
    """samples a gradient is averaged over"""
    estimators: tuple[str, ...] = ("pathwise", "score-function", "measure-valued")
    """pathwise, score-function[:leave_one_out|optimal|delta], measure-valued[:shared|antithetic], finite-difference"""
    samples: int = 100_000
    """single-sample gradients for each mean, function and estimator"""
    seed: int = 0
    """of all noise"""


@dataclass(frozen=True, kw_only=True)
class BatchStudy:
    """Why the variance matters: one VAE trained with three estimators at several batch sizes."""

    estimators: tuple[str, ...] = ("pathwise", "measure-valued", "score-function")
    """pathwise, measure-valued, score-function"""
    batch_sizes: tuple[int, ...] = (4, 16, 64, 256)
    """images in a batch"""
    images: int = 8_192
    """training images, each seen once an epoch in every arm"""
    epochs: int = 3
    """epochs of each arm"""
    latent_dim: int = 8
    """dimensions of the latent; a measure-valued gradient decodes twice for each"""
    lr: float = 1e-3
    """learning rate of Adam"""
    seeds: int = 1
    """arms of each kind"""
    draws: int = 64
    """gradients from which a variance is measured"""
    dataset: str = "fashion-mnist"
    """a built-in data set"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""


@dataclass(frozen=True, kw_only=True)
class DivergenceStudy:
    """The Cauchy–Schwarz divergence beside KL: where D_CS ≤ min KL holds, and where it fails. (2a)"""

    pairs: int = 100_000
    """random pairs of Gaussians, of 1 to 8 dimensions"""
    mixture_pairs: int = 1_000
    """random pairs of mixtures of two components"""
    seed: int = 0
    """of the random pairs"""


@dataclass(frozen=True, kw_only=True)
class BetaStudy:
    """Choosing β: a VAE for each, judged on the validation part, with a σ-VAE beside them; disentanglement. (3d)"""

    beta: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    """weights of the KL, one VAE for each and each seed"""
    seeds: int = 3
    """trainings of each kind"""
    epochs: int = 10
    """epochs of each training"""
    dataset: Literal["fashion-mnist", "mnist", "kmnist", "sprites"] = "fashion-mnist"
    """a built-in data set"""
    latent_dim: int = 32
    """dimensions of the latent"""
    features: str = "classifier"
    """what the Fréchet distance sees: classifier (one is trained), inception, or a run of `arzhang train classifier`"""
    classifier_epochs: int = 2
    """epochs of that classifier"""
    n: int = 5_000
    """validation images that samples and reconstructions are compared with, as many each"""
    sprites_beta: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    """weights of the KL on sprites, where MIG and DCI are measured"""
    sprites_epochs: int = 30
    """epochs of each training on sprites; 0: none"""
    sprites_seeds: int = 3
    """trainings of each β on sprites"""
    sprites_size: int = 32
    """side of the sprites in pixels"""
    sprites_latent_dim: int = 10
    """dimensions of their latent"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""
    ray: bool = False
    """hand the trainings to Ray Tune (needs the extra 'ray')"""


@dataclass(frozen=True, kw_only=True)
class MetricStudy:
    """What each image metric sees: blur, noise, missing classes, copies, fewer images, resizing. (3f, 3h)"""

    n: int = 1_000
    """images of each kind that are compared"""
    repeats: int = 10
    """sets of n untouched training images, whose spread says what a metric's value does by chance"""
    dataset: Literal["fashion-mnist", "mnist", "kmnist", "sprites"] = "fashion-mnist"
    """a built-in data set with classes"""
    features: str = "classifier"
    """what metrics see: classifier (one is trained), inception, or a run of `arzhang train classifier`"""
    classifier_epochs: int = 2
    """epochs of that classifier"""
    feature_precision: Literal["float32", "bfloat16"] = "float32"
    """of the Inception network"""
    run: str | None = None
    """a VAE's run, whose reconstructions and samples are judged by the same metrics"""
    seed: int = 0
    """of the choice of images, of noise and of directions"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""


@dataclass(frozen=True, kw_only=True)
class TransposedStudy:
    """What a transposed convolution does: its size formula beside the layer, its spread, its checkerboards. (3c)"""

    side: tuple[int, ...] = (1, 2, 5)
    """sides of the input"""
    kernel: tuple[int, ...] = (1, 2, 3, 4, 5)
    """sides of the kernel"""
    stride: tuple[int, ...] = (1, 2, 3, 4)
    """steps between the places where kernels land"""
    padding: tuple[int, ...] = (0, 1, 2)
    """rows cut off at each border"""
    output_padding: tuple[int, ...] = (0, 1, 2, 3)
    """rows given back at the end"""
    dilation: tuple[int, ...] = (1, 2, 3)
    """steps between the kernel's taps; every combination of these six is tried"""
    seed: int = 0
    """of images and weights"""


@dataclass(frozen=True, kw_only=True)
class TranslationStudy:
    """pix2pix taken apart: its losses, its generator, its patches, and CycleGAN on the same data. (4c–4h)"""

    budget: Literal["quick", "standard", "paper"] = "quick"
    """quick: half an hour on two cores; standard: a night; paper: the published sizes; options given besides win"""
    tables: tuple[str, ...] = ("objectives", "generators", "patches", "cyclegan")
    """what is compared: objectives, generators, patches (the paper's tables 1 to 3), cyclegan (beside pix2pix)"""
    arms: tuple[str, ...] = ("all",)
    """of these tables, these trainings alone: l1, gan, cgan, l1_gan, l1_cgan, decoder_l1, decoder_l1_cgan, patch_1,
    patch_16, patch_34, patch_286, cyclegan; all: every one"""
    dataset: Literal["streets", "cityscapes"] = "streets"
    """built-in pairs; --data takes its place"""
    data: str | None = None
    """folder or zip of pairs whose given side is a label map in Cityscapes' colours"""
    snap: bool = False
    """take each colour of a label map to the nearest class of Cityscapes' palette (JPEG leaves colours in between)"""
    size: int | None = None
    """side of the images in pixels"""
    scenes: int | None = None
    """training scenes of streets"""
    validation: int = 200
    """pairs held out for validation; streets have as many for the test, or a quarter of the scenes"""
    width: int | None = None
    """channels of the first layer of all networks"""
    epochs: int | None = None
    """epochs of each training of pix2pix"""
    cycle_epochs: int | None = None
    """epochs of CycleGAN, each of half as many steps, for its two sides come from different scenes"""
    seeds: int | None = None
    """trainings of each arm"""
    segmenter: str | None = None
    """a run of `arzhang train segmenter` on the same data, which judges; none: one is trained"""
    segmenter_epochs: int | None = None
    """epochs of that segmenter"""
    features: Literal["none", "inception"] | None = None
    """inception: FID and KID besides"""
    n: int | None = None
    """test images that they compare; none: all"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""
    ray: bool = False
    """hand the trainings to Ray Tune (needs the extra 'ray')"""


@dataclass(frozen=True, kw_only=True)
class OfPix2Pix:
    """Which pix2pix is looked into"""

    run: str | None = None
    """a run of `arzhang train pix2pix`; none: a small one is trained on streets"""
    size: int = 64
    """side of those streets in pixels"""
    scenes: int = 400
    """how many of them"""
    validation: int = 200
    """scenes held out for validation; the test part holds as many, or a quarter of the training scenes"""
    width: int = 16
    """channels of its first layers"""
    epochs: int = 12
    """epochs of its training"""
    seed: int = 0
    """of its weights and noise"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""


@dataclass(frozen=True, kw_only=True)
class UpdateStudy(OfPix2Pix):
    """Which term of pix2pix's objective moves which weights: gradients of its own training steps. (4h)"""

    steps: int = 16
    """training steps over which gradients are averaged, before training and after it"""


@dataclass(frozen=True, kw_only=True)
class VarietyStudy(OfPix2Pix):
    """How outputs of one input vary with dropout's noise, and where. (4g)"""

    n: int = 100
    """test inputs"""
    outputs: int = 16
    """outputs of each, with noise of its own"""


@dataclass(frozen=True, kw_only=True)
class PatchStudy(OfPix2Pix):
    """What a PatchGAN sees: its measured receptive field, and its decisions over a photo. (4f)"""

    receptive_fields: tuple[int, ...] = (1, 16, 34, 70)
    """discriminators to look into: 1, 16, 34, 70, 286; each trained, unless --run gives one"""
    n: int = 100
    """test images on which they decide"""


@dataclass(frozen=True, kw_only=True)
class ClassStudy:
    """A conditional GAN told each class: a grid of classes, and what a classifier takes them for. (4a)"""

    cgan: str | None = None
    """a run of `arzhang train cgan`; none: one is trained"""
    classifier: str | None = None
    """a run of `arzhang train classifier` on the same data; none: one is trained"""
    dataset: Literal["fashion-mnist", "mnist", "kmnist", "sprites"] = "fashion-mnist"
    """a built-in data set with classes"""
    width: int = 32
    """of that cgan"""
    epochs: int = 6
    """of that cgan"""
    classifier_epochs: int = 2
    """of that classifier"""
    seed: int = 0
    """of weights and noise"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""


STUDIES: dict[str, type] = {
    "gradients": GradientStudy,
    "batches": BatchStudy,
    "divergences": DivergenceStudy,
    "beta": BetaStudy,
    "metrics": MetricStudy,
    "transposed": TransposedStudy,
    "translation": TranslationStudy,
    "updates": UpdateStudy,
    "variety": VarietyStudy,
    "patches": PatchStudy,
    "classes": ClassStudy,
}
"""Every study's options, by its name; `arzhang.studies.NAME.study` runs it."""


def changed(options: Any) -> dict[str, Any]:
    """The options that were not left at their defaults: what one would have to type.

    >>> changed(DivergenceStudy(pairs=800))
    {'pairs': 800}
    """
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return {field.name: plain[field.name] for field in fields(options) if plain[field.name] != field.default}
