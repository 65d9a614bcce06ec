"""Every option of every system, as typed dataclasses of plain values: flags, a run's config, the report's list.

A field's docstring is its `--help` text. No torch here, so that the command answers at once.
"""

import dataclasses
import difflib
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_type_hints

from arzhang.errors import UsageError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

R = TypeVar("R")


def require(holds: bool, option: str, value: object, rule: str) -> None:
    """Refuse a value that makes no sense, in the words of the command line."""
    if not holds:
        raise UsageError(f"{flag(option)} {value}: {rule}")


@dataclass(frozen=True, kw_only=True)
class Training:
    """What every training shares: the data, the schedule, the machine."""

    system: ClassVar[str]
    players: ClassVar[int] = 1
    """Networks that train against each other."""
    numbers: ClassVar[tuple[str, ...]] = ()
    """Options that are factors in the loss and nothing else: trainings that differ in them may be one."""

    dataset: Literal["fashion-mnist", "mnist", "kmnist", "sprites"] = "fashion-mnist"
    """built-in data set; --data takes its place"""
    data: str | None = None
    """folder of your own images, in any mix of common formats"""
    data_root: str | None = None
    """where the files of a built-in data set already lie"""
    size: int | None = None
    """side of the images in pixels, to which those of --data are resized and cropped"""
    validation: int = 5_000
    """images that a built-in data set holds out of its training part (a folder is split 90/5/5 by content)"""
    epochs: int = 20
    """passes over the training part"""
    batch_size: int = 128
    """images a step (of all ranks together); an epoch's last, incomplete batch is left out"""
    lr: float = 1e-3
    """learning rate of Adam"""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """how the learning rate goes: constant, constant to the middle and then linearly to zero, or along a half cosine"""
    clip: float | None = None
    """largest norm of a turn's gradient; none: not clipped"""
    ema: float | None = None
    """decay a step of a moving average of the weights, e.g. 0.999, which then serves to evaluate; none: not kept"""
    seed: int = 0
    """of weights, order and noise"""
    log_every: int = 50
    """steps between two lines of the log, each a mean over them (in metrics.jsonl)"""
    preview_every: int = 10
    """epochs between two previews of the same images in samples/"""
    init_from: str | None = None
    """run whose weights to start from: tensors of equal name and shape are taken, the others named"""
    tensorboard: bool = False
    """write metrics for TensorBoard too"""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """kind of device"""
    devices: int = 1
    """devices a node, one rank each; --batch-size is shared out among them"""
    nodes: int = 1
    """machines (start one process a device yourself, with torchrun or SLURM)"""
    strategy: Literal["auto", "ddp"] = "auto"
    """how ranks work together"""
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true"] = "32-true"
    """number format of the computation"""
    compile: bool = False
    """compile the losses (a minute at the start, faster steps)"""
    deterministic: bool = False
    """on GPUs too, only operations that give the same bits each time, often slower; one that has no such form stops the
    run with its name"""
    memory_share: float = 0.5
    """share of the device's free memory that the images may take before they stay on disk, memory-mapped"""

    def __post_init__(self) -> None:
        require(self.size is None or self.size >= 8, "size", self.size, "must be at least 8 pixels")
        require(self.validation >= 0, "validation", self.validation, "must be 0 or more images")
        for name in ("epochs", "batch_size", "log_every", "preview_every", "devices", "nodes"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "must be 1 or more")
        require(0 < self.lr < float("inf"), "lr", self.lr, "must be above 0")
        require(self.clip is None or self.clip > 0, "clip", self.clip, "must be above 0 (leave it out not to clip)")
        require(self.ema is None or 0 < self.ema < 1, "ema", self.ema, "must lie between 0 and 1")
        rule = "needs weights of 32 bits or more: steps of an average are lost in 16 (--precision bf16-mixed has them)"
        require(self.ema is None or self.precision != "bf16-true", "ema", self.ema, rule)
        require(self.seed >= 0, "seed", self.seed, "must be 0 or more")
        require(0 < self.memory_share <= 1, "memory_share", self.memory_share, "must lie in (0, 1]")
        ranks = self.devices * self.nodes
        require(
            self.batch_size % ranks == 0, "batch_size", self.batch_size, f"must be a multiple of the {ranks} devices"
        )


