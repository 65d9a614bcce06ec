"""What of a trained model leaves Python: each network as a function of plain tensors in a user's units, images in
[0, 1], with the model's own answers to hold it against."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn

from arzhang.contracts import Task
from arzhang.errors import UsageError
from arzhang.networks.pix2pix import UpSample, test_mode
from arzhang.networks.vae import ConvTranspose2d
from arzhang.randomness import generator
from arzhang.tasks import adversarial
from arzhang.tasks.adversarial import signed
from arzhang.tasks.classifier import ClassifierTask
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.tasks.gan import GANTask
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.tasks.segmenter import SegmenterTask
from arzhang.tasks.vae import VAETask

ROWS = 3
"""Images that a network is checked on."""
PATCHES = 4
"""Squares a side of the patchwork among them."""


class Port(NamedTuple):
    """An input or an output of a network: what it means, and the shape of one row of it (the batch stands before)."""

    name: str
    role: str
    shape: tuple[int, ...]
    told: Mapping[str, Any] = {}
    """What else one must know to make or to read it."""


class Network(NamedTuple):
    """One network that is exported, and what the trained model itself says to some rows."""

    name: str
    module: nn.Module
    """Tensors in, tensors out, in evaluation mode; a copy, and its weights are `module.network`'s."""
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    given: tuple[Tensor, ...]
    wanted: tuple[Tensor, ...]


def exportable(task: Task, batch_statistics: bool = False) -> list[Network]:
    """The networks of a trained task that make something of something; judges stay behind.

    `batch_statistics`: pix2pix normalises each image by its own statistics, as the paper does, and not by running ones.
    Raises UsageError where that makes no sense.
    """
    if batch_statistics and not statistics_differ(task):
        raise UsageError("--batch-statistics: of pix2pix with batch normalisation alone; this run has none")
    with torch.no_grad():
        if isinstance(task, VAETask):
            return _of_vae(task)
        if isinstance(task, GANTask):
            return _of_gan(task)
        if isinstance(task, Pix2PixTask):
            return _of_pix2pix(task, batch_statistics)
        if isinstance(task, CycleGANTask):
            return _of_cyclegan(task)
        if isinstance(task, ClassifierTask | SegmenterTask):
            return _of_judge(task)
    raise UsageError(f"nothing of a {type(task).__name__} is exported")


def statistics_differ(task: Task) -> bool:
    """Whether a model has running statistics that its images' own may take the place of."""
    return isinstance(task, Pix2PixTask) and task.recipe.norm == "batch"


# --------------------------------------------------------------------------------------------------------- of each


def _of_vae(task: VAETask) -> list[Network]:
    recipe = task.recipe
    images, latents = some_images(task.shape), torch.randn(ROWS, recipe.latent_dim, generator=generator(0, "export"))
    code = task.vae.encode(images)
    parts = () if code.log_weights is None else (recipe.posterior_components,)
    outputs = [
        Port("mean", "mean of q(z|x)", (*parts, recipe.latent_dim)),
        Port("log_variance", "logarithm of the variance of q(z|x)", (*parts, recipe.latent_dim)),
    ]
    if parts:
        outputs.append(Port("log_weights", "logarithms of the weights of q(z|x)'s components", parts))
    seen = _image("images", task.shape)
    drawn = Port("latents", "latent", (recipe.latent_dim,), {"distribution": "the prior"})
    known = tuple(part for part in code if part is not None)
    encoder, decoder = _alone(task.vae, "decoder"), _alone(task.vae, "encoder", "mean", "log_variance", "weights")
    return [
        Network("encoder", Encoding(encoder), [seen], outputs, (images,), known),
        Network("decoder", Decoding(decoder), [drawn], [seen], (latents,), (task.decode(latents),)),
    ]


def _of_gan(task: GANTask) -> list[Network]:
    noise = task.noise(ROWS, generator(0, "export"))
    drawn = Port("noise", "latent", (task.recipe.latent_dim,), {"distribution": "standard normal"})
    inputs, given = [drawn], (noise,)
    if task.classes:
        inputs.append(Port("classes", "class", (), {"dtype": "int64", "below": task.classes}))
        given = (noise, torch.arange(ROWS) % task.classes)  # type: ignore[assignment]
    made = adversarial.made(task.generator, task.shape, *given)
    outputs = [_image("images", task.shape)]
    return [Network("generator", Making(_alone(task.generator)), inputs, outputs, given, (made,))]


def _of_pix2pix(task: Pix2PixTask, batch_statistics: bool) -> list[Network]:
    images = some_images(task.input_shape)
    inputs, outputs = [_image("images", task.input_shape)], [_image("made", task.shape)]
    own = _alone(task.generator)
    test_mode(own, False, batch_statistics)
    share = task.recipe.dropout
    if not share:
        module: nn.Module = Translating(own)
        return [Network("generator", module, inputs, outputs, (images,), _by_pix2pix(task, batch_statistics, images))]
    for block in own.modules():
        if isinstance(block, UpSample):
            block.__class__ = Masked
    draws = own.draws()
    uniform = torch.rand(ROWS, draws, generator=generator(0, "export"))
    mask = (uniform >= share) / (1 - share)
    mask[-1] = 1.0  # the last row without dropout
    inputs.append(Port("mask", "dropout mask", (draws,), {"dropout": share, "no_dropout": 1.0}))
    kept, plain = (
        _by_pix2pix(task, batch_statistics, rows, luck)[0]
        for rows, luck in ((images[:-1], uniform[:-1]), (images[-1:], None))
    )
    return [Network("generator", Translating(own), inputs, outputs, (images, mask), (torch.cat([kept, plain]),))]


