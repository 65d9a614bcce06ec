"""Where the commands of the documentation are run: a folder with the files that its pages speak of, and quick data.

- `my/images`: 240 grey images of 16×16. `my/classes`: 160, in `cats` and `dogs`. `my/real` and `my/made`: 40 each.
- `my/pairs`: 40 pairs in two folders of equal names, `A` and `B`. `my/unpaired`: `trainA` and `trainB`, 24 each.
- Built-in data sets are replaced by a thousand sprites of 28×28, the FID network by averages of pixels: what is tested
  is that each command does its work, not the numbers it prints.
"""

import contextlib
import io
from pathlib import Path

import torch
from command import folder_of_images
from documentation import pages
from studies import few
from torch import nn

from arzhang import cli, evaluation
from arzhang.data import images
from arzhang.metrics.features import Extractor


def furnish(folder: Path, monkeypatch) -> Path:
    """The place, as the current folder."""
    mine = folder / "my"
    folder_of_images(mine / "images", 240)
    for i, label in enumerate(("cats", "dogs")):
        folder_of_images(mine / "classes" / label, 80, seed=i)
    for i, which in enumerate(("real", "made")):
        folder_of_images(mine / which, 40, seed=10 + i)
    for i, side in enumerate("AB"):
        for path in folder_of_images(mine / "pairs" / side, 40, seed=20 + i).iterdir():
            path.rename(path.with_name(path.name[1:]))  # 000.png
        folder_of_images(mine / "unpaired" / f"train{side}", 24, seed=30 + i)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ARZHANG_CACHE", str(folder / "cache"))
    real = images.load

    def load(*, dataset="fashion-mnist", data=None, **how):
        known = data is not None or dataset == images.DRAWN
        return real(dataset=dataset, data=data, **how) if known else few.load(**how)

    monkeypatch.setattr(images, "load", load)
    monkeypatch.setattr(evaluation, "extractor", lambda *_: averages())
    return folder


def averages() -> Extractor:
    """Sixteen averages of pixels in place of a feature network."""
    network = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())
    network.register_parameter("none", nn.Parameter(torch.zeros(1)))
    return Extractor(network, "averages", "none", 16, lambda x: x.mean(1, keepdim=True), {"resize": "none"})


def do(command: pages.Command) -> None:
    """Run one command as it is typed, in this process."""
    said, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
        try:
            code = cli.main(command.words)
        except SystemExit as asked:  # --help
            code = asked.code or 0
    assert code == 0, f"arzhang {' '.join(command.words)}: {wrong.getvalue()}"
    if command.into is not None:
        Path(command.into).write_text(said.getvalue(), encoding="utf-8")