IDLE = {
    "sigma": ("likelihood", "bernoulli"),
    "components": ("prior", "normal"),
    "prior_init": ("prior", "normal"),
    "prior_lr": ("prior", "normal"),
    "prior_floor": ("prior", "normal"),
    "learn_prior": ("prior", "normal"),
    "posterior_components": ("posterior", "normal"),
}
"""Options that do nothing where another one has that value."""


def idle(recipe: Training) -> list[str]:
    """A line for each option of a recipe that was changed and does nothing."""
    unlike = {f.name for f in dataclasses.fields(recipe) if getattr(recipe, f.name) != f.default}
    return [
        f"{as_flags({name: getattr(recipe, name)})[0]}: does nothing with {flag(of)} {value}"
        for name, (of, value) in IDLE.items()
        if name in unlike and getattr(recipe, of, None) == value
    ]


@dataclass(frozen=True, kw_only=True)
class VAE(Training):
    """A β-VAE (Kingma & Welling 2014; Higgins et al. 2017): assignment 3."""

    system: ClassVar[str] = "vae"
    numbers: ClassVar[tuple[str, ...]] = ("beta",)
    aliases: ClassVar[dict[str, str]] = {"weight": "beta", "fixed-prior": "no-learn-prior"}

    beta: float = 1.0
    """weight of the divergence from the prior, β or λ (also: --weight)"""
    latent_dim: int = 32
    """dimensions of the latent"""
    kl_warmup: float = 0.0
    """epochs over which β grows linearly from 0 to its value"""
    likelihood: Literal["bernoulli", "gaussian", "logistic"] = "bernoulli"
    """p(x|z): Bernoulli cross-entropy (no normalised density on grey pixels), Gaussian, or discretised logistic"""
    sigma: float | Literal["learned"] = "learned"
    """scale of the Gaussian or logistic likelihood in units of the image's range: a number, or one learned scalar"""
    norm: Literal["batch", "none"] = "batch"
    """batch normalisation in encoder and decoder, or none"""
    prior: Literal["normal", "mixture"] = "normal"
    """p(z): N(0, I), or a mixture of Gaussians (assignment 2b)"""
    posterior: Literal["normal", "mixture"] = "normal"
    """q(z|x): one Gaussian, or a mixture of them"""
    components: int = 10
    """Gaussians of a mixture prior"""
    posterior_components: int = 3
    """Gaussians of a mixture posterior; each costs a pass through the decoder"""
    divergence: Literal["kl", "cauchy-schwarz"] = "kl"
    """of q(z|x) from p(z): KL (Monte Carlo where a mixture leaves no closed form) or Cauchy–Schwarz (closed form)"""
    learn_prior: bool = True
    """train weights, means and variances of a mixture prior (--fixed-prior: keep them as they began)"""
    prior_lr: float = 0.01
    """a mixture prior's learning rate, as a share of --lr; slow, so that codes gather on components, and components do
    not run after codes"""
    prior_init: Literal["data", "spread"] = "data"
    """where a mixture prior begins: k-means on the codes of some training images, or means spread at random"""
    prior_floor: float = 0.01
    """least variance of a component of the prior; without it D_CS can grow without bound"""
    estimator: Literal["pathwise", "score-function", "measure-valued"] = "pathwise"
    """how the latent expectation is differentiated (assignment 1); all but pathwise need --norm none"""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.beta < float("inf"), "beta", self.beta, "must be 0 or more")
        require(self.latent_dim >= 1, "latent_dim", self.latent_dim, "must be 1 or more")
        require(self.kl_warmup >= 0, "kl_warmup", self.kl_warmup, "must be 0 or more epochs")
        alone = self.estimator == "pathwise" or self.norm == "none"
        require(
            alone, "estimator", self.estimator, "needs --norm none, for images in a batch must not share statistics"
        )
        require(
            self.estimator == "pathwise" or self.posterior == "normal", "estimator", self.estimator,
            "needs --posterior normal",
        )  # fmt: skip
        require(self.components >= 1, "components", self.components, "must be 1 or more")
        require(self.posterior_components >= 1, "posterior_components", self.posterior_components, "must be 1 or more")
        require(0 < self.prior_lr < float("inf"), "prior_lr", self.prior_lr, "must be above 0 (--fixed-prior: 0)")
        require(
            0 < self.prior_floor < float("inf"), "prior_floor", self.prior_floor,
            "must be above 0, or a component may collapse onto a point",
        )  # fmt: skip
        require(self.sigma == "learned" or self.sigma > 0, "sigma", self.sigma, "must be above 0, or 'learned'")


