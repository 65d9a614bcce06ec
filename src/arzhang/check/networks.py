"""The networks of 3a and 5b beside ours, as rows of layers."""

import dataclasses

from torch import nn

from arzhang.check import tracing
from arzhang.check.code import Code
from arzhang.check.findings import Finding, remark, wrong
from arzhang.check.structure import compared
from arzhang.check.tracing import NORMS, Network, Stage
from arzhang.networks import pix2pix, vae

LATENT = 20
"""Dimensions of the latent for which decoders are made."""

# ------------------------------------------------------------------------------------------------------- 3a


def encoder(user: Code) -> list[Finding]:
    """The table's left half."""
    shape = (2, 1, 28, 28)
    theirs, _ = tracing.of_user(user, (), shape)
    return compared(theirs, tracing.reference(vae.Encoder, shape))


def decoder(user: Code) -> list[Finding]:
    """The table's right half; the sigmoid, which our own leaves to the loss, at its end."""
    latent = LATENT if user.takes(1) else _entry(user)
    shape = (2, latent)
    theirs, _ = tracing.of_user(user, (latent,), shape)
    return compared(theirs, tracing.reference(lambda: nn.Sequential(vae.Decoder(latent), nn.Sigmoid()), shape))


def _entry(user: Code) -> int:
    """Dimensions that a decoder made without arguments takes: those of its first linear layer."""
    made = user.build(LATENT).target
    layers = [m for m in made.modules() if isinstance(m, nn.Linear)] if isinstance(made, nn.Module) else []
    return layers[0].in_features if layers else LATENT


# ------------------------------------------------------------------------------------------------------- 5b

PLAIN = "LeakyReLU(0.2)"


def down_sample(user: Code) -> list[Finding]:
    """One block that halves, with normalisation and without."""
    shape = (2, 8, 16, 16)
    with_norm = _block(user, (8, 12), shape, lambda: pix2pix.DownSample(8, 12), PLAIN)
    if any(finding.level == "wrong" for finding in with_norm) or not user.takes(3):
        return with_norm
    bare = _block(
        user, (8, 12, False), shape, lambda: pix2pix.DownSample(8, 12, norm=None, bias=True), PLAIN, free=True
    )
    return bare if any(finding.level == "wrong" for finding in bare) else with_norm


def up_sample(user: Code) -> list[Finding]:
    """One block that doubles, with dropout and without."""
    shape = (2, 8, 8, 8)
    plain = _block(user, (8, 12), shape, lambda: pix2pix.UpSample(8, 12), "ReLU")
    if any(finding.level == "wrong" for finding in plain) or not user.takes(3):
        return plain
    dropped = _block(user, (8, 12, True), shape, lambda: pix2pix.UpSample(8, 12, dropout=0.5), "ReLU")
    return dropped if any(finding.level == "wrong" for finding in dropped) else plain


def _block(
    user: Code, arguments: tuple, shape: tuple, build: tracing.Build, activation: str, free: bool = False
) -> list[Finding]:
    """A block beside ours, whichever end of it the activation stands at; `free`: its bias is its own affair."""
    theirs, _ = tracing.of_user(user, arguments, shape)
    ours = tracing.reference(build, shape)
    stages = theirs.stages
    if len(stages) == 1:
        acts = [act for act in (*stages[0].before, *theirs.after) if act == activation]
        ours = _without(ours, activation)
        if len(acts) <= 1:
            theirs = _without(theirs, activation)
        if free and stages[0].bias != ours.stages[0].bias:
            ours = dataclasses.replace(
                ours, stages=[dataclasses.replace(ours.stages[0], bias=stages[0].bias)], parameters=theirs.parameters
            )
    return compared(theirs, ours)


def _without(network: Network, activation: str) -> Network:
    stages = [dataclasses.replace(s, before=tuple(a for a in s.before if a != activation)) for s in network.stages]
    return dataclasses.replace(network, stages=stages, after=tuple(a for a in network.after if a != activation))


def generator(user: Code) -> list[Finding]:
    """The U-Net, traced on one image, as the paper trains: a normalised map of 1×1 then fails, and is named."""
    shape = (1, 3, 256, 256)
    theirs, _ = tracing.of_user(user, (), shape)
    if theirs.failure is not None and "more than 1 value per channel" in str(theirs.failure.finding.values):
        return [wrong("5b.norm_on_one_pixel")]
    ours = tracing.reference(pix2pix.Generator, shape)
    remarks = []
    bottleneck = len(ours.stages) // 2
    if len(theirs.stages) > bottleneck and theirs.stages[bottleneck].before == (PLAIN,):
        theirs = _replaced(theirs, bottleneck, before=("ReLU",))
        remarks.append(remark("5b.leaky_bottleneck"))
    return [*compared(_dropout_first(theirs), _dropout_first(ours)), *remarks]


def _replaced(network: Network, place: int, **changes: object) -> Network:
    stages: list[Stage] = list(network.stages)
    stages[place] = dataclasses.replace(stages[place], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(network, stages=stages)


def _dropout_first(network: Network) -> Network:
    """Dropout and ReLU may change places: what comes out is the same."""
    stages = []
    for stage in network.stages:
        acts = [a for a in stage.before if not a.startswith("Dropout")]
        drops = [a for a in stage.before if a.startswith("Dropout")]
        at = max((i + 1 for i, a in enumerate(acts) if a in NORMS), default=0)
        stages.append(dataclasses.replace(stage, before=(*acts[:at], *drops, *acts[at:])))
    return dataclasses.replace(network, stages=stages)


def discriminator(user: Code) -> list[Finding]:
    """The PatchGAN; its patch is said where it is not 70 pixels."""
    shape = (1, 6, 256, 256)
    theirs, _ = tracing.of_user(user, (), shape)
    ours = tracing.reference(pix2pix.Discriminator, shape)
    found = compared(theirs, ours)
    if theirs.after == ("Sigmoid",) and found[0].id == "net.between_extra":
        return [wrong("5b.sigmoid")]
    seen = _receptive_field(theirs.stages)
    if seen != 70 and theirs.failure is None and found[0].level == "wrong":
        found.append(remark("5b.patch", got=seen))
    return found


def _receptive_field(stages: object) -> int:
    seen = 1
    for stage in reversed(list(stages)):  # type: ignore[call-overload]
        if "kernel" in stage.settings:
            seen = (seen - 1) * stage.settings["stride"] + stage.settings["kernel"]
    return seen
