"""A GAN: a generator that makes images of noise, and of a class where it is told one, and a discriminator."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from arzhang.contracts import Batch, Scalars, Turn
from arzhang.errors import UsageError
from arzhang.networks.gan import Discriminator, Generator
from arzhang.randomness import generator
from arzhang.recipes import GAN as Recipe
from arzhang.tasks import adversarial
from arzhang.tasks.adam import adam
from arzhang.tasks.adversarial import AdversarialLoss, signed, variety

ROWS = 10
"""Classes that a preview shows at most."""


class GANTask:
    """D tells images from G(z), G makes D err; with `classes` both are told the class y: D(x, y) and G(z, y).

    One step is D's turn, then G's, on one and the same made images, whose classes are those of the real ones.
    """

    previewed = 32

    def __init__(
        self, recipe: Recipe, shape: tuple[int, int, int], classes: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        channels, height, width = shape
        if height != width:
            raise UsageError(f"a GAN takes square images, not {height}×{width}: give --size")
        if recipe.conditional and classes < 2:
            raise UsageError(
                f"a cgan needs two classes or more, and these data have {classes or 'none'}: give --data a folder with "
                "one subfolder a class, or train a gan"
            )
        self.recipe, self.shape = recipe, shape
        self.criterion: str = recipe.choose_by  # nothing is measured under "last": then the last checkpoint is best
        self.classes = classes if recipe.conditional else 0
        self.game = AdversarialLoss(recipe.adversarial)
        modules: dict[str, nn.Module] = {
            "generator": Generator(height, channels, recipe.latent_dim, recipe.width, self.classes),
            "discriminator": Discriminator(height, channels, recipe.width, self.classes, recipe.norm),
        }
        self.networks: nn.Module = nn.ModuleDict(modules).to(device)
        turns = {"discriminator": self.judge, "generator": self.make}
        self.turns: Sequence[Turn] = [
            Turn(name, [modules[name]], adam(modules[name], recipe, recipe.beta1), loss) for name, loss in turns.items()
        ]

    # -------------------------------------------------------------------------------------------- as a task

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "n N"]:
        """z ∼ N(0, I)."""
        return torch.randn(n, self.recipe.latent_dim, generator=generator, device=generator.device)

    def prepare(self, batch: Batch) -> dict[str, Any]:
        """G(z), once for both players."""
        made = self.generator(batch.noise.to(self.dtype), *self._told(batch))
        return {"real": signed(batch.images).to(self.dtype), "made": made}

    def judge(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """D's turn: half the sum of its losses on real images and on made ones, which are detached from G."""
        told = self._told(batch)
        real, made = (self.discriminator(images, *told) for images in (shared["real"], shared["made"].detach()))
        found = self.game.discriminator(real, made)
        return found.loss, {"d_real": found.real, "d_fake": found.fake, "d_accuracy": found.accuracy}

    def make(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """G's turn: it wants the verdict "real"."""
        loss = self.game.generator(self.discriminator(shared["made"], *self._told(batch)))
        return loss, {"g_adversarial": loss}

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """D's loss on each image that it was not trained on, and on one made of noise, and whether it was right: far
        above training's, D knows its images by heart."""
        told, real = self._told(batch), signed(batch.images).to(self.dtype)
        made = signed(self.made(batch)).to(real)
        verdicts = self.discriminator(real, *told), self.discriminator(made, *told)
        found = torch.vmap(self.game.discriminator)(*verdicts)  # for each image what it is for a batch
        return {"d_real": found.real, "d_fake": found.fake, "d_accuracy": found.accuracy}

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """How made images differ from each other, and real ones; where there are classes, within each."""
        return variety(*self._told(batch), made=self.made(batch), real=batch.images)

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """Images of the same noise each time; where there are classes, a row of each."""
        if not self.classes:
            return {"real": batch.images, "made": self.made(batch)}
        rows = torch.arange(min(ROWS, self.classes), device=batch.images.device)[:, None].expand(-1, len(batch.noise))
        return {f"class_{label}": self.made(batch._replace(labels=row)) for label, row in enumerate(rows)}

    def made(self, batch: Batch) -> Float[Tensor, "B C H W"]:
        """What the generator makes of a batch's noise, and of its classes where it is told them, in [0, 1]."""
        return adversarial.made(self.generator, self.shape, batch.noise.to(self.dtype), *self._told(batch))

    def _told(self, batch: Batch) -> tuple[Tensor, ...]:
        """What both players are told besides."""
        if not self.classes:
            return ()
        assert batch.labels is not None
        return (batch.labels,)

    # -------------------------------------------------------------------------------------------- as a model

    @property
    def device(self) -> torch.device:
        return next(self.networks.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.networks.parameters()).dtype

    @property
    def generator(self) -> Generator:
        """The network that makes images."""
        return cast(Generator, self.networks.get_submodule("generator"))

    @property
    def discriminator(self) -> Discriminator:
        """The network that judges them."""
        return cast(Discriminator, self.networks.get_submodule("discriminator"))

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0, label: int | None = None) -> Float[Tensor, "n C H W"]:
        """n images in [0, 1] made of noise; the same seed gives the same images. `label`: all of this class; None: of
        every class as many, in order. Raises UsageError for a class that there is not."""
        if n < 1:
            raise UsageError(f"{n} samples: ask for 1 or more")
        if label is not None and not 0 <= label < self.classes:
            known = f"there are {self.classes}, counted from 0" if self.classes else "this run knows no classes"
            raise UsageError(f"--label {label}: {known}")
        told = None
        if self.classes:
            told = torch.arange(n) * self.classes // n if label is None else torch.full((n,), label)
        return self.decode(self.noise(n, generator(seed, "sample")), told)

    @torch.no_grad()
    def decode(
        self, noise: Float[Tensor, "n D"], labels: Int64[Tensor, " n"] | None = None
    ) -> Float[Tensor, "n C H W"]:
        """Images in [0, 1] made of this noise, and of these classes where the generator is told them. Raises UsageError
        for noise of another length, for classes where there are none, and for none where there are some."""
        if noise.ndim != 2 or noise.shape[1] != self.recipe.latent_dim:
            raise UsageError(f"noise of shape {tuple(noise.shape)}: this model takes (n, {self.recipe.latent_dim})")
        if (labels is None) is bool(self.classes):
            raise UsageError(f"labels: this model knows {self.classes or 'no'} classes")
        told: tuple[Tensor, ...] = () if labels is None else (labels.to(self.device),)
        self.networks.eval()
        return adversarial.made(self.generator, self.shape, noise.to(self.device, self.dtype), *told)