@dataclass(frozen=True, kw_only=True)
class Classifier(Training):
    """Options of a small classifier, whose features serve fast scores in the data set's own domain"""

    system: ClassVar[str] = "classifier"

    epochs: int = 5
    """passes over the training part"""
    dropout: float = 0.25
    """share of the features that is left out at random before the last layer"""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.dropout < 1, "dropout", self.dropout, "must be 0 or more and below 1")


@dataclass(frozen=True, kw_only=True)
class GAN(Training):
    """A generative adversarial network (Goodfellow et al. 2014; Radford et al. 2016): images from noise"""

    system: ClassVar[str] = "gan"
    players: ClassVar[int] = 2
    conditional: ClassVar[bool] = False
    """Whether both players are told the class."""

    batch_size: int = 32
    """images a step (of all ranks together); an epoch's last, incomplete batch is left out"""
    lr: float = 2e-4
    """learning rate of Adam, both players"""
    beta1: float = 0.5
    """decay of Adam's mean of gradients, both players (the other decay is 0.999)"""
    adversarial: Literal["vanilla", "lsgan", "hinge"] = "hinge"
    """the game's loss; vanilla: cross-entropy, non-saturating for the generator"""
    latent_dim: int = 64
    """numbers of noise from which an image is made"""
    width: int = 64
    """channels of both networks' layers next to the image; they double with each halving of the size"""
    norm: Literal["spectral", "batch"] = "spectral"
    """what tames the discriminator: spectral normalisation of its weights, or DCGAN's batch normalisation"""
    choose_by: Literal["kid", "last"] = "kid"
    """the best checkpoint: of least KID at previews (the last one where there is no network), or the last one"""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.beta1 < 1, "beta1", self.beta1, "must be 0 or more and below 1")
        require(self.latent_dim >= 1, "latent_dim", self.latent_dim, "must be 1 or more")
        require(self.width >= 1, "width", self.width, "must be 1 or more")
        require(self.batch_size >= 2, "batch_size", self.batch_size, "must be 2 or more, for batch normalisation")


@dataclass(frozen=True, kw_only=True)
class CGAN(GAN):
    """A GAN told the class of each image (Mirza & Osindero 2014): images of a class that one asks for"""

    system: ClassVar[str] = "cgan"
    conditional: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Paired(Training):
    """What every training on pairs of images shares: where the pairs lie, which half is which"""

    unpaired: ClassVar[bool] = False
    """Whether the two sides are drawn from different pairs."""

    dataset: Literal["streets", "edges2fashion", "cityscapes"] = "streets"  # type: ignore[assignment]
    """built-in pairs; --data takes its place"""
    data: str | None = None
    """folder or zip of side-by-side images, or of two folders of equal names; or a built-in set's name"""
    size: int | None = 64
    """side of the images in pixels; none: as the files are"""
    validation: int = 200
    """pairs that a built-in set holds out of its training part (files are split by content)"""
    scenes: int = 2_000
    """training scenes of streets"""
    direction: Literal["right-to-left", "left-to-right"] = "right-to-left"
    """which half is given and which is made; of two folders the first counts as the left one"""
    label_side: Literal["right", "left", "both", "none"] = "right"
    """the half that is a label map: it is only ever resized by nearest neighbour"""
    snap: bool = False
    """take each colour of a label map to the nearest class of Cityscapes' palette (JPEG leaves colours in between)"""
    jitter: bool = True
    """resize to 286/256 of the size and crop at random, both halves alike"""
    mirror: bool = True
    """mirror every other pair, both halves alike"""


