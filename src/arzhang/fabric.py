"""Lightning Fabric, in the time that it takes itself.

Fabric asks for the version of torchmetrics by importing it, and that imports scipy, torchvision's models and, where
they are installed, transformers: longer than all else that a command imports. Only its detector of spikes wants it.
"""

import sys

UNWANTED = "torchmetrics"

_hidden = UNWANTED not in sys.modules
if _hidden:
    sys.modules[UNWANTED] = None  # type: ignore[assignment]  # as if it were not installed
try:
    from lightning_fabric import Fabric
finally:
    if _hidden:
        del sys.modules[UNWANTED]

__all__ = ["Fabric"]
