"""A network as a table: what each block is given and gives, taken from the module itself."""

from typing import Any, cast

from arzhang.errors import UsageError
from arzhang.networks import pix2pix
from arzhang.recipes import nearest

NETWORKS = ("generator", "discriminator")


def table(which: str, size: int = 256, width: int = 64, receptive_field: int = 70) -> str:
    """The blocks of pix2pix's generator or discriminator for square images of a size, and how many weights they have.

    >>> print(table("discriminator", size=16, width=1, receptive_field=1).splitlines()[-1])
    16 weights; each of its 16×16 outputs sees 1×1 pixels
    """
    if which not in NETWORKS:
        raise UsageError(f"explain {which}: there is {', '.join(NETWORKS)}{nearest(which, NETWORKS)}")
    network: Any = (
        pix2pix.Generator(size, width=width)
        if which == "generator"
        else pix2pix.Discriminator(width=width, receptive_field=cast(Any, receptive_field))
    )
    found = pix2pix.layers(network, size)
    rows = [("block", "input", "output", "kernel", "stride", "before", "norm", "dropout", "weights")]
    for layer in found:
        given = _size(layer.input) + (f" ({layer.skip} by skip)" if layer.skip else "")
        dropout = f"{layer.dropout:g}" if layer.dropout else "–"
        kernel = f"{layer.kernel}×{layer.kernel}"
        rows.append(
            (layer.name, given, _size(layer.output), kernel, str(layer.stride), layer.activation or "–",
             layer.norm or "–", dropout, f"{layer.parameters:,}")
        )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows]
    total = f"{sum(p.numel() for p in network.parameters()):,} weights"
    if which == "discriminator":
        seen, (_, height, across) = pix2pix.receptive_field(network), found[-1].output
        total += f"; each of its {height}×{across} outputs sees {seen}×{seen} pixels"
    return "\n".join([*lines, total])


def _size(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))