@dataclass(frozen=True, kw_only=True)
class Segmenter(Paired):
    """Options of a small network that says each pixel's class: trained on real photos, it judges made ones"""

    system: ClassVar[str] = "segmenter"

    epochs: int = 10
    """passes over the training part"""
    batch_size: int = 16
    """images a step (of all ranks together); an epoch's last, incomplete batch is left out"""
    lr: float = 3e-3
    """learning rate of Adam"""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """how the learning rate goes: constant, constant and then along a line or all along a half cosine to zero"""
    width: int = 16
    """channels of the first layer; 16 makes 0.6 million weights"""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 1, "width", self.width, "must be 1 or more")
        given = "right" if self.direction == "right-to-left" else "left"
        labels = self.label_side in (given, "both")
        require(labels, "label_side", self.label_side, f"a segmenter learns from label maps on the {given}, as given")


@dataclass(frozen=True, kw_only=True)
class Pix2Pix(Paired):
    """A conditional GAN with an L1 term (Isola et al. 2017): assignment 5."""

    system: ClassVar[str] = "pix2pix"
    players: ClassVar[int] = 2
    aliases: ClassVar[dict[str, str]] = {"lambda": "l1-weight"}

    epochs: int = 50
    """passes over the training part"""
    batch_size: int = 1
    """images a step (of all ranks together); an epoch's last, incomplete batch is left out"""
    lr: float = 2e-4
    """learning rate of Adam, both players"""
    beta1: float = 0.5
    """decay of Adam's mean of gradients, both players (the other decay is 0.999)"""
    width: int = 64
    """channels of the first layer of both networks"""
    norm: Literal["batch", "instance"] = "batch"
    """normalisation in both networks"""
    dropout: float = 0.5
    """share dropped in the first three up blocks: the generator's noise"""
    skips: bool = True
    """U-Net; --no-skips: the plain encoder–decoder"""
    receptive_field: Literal[1, 16, 34, 70, 286] = 70
    """pixels that one decision of the discriminator sees"""
    adversarial: Literal["vanilla", "lsgan", "hinge", "none"] = "vanilla"
    """the game's loss; none: no discriminator, L1 alone"""
    conditional: bool = True
    """the discriminator sees the input beside the image (--no-conditional: the image alone)"""
    l1_weight: float = 100.0
    """weight of the L1 term, λ (also: --lambda); 0: the game alone"""
    test_dropout: bool = True
    """dropout stays on when the trained generator is used, as in the paper; drawn from a seed for each image"""
    test_statistics: Literal["auto", "image", "running"] = "auto"
    """what batch norm uses then: each image's own statistics, or running averages; auto: the image's at batch size 1"""
    choose_by: Literal["kid", "l1"] = "kid"
    """validation measure of the best checkpoint: KID at previews (the last one where there is no network), or L1"""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 1, "width", self.width, "must be 1 or more")
        require(0 <= self.beta1 < 1, "beta1", self.beta1, "must be 0 or more and below 1")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "must be 0 or more and below 1")
        require(0 <= self.l1_weight < float("inf"), "l1_weight", self.l1_weight, "must be 0 or more")
        played = self.adversarial != "none" or self.l1_weight > 0
        require(played, "l1_weight", self.l1_weight, "with --adversarial none nothing is left to train by")


