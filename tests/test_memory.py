"""Memory that steps free is kept between them, and given back at the end."""

import platform

import psutil
import pytest
import torch

from arzhang import memory

resource = pytest.importorskip("resource", reason="glibc's malloc is what is set")
pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc is what is set")
BYTES = 96 << 20
"""More than glibc keeps by itself."""


def cleared():
    """Pages that the system clears in a step."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(BYTES, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_later_steps_find_the_pages_of_earlier_ones_and_the_end_gives_them_back():
    anew = [cleared(), cleared()][1]
    with memory.kept():
        found = []
        for _ in range(12):  # an aligned block asks for a little more room than one like it has left
            with memory.kept():
                found.append(cleared())
        held = psutil.Process().memory_info().rss
    assert min(found) < max(anew / 10, 100), "a system of huge pages clears few at any rate"
    assert held - psutil.Process().memory_info().rss > BYTES / 2
    assert cleared() > anew / 2
