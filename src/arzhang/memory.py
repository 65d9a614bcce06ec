"""Memory: what one step frees and the next asks for again, and what goes to a device while that is at work."""

import contextlib
import ctypes
import platform
from collections.abc import Iterator

import torch
from torch import Tensor

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
"""What glibc's `mallopt` calls them (its malloc.h)."""
NEVER, LARGE, MAPPED = -1, 32 * 2**20, 65_536
"""Never trim the heap. From which size on a block is mapped by itself, and how many may be: the size to which glibc
moves by itself as tensors are freed, and the number that it begins with."""

_within = 0


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Around steps on a CPU: what they free stays with the process until the end, and is given back then.

    By itself glibc maps each gradient of more than 32 MB anew in every step, and the system clears every page of it at
    the first touch. In steps that free and ask for much the process held as much as before; one large block alone was
    found again only after five. With another C library nothing changes. Not for several threads at once.
    """
    global _within
    library = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
    _within += 1
    if library is not None and _within == 1:
        library.mallopt(MMAP_MAX, 0)
        library.mallopt(TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        _within -= 1
        if library is not None and _within == 0:
            library.mallopt(MMAP_MAX, MAPPED)
            library.mallopt(MMAP_THRESHOLD, LARGE)
            library.mallopt(TRIM_THRESHOLD, 2 * LARGE)
            library.malloc_trim(0)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device. A GPU is not waited for: what it has been given to do comes first, the copy after it."""
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
