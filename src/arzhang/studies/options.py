"""The options of every study: frozen dataclasses of plain values. A field's docstring is its `--help`. No torch."""

from dataclasses import dataclass
from typing import Literal


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


STUDIES: dict[str, type] = {"gradients": GradientStudy, "batches": BatchStudy, "divergences": DivergenceStudy}
"""Every study's options, by its name; `arzhang.studies.NAME.study` runs it."""