@dataclass(frozen=True, kw_only=True)
class CycleGAN(Paired):
    """Two translators, there and back, from images that do not belong together (Zhu et al. 2017)"""

    system: ClassVar[str] = "cyclegan"
    players: ClassVar[int] = 2
    unpaired: ClassVar[bool] = True
    aliases: ClassVar[dict[str, str]] = {"lambda": "cycle-weight"}

    epochs: int = 50
    """passes over the training part"""
    batch_size: int = 1
    """images of each side a step (of all ranks together); an epoch's last, incomplete batch is left out"""
    lr: float = 2e-4
    """learning rate of Adam, all players"""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """how the learning rate goes: constant, constant to the middle and then linearly to zero, or along a half cosine"""
    beta1: float = 0.5
    """decay of Adam's mean of gradients, all players (the other decay is 0.999)"""
    width: int = 64
    """channels of the first layer of all networks"""
    blocks: Literal["auto", 6, 9] = "auto"
    """residual blocks of a generator; auto: 9 from 256 pixels on, 6 below"""
    receptive_field: Literal[1, 16, 34, 70, 286] = 70
    """pixels that one decision of a discriminator sees"""
    adversarial: Literal["vanilla", "lsgan", "hinge"] = "lsgan"
    """the game's loss"""
    cycle_weight: float = 10.0
    """weight of the cycle term, λ (also: --lambda)"""
    identity_weight: float = 0.5
    """weight of the identity term, as a share of λ; 0: none"""
    pool: int = 50
    """earlier made images of each side, of which the discriminators are shown one in two; 0: none"""
    choose_by: Literal["cycle_l1", "kid"] = "cycle_l1"
    """validation measure of the best checkpoint: L1 there and back, or KID at previews (where there is a network)"""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 1, "width", self.width, "must be 1 or more")
        require(0 <= self.beta1 < 1, "beta1", self.beta1, "must be 0 or more and below 1")
        require(0 <= self.cycle_weight < float("inf"), "cycle_weight", self.cycle_weight, "must be 0 or more")
        require(0 <= self.identity_weight < float("inf"), "identity_weight", self.identity_weight, "must be 0 or more")
        require(self.pool >= 0, "pool", self.pool, "must be 0 or more images")


SYSTEMS: dict[str, type[Training]] = {
    recipe.system: recipe for recipe in (VAE, Classifier, Segmenter, GAN, CGAN, Pix2Pix, CycleGAN)
}


# ------------------------------------------------------------------------------------------- as text, and back


def flag(name: str) -> str:
    """The flag of a field: `batch_size` → `--batch-size`, `n` → `-n`."""
    return f"-{name}" if len(name) == 1 else "--" + name.replace("_", "-")


def documentation(recipe: type) -> dict[str, str]:
    """Each field's docstring, by name."""
    from docstring_parser import parse_from_object

    found: dict[str, str] = {}
    for base in reversed(recipe.__mro__[:-1]):
        found |= {p.arg_name: " ".join((p.description or "").split()) for p in parse_from_object(base).params}
    return found


def parser(recipe: type, **names: Any) -> "ArgumentParser":
    """A parser with one flag for each field of a recipe; a wrong option or value raises UsageError, one line."""
    import jsonargparse

    class Parser(jsonargparse.ArgumentParser):
        def parse_args(self, args: Any = None, *others: Any, **named: Any) -> Any:
            words = [_unalias(word, getattr(recipe, "aliases", {})) for word in args or ()]
            try:
                return super().parse_args(words, *others, **named)
            except OverflowError:  # of an integer where a fraction is wanted
                raise UsageError(f"{max(words, key=len)[:40]}…: a number too large to be computed with") from None

        def error(self, message: str, ex: Exception | None = None) -> Any:
            raise UsageError(_explain(self, message))

    result = Parser(formatter_class=_formatter(), allow_abbrev=False, **names)
    add_fields(result, recipe)
    return result


