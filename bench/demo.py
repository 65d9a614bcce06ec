"""From a stroke to its picture: the time from a POST of the painted map to the painted street's PNG, at 64² and 128².

A server as `arzhang demo` runs it, in this process, asked over the loopback by another thread: the request, decoding
the map, the generator (pix2pix's U-Net, dropout on), encoding the picture, the answer. The aim: a median of 150 ms at
64² and of 500 ms at 128² on two cores.
"""

import dataclasses
import http.client
import io
import itertools
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image

from arzhang import assembly
from arzhang.data import streets
from arzhang.demo import models, server
from arzhang.recipes import Pix2Pix
from arzhang.training import published
from bench.timing import compare, show

WIDTHS = {"a quarter of the paper's": 16, "the paper's": 64}
AIMS = {64: 150, 128: 500}
STROKES = 41


def panel(size: int, width: int) -> models.Shown:
    """A translator that has learnt nothing: its speed is that of one that has."""
    recipe = Pix2Pix(dataset="streets", size=size, width=width, receptive_field=16)
    shape = (3, size, size)
    with TemporaryDirectory() as folder:
        task = assembly.build(recipe, shape, 256, torch.device("cpu"), 0, shape)
        data = {"shape": shape, "input_shape": shape, "levels": 256}
        config = {"system": recipe.system, "recipe": dataclasses.asdict(recipe), "data": data}
        published.write(Path(folder), config, task.networks.state_dict())
        return models.shown(folder, notify=lambda line: None)


def strokes(size: int) -> list[bytes]:
    """Maps as the page sends them."""
    found = []
    for i in range(4):
        _, classes = streets.scene(0, i, size, size)
        buffer = io.BytesIO()
        Image.fromarray(streets.colours(classes)).save(buffer, "png")
        found.append(buffer.getvalue())
    return found


def stroke(address: tuple[str, int], maps: list[bytes], turn: Iterator[int]) -> None:
    """One map, sent and answered."""
    i, line = next(turn), http.client.HTTPConnection(*address)
    line.request("POST", f"/api/translate?seed={i}", maps[i % len(maps)], {"content-type": "image/png"})
    answer = line.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    line.close()


def main() -> None:
    """Print the times."""
    for size, aim in AIMS.items():
        shown = {f"width {width}, {name}": panel(size, width) for name, width in WIDTHS.items()}
        if size == 64 and published.found(models.PAINTER) is not None:
            shown["the painter in the package"] = models.shown(None, notify=lambda line: None)
        maps = strokes(size)
        lines, served = {}, []
        for name, what in shown.items():
            listener = server.listening("127.0.0.1", 0)
            one = server.server(server.application(what))
            thread = threading.Thread(target=one.run, args=[[listener]])
            thread.start()
            served.append((one, thread))
            lines[name] = listener.getsockname()

        rows = compare(
            {name: partial(stroke, at, maps, itertools.count()) for name, at in lines.items()}, rounds=STROKES, warmup=3
        )
        show(f"a stroke's picture at {size}²", rows, per="stroke")
        print(f"  the aim: {aim} ms; the slowest: {max(row.median for row in rows) * 1e3:.0f} ms")
        for one, thread in served:
            one.should_exit = True
            thread.join()


if __name__ == "__main__":
    main()
