"""`python -m bench [NAME …]`: every comparison, or those named."""

import importlib
import sys

NAMES = ("vae_training", "pix2pix", "gradients", "divergences", "metrics", "demo", "parity", "scaling")

for name in sys.argv[1:] or NAMES:
    importlib.import_module(f"bench.{name}").main()