def _unalias(word: str, aliases: Mapping[str, str]) -> str:
    name, equals, value = word.partition("=")
    return f"--{aliases[name[2:]]}{equals}{value}" if name.startswith("--") and name[2:] in aliases else word


def _formatter() -> type:
    from jsonargparse import DefaultHelpFormatter

    class Formatter(DefaultHelpFormatter):
        """Help without the types' Python names, which the metavar says already."""

        def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: Any = None) -> None:
            required = [a for a in actions if not a.option_strings or a.required]
            super().add_usage(usage, required, [], prefix)
            self.add_text("[options below]" if len(required) < len(list(actions)) else None)

    return Formatter


def add_fields(parser: "ArgumentParser", recipe: type) -> None:
    """One flag for each field of a dataclass, with its type, default and docstring."""
    from jsonargparse import ActionYesNo

    hints, words = get_type_hints(recipe), documentation(recipe)
    group = parser.add_argument_group((recipe.__doc__ or "options").splitlines()[0])
    for field in dataclasses.fields(recipe):
        default = field.default if field.default is not dataclasses.MISSING else None
        if hints[field.name] in (bool, bool | None):
            yes_no = ActionYesNo(yes_prefix="", no_prefix="no-")
            group.add_argument(flag(field.name), action=yes_no, default=default, help=words.get(field.name, ""))
        else:
            many: dict[str, Any] = {"nargs": "+"} if isinstance(default, tuple) else {}
            kind = hints[field.name].__args__[0] if many else hints[field.name]
            names = dict.fromkeys([flag(field.name), f"--{field.name}".replace("_", "-")])
            default = list(default) if isinstance(default, tuple) else default
            group.add_argument(*names, type=kind, default=default, help=words.get(field.name, ""), **many)


def nearest(word: str, known: Iterable[str]) -> str:
    """'; did you mean …?' where something known is near to a word."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _explain(parser: "ArgumentParser", message: str) -> str:
    options = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
    if found := re.search(r"[Uu]nrecognized arguments: (\S+)", message):
        unknown = found[1].split("=")[0]
        return f"{unknown}: no such option" + (nearest(unknown, options) or "; --help lists them all")
    if found := re.search(r"following arguments are required: (.+)", message):
        return f"{found[1].upper().removesuffix('…')}: missing; `{parser.prog} --help` says what goes there"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if found := re.search(r'[Pp]arser key "([\w.]+)"', lines[0]):
        wanted = re.findall(r"(?:Expected an?|Expected) (.+?)(?:\. Got value|$)", "\n".join(lines), re.MULTILINE)
        names = [re.sub(r"<class '(\w+)'>|typing\.Literal|\[|\]", r"\1", one).strip(" .:") for one in wanted]
        names = [one for one in names if one != "NoneType"] or names
        value = re.search(r"(?:Given value: |Got value: ?)(.+)", message)
        return (
            f"{flag(found[1])} {value[1] if value else ''}: expected {' or '.join(dict.fromkeys(names)) or lines[-1]}"
        )
    return " ".join(lines)


def as_flags(values: Mapping[str, Any]) -> list[str]:
    """A mapping from option names to values as the words one would type for it."""
    words: list[str] = []
    for name, value in values.items():
        if isinstance(value, bool):
            words.append(flag(name) if value else flag("no-" + name))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            words += [flag(name), *map(str, value)]
        else:
            text = "null" if value is None else str(value)
            words += [flag(name), text] if len(name) == 1 else [f"{flag(name)}={text}"]
    return words


def swept(recipe: type, words: Iterable[str], apart: Iterable[str] = ()) -> tuple[list[str], dict[str, list[str]]]:
    """The words of a command line without the options that were given several values, and those, by field; options
    named in `apart` are not the recipe's and stay.

    >>> swept(VAE, ["--beta", "1", "4", "--epochs", "2"])
    (['--epochs', '2'], {'beta': ['1', '4']})
    """
    groups: list[list[str]] = []
    for word in words:
        if (word.startswith("-") and not re.fullmatch(r"-\d*\.?\d+(e[+-]?\d+)?", word)) or not groups:
            groups.append([word])
        else:
            groups[-1].append(word)
    aliases = getattr(recipe, "aliases", {})
    rest: list[str] = []
    several: dict[str, list[str]] = {}
    for first, *values in groups:
        if len(values) > 1 and first.lstrip("-") not in apart:
            several[_unalias(first, aliases).lstrip("-").replace("-", "_")] = values
        else:
            rest += [first, *values]
    return rest, several


def take_config(words: Iterable[str]) -> list[str]:
    """The words of a command line with each `--config FILE` replaced by the file's options, put first: flags win."""
    rest, from_files = [], []
    iterator = iter(words)
    for word in iterator:
        name, _, value = word.partition("=")
        if name != "--config":
            rest.append(word)
            continue
        path = value or next(iterator, "")
        if not path:
            raise UsageError("--config: which file? (a YAML file of options, such as a run's config.yaml)")
        from_files += as_flags(read_options(Path(path)))
    return from_files + rest