def _by_pix2pix(
    task: Pix2PixTask, batch_statistics: bool, images: Tensor, uniform: Tensor | None = None
) -> tuple[Tensor]:
    """What the task's own generator makes of images, with dropout where there are numbers for it to decide by."""
    test_mode(task.generator, uniform is not None, batch_statistics)
    luck = torch.ones(len(images), task.generator.draws()) if uniform is None else uniform
    try:
        return (adversarial.made(task.generator, task.shape, signed(images), luck),)
    finally:
        test_mode(task.generator, task.recipe.test_dropout, task.alone)


def _of_cyclegan(task: CycleGANTask) -> list[Network]:
    inputs, images = some_images(task.input_shape), some_images(task.shape)
    x, y = task.input_shape, task.shape
    return [
        Network(
            "generator", Translating(_alone(task.generator)), [_image("images", x)], [_image("made", y)],
            (inputs,), (task.translate(inputs),),
        ),
        Network(
            "inverse", Translating(_alone(task.inverse)), [_image("images", y)], [_image("made", x)],
            (images,), (task.translate_back(images),),
        ),
    ]  # fmt: skip


def _of_judge(task: ClassifierTask | SegmenterTask) -> list[Network]:
    images = some_images(task.shape)
    if isinstance(task, ClassifierTask):
        network: nn.Module = task.classifier
        name, shape = "classifier", (task.classes,)
        wanted = task.predict(images)
    else:
        network = task.segmenter
        wanted = network(images).softmax(1)
        name, shape = "segmenter", tuple(wanted.shape[1:])
    said = Port("probabilities", "probability of each class", shape, {"axis": 1, "answer": "argmax"})
    return [Network(name, Saying(_alone(network)), [_image("images", task.shape)], [said], (images,), (wanted,))]


# ---------------------------------------------------------------------------------------------- as they are exported


class Encoding(nn.Module):
    """Images in [0, 1] → what q(z|x) is made of."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Float[Tensor, "B C H W"]) -> tuple[Tensor, ...]:
        return tuple(part for part in self.network.encode(images) if part is not None)  # type: ignore[operator]


class Decoding(nn.Module):
    """Latents → images in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, latents: Float[Tensor, "B D"]) -> Float[Tensor, "B C H W"]:
        return self.network.decode(latents).sigmoid()  # type: ignore[operator]


class Making(nn.Module):
    """Noise, and classes where there are some → images in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, noise: Float[Tensor, "B N"], classes: Int64[Tensor, " B"] | None = None) -> Tensor:
        return (self.network(noise, classes) + 1) / 2


class Translating(nn.Module):
    """Images in [0, 1], and a dropout mask where there is dropout → images in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Float[Tensor, "B D H W"], mask: Float[Tensor, "B N"] | None = None) -> Tensor:
        seen = signed(images)
        return ((self.network(seen) if mask is None else self.network(seen, mask)) + 1) / 2


class Masked(UpSample):
    """The block with a factor for each output in the place of the number that dropout decides by: 0 drops it,
    1/(1 − p) keeps it as training does, and ones everywhere are no dropout."""

    def forward(self, x: Float[Tensor, "B C h w"], uniform: Shaped[Tensor, "B N"] | None = None) -> Tensor:
        made = super().forward(x)
        return made if uniform is None or not self.dropout else made * uniform.view(made.shape)


class Saying(nn.Module):
    """Images in [0, 1] → probabilities of classes, along the second axis."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Float[Tensor, "B C H W"]) -> Tensor:
        return self.network(images).softmax(1)


class Halved(nn.Module):
    """The same with weights and arithmetic in 16 bits; inputs and outputs stay as they are."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).half()
        self.network = self.module.network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        made = self.module(*(x.half() if x.is_floating_point() else x for x in inputs))
        return tuple(part.float() for part in (made if isinstance(made, tuple) else (made,)))


# ------------------------------------------------------------------------------------------------------- their parts


def some_images(shape: tuple[int, int, int]) -> Float[Tensor, "3 C H W"]:
    """One of noise and two patchworks of flat colours, as label maps and drawings are."""
    rng = generator(0, "export", "images")
    noise = torch.rand(1, *shape, generator=rng)
    patches = torch.rand(ROWS - 1, shape[0], PATCHES, PATCHES, generator=rng)
    return torch.cat([noise, nn.functional.interpolate(patches, shape[1:], mode="nearest")])


def _image(name: str, shape: tuple[int, int, int]) -> Port:
    return Port(name, "image", shape, {"range": [0, 1], "channels": {1: "grey", 3: "RGB"}.get(shape[0], shape[0])})


def _alone(network: Any, *without: str) -> Any:
    """A copy to be exported: without these parts, laid out plainly, and without ways around slow kernels of a CPU,
    which would be written down as they were traced."""
    own = copy.deepcopy(network).float().eval().to(memory_format=torch.contiguous_format)
    for name in without:
        if hasattr(own, name):
            delattr(own, name)
    for layer in own.modules():
        if isinstance(layer, ConvTranspose2d):
            layer.__class__ = nn.ConvTranspose2d  # type: ignore[assignment]
    return own.requires_grad_(False)
