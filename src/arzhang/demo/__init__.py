"""A local page that shows what a run has learnt: paint and translate, walk the latent space, choose classes and noise.

Without a run: a small street painter that comes with the package, and the variance of gradient estimators.
"""

from arzhang.demo.server import serve

__all__ = ["serve"]