def read_options(path: Path) -> dict[str, Any]:
    """The options in a YAML file: a flat mapping, or a run's config.yaml. Read by the plain safe loader."""
    content = read_yaml(path)
    if isinstance(content.get("recipe"), dict):
        content = content["recipe"]
    if bad := [name for name, value in content.items() if isinstance(value, dict)]:
        raise UsageError(f"{path}: '{bad[0]}' must be a plain value, not a mapping")
    return {str(name).replace("-", "_"): value for name, value in content.items()}


MOST_VALUES = 100_000
"""Of a configuration, its aliases written out."""


def read_yaml(path: Path, limit: int = 1 << 20) -> dict[str, Any]:
    """A YAML mapping from a small file, without running anything in it."""
    import yaml

    try:
        if path.stat().st_size > limit:
            raise UsageError(f"{path}: larger than a configuration can be ({limit:,} bytes)")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        # The safe loader runs nothing, but what makes numbers and dates of words raises whatever comes to it.
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UsageError(f"{path}: not a YAML file of options ({why})") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: must hold a mapping from options to values")
    _require_small(content, path)
    return content


def _require_small(content: Any, path: Path) -> None:
    """Refuse what a few aliases (`*a`) blow up: every value counts as often as it would be written out."""
    waiting, count = [content], 0
    while waiting:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list | tuple | set):
            waiting += one
        if count + len(waiting) > MOST_VALUES or (isinstance(one, int) and one.bit_length() > 1_024):
            raise UsageError(f"{path}: holds more, or greater numbers, than a configuration can")


def from_words(recipe: type[R], words: Iterable[str]) -> R:
    """A recipe from the words of a command line; raises UsageError, one line, for what makes no sense."""
    return recipe(**vars(_parser(recipe).parse_args(take_config(words))))  # type: ignore[arg-type]


_parser = functools.cache(parser)
"""To make one takes longer than to use it, and every look into a run does."""


def from_mapping(recipe: type[R], values: Mapping[str, Any], where: str = "") -> R:
    """A recipe from plain values, each checked as if it had been typed."""
    known = {field.name for field in dataclasses.fields(recipe)} | set(getattr(recipe, "aliases", {}))  # type: ignore[arg-type]
    try:
        if unknown := next((name for name in values if name not in known), None):
            # `help` or `config` would be flags, but no options of a recipe.
            raise UsageError(
                f"{flag(str(unknown))[:80]}: no such option{nearest(flag(str(unknown)), map(flag, known))}"
            )
        return from_words(recipe, as_flags(values))
    except UsageError as error:
        raise UsageError(f"{where}: {error}" if where else str(error)) from None
