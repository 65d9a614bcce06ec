"""The package's source, cut: what is shown is what is trained, and what is cut runs by itself."""

import inspect

import pytest
import torch

from arzhang.networks import pix2pix, vae
from arzhang.publish.handin import SHOWN
from arzhang.report.source import cut, definition
from arzhang.tasks import adversarial
from arzhang.tasks import pix2pix as pix2pix_task


@pytest.mark.parametrize(
    ("module", "thing"),
    [
        ("networks.vae", vae.Encoder),
        ("networks.pix2pix", pix2pix.Generator),
        ("tasks.adversarial", adversarial.AdversarialLoss),
    ],
)
def test_it_is_the_source_word_for_word(module, thing):
    assert inspect.getsource(thing).rstrip() in cut(module, thing.__name__)


@pytest.mark.parametrize("name", ["judge", "translate"])
def test_a_method_stands_alone_with_its_decorators(name):
    whole = inspect.getsource(getattr(pix2pix_task.Pix2PixTask, name)).rstrip()
    assert "\n".join(definition("tasks.pix2pix", f"Pix2PixTask.{name}")) == whole


def test_it_runs_by_itself_and_makes_the_same_network():
    room = {"__name__": "elsewhere"}
    exec(cut("networks.pix2pix", "DownSample", "UpSample", "Generator"), room)
    torch.manual_seed(0)
    mine = room["Generator"](32, width=2)
    torch.manual_seed(0)
    theirs = pix2pix.Generator(32, width=2)
    x = torch.rand(2, 3, 32, 32)
    assert type(mine) is not type(theirs)
    assert torch.equal(mine.eval()(x), theirs.eval()(x))


def test_all_that_the_notebook_shows_runs():
    room = {"__name__": "__main__"}
    for lines in SHOWN.values():
        for line in lines:
            exec(compile(cut(*line.split()), line, "exec"), room)
            for name in line.split()[1:]:
                assert name in room


def test_a_name_that_is_not_there():
    with pytest.raises(ValueError, match=r"networks\.vae defines no Nothing"):
        cut("networks.vae", "Encoder", "Nothing")
    with pytest.raises(ValueError, match=r"tasks\.pix2pix defines no Pix2PixTask\.nothing"):
        definition("tasks.pix2pix", "Pix2PixTask.nothing")
