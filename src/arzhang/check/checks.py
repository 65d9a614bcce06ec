"""Which check looks at which piece of an exercise; and all checks of one file."""

from pathlib import Path
from types import ModuleType

from arzhang.check import divergences, fid, gradients, networks, pix2pix, vae
from arzhang.check.code import Check, Code, find, load, raised
from arzhang.check.exercises import Exercise
from arzhang.check.findings import Finding, Result, Stopped

CHECKS: dict[str, dict[str, Check]] = {
    "1a": {"pathwise": gradients.pathwise},
    "1b": {"score_function": gradients.score_function},
    "1c": {"measure_valued": gradients.measure_valued},
    "1d": {"simulate": gradients.simulate},
    "2a": {"cauchy_schwarz": divergences.cauchy_schwarz, "kl": divergences.kl},
    "2b": {"cauchy_schwarz": divergences.mixtures},
    "3a": {"Encoder": networks.encoder, "Decoder": networks.decoder},
    "3b": {"reparameterise": vae.reparameterise, "Heads": vae.heads},
    "3c": {"output_size": vae.output_size},
    "3d": {"vae_loss": vae.vae_loss},
    "3g": {"fid": fid.fid},
    "5a": {"split_pair": pix2pix.split_pair},
    "5b": {
        "DownSample": networks.down_sample,
        "UpSample": networks.up_sample,
        "Generator": networks.generator,
        "Discriminator": networks.discriminator,
    },
    "5c": {"discriminator_loss": pix2pix.discriminator_loss, "generator_loss": pix2pix.generator_loss},
}


def examine(exercise: Exercise, path: Path, name: str | None = None, piece: str | None = None) -> list[Result]:
    """Load a file, which runs it, and check its pieces; or the object `name` alone, as one `piece`."""
    pieces = [piece] if piece else list(exercise.pieces)
    try:
        module = load(path)
    except Stopped as stopped:
        return [Result(one, (stopped.finding,)) for one in pieces]
    return [Result(one, tuple(_findings(exercise, one, module, path, name))) for one in pieces]


def _findings(exercise: Exercise, piece: str, module: ModuleType, path: Path, name: str | None) -> list[Finding]:
    asked = exercise.pieces[piece]
    try:
        target = find(module, name or piece, alone=name is None and len(exercise.pieces) == 1)
        return CHECKS[exercise.id][piece](Code(target, name or piece, path, asked.parameters))
    except Stopped as stopped:
        return [stopped.finding]
    except RuntimeError as error:  # torch's, of what the code has given: a backward pass that fails, say
        return [raised(error, path, "code.unusable", name=piece).finding]
