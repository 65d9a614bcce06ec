"""The β-VAE of assignment 3a at batch 128 on Fashion-MNIST: the loop beside a bare one, and beside pythae's trainer.

Each contender trains four epochs of the same resident images with the same network, loss, batch and optimizer,
validation and checkpoints included where the trainer makes them. How a layer is computed is the contender's own.
"""

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from arzhang import assembly
from arzhang.contracts import Batch
from arzhang.recipes import VAE
from bench.timing import compare, show

EPOCHS = 4
"""A preview comes at the end as every ten epochs: in fewer epochs it would weigh more than it does in a run."""
RECIPE = VAE(epochs=EPOCHS, batch_size=128)


def bare(images: torch.Tensor) -> None:
    """What no trainer can beat: forward, backward and update over images that lie where the model is."""
    task: Any = assembly.build(RECIPE, (1, 28, 28), 256, torch.device("cpu"))
    task.networks.train()
    for indices in [part for _ in range(EPOCHS) for part in torch.randperm(len(images)).split(RECIPE.batch_size)]:
        batch = Batch(images[indices].float().div_(255), indices, torch.randn(len(indices), RECIPE.latent_dim))
        loss, _ = task.loss(batch, {})
        loss.backward()
        task.turns[0].optimizer.step()
        task.turns[0].optimizer.zero_grad()


def ours(parts: Any) -> None:
    """`arzhang train vae`, once its data are read: the loop, its logs, its validation, its checkpoint."""
    from lightning_fabric import Fabric

    from arzhang.training.loop import Loop
    from arzhang.training.run import Run

    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder) / "run", RECIPE, {})
        fabric = Fabric(accelerator="cpu", devices=1)
        task = assembly.build(RECIPE, (1, 28, 28), 256, fabric.device)
        Loop(task, RECIPE, parts.train, parts.validation, run, fabric, print).fit()


def pythae(images: torch.Tensor, validation: torch.Tensor) -> Any:
    """pythae 0.1.2's trainer with the table's encoder and decoder in torch's own layers, as its users write them, its
    binary cross-entropy, Adam at the same rate."""
    warnings.filterwarnings("ignore")
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    from arzhang.networks.vae import VAE as Network

    class Encoder(BaseEncoder):
        def __init__(self, network: Network) -> None:
            super().__init__()
            self.network, self.mean, self.log_variance = network.encoder, network.mean, network.log_variance

        def forward(self, x: torch.Tensor) -> Any:
            features = torch.relu(self.network(x))
            return ModelOutput(embedding=self.mean(features), log_covariance=self.log_variance(features))

    class Decoder(BaseDecoder):
        def __init__(self, network: Network) -> None:
            super().__init__()
            last = network.decoder[-1]
            assert isinstance(last, torch.nn.ConvTranspose2d)
            torchs = torch.nn.ConvTranspose2d(8, 1, kernel_size=3, stride=2, padding=1, output_padding=1)
            torchs.load_state_dict(last.state_dict())
            self.network = torch.nn.Sequential(*list(network.decoder)[:-1], torchs)

        def forward(self, z: torch.Tensor) -> Any:
            return ModelOutput(reconstruction=self.network(z).sigmoid())

    logging.disable(logging.INFO)
    data = [BaseDataset(part.float().div(255), torch.zeros(len(part))) for part in (images, validation)]

    def train() -> None:
        network = Network()
        config = VAEConfig(input_dim=(1, 28, 28), latent_dim=32, reconstruction_loss="bce")
        model = PythaeVAE(config, Encoder(network), Decoder(network))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            options = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=EPOCHS,
                learning_rate=RECIPE.lr,
                per_device_train_batch_size=RECIPE.batch_size,
                per_device_eval_batch_size=RECIPE.batch_size,
                optimizer_cls="Adam",
                no_cuda=True,
            )
            with contextlib.redirect_stdout(io.StringIO()):
                BaseTrainer(model, *data, training_config=options).train()

    return train


def main() -> None:
    """Print the ratios."""
    parts = assembly.splits(RECIPE, "cpu", print)
    steps = EPOCHS * (len(parts.train) // RECIPE.batch_size)
    contenders = {
        "bare loop over resident batches": lambda: bare(parts.train.pixels),
        "arzhang train vae": lambda: ours(parts),
    }
    try:
        contenders["pythae 0.1.2's trainer"] = pythae(parts.train.pixels, parts.validation.pixels)
    except ImportError:
        print("pythae is not installed here: `make bench` has an environment with it")
    rows = compare(contenders, rounds=5)
    show(
        f"β-VAE, batch {RECIPE.batch_size}, {EPOCHS} epochs of {len(parts.train):,} images",
        rows,
        unit=steps,
        per="step",
    )
    by_name = {row.name: row for row in rows}
    own = by_name["arzhang train vae"].ratio
    print(f"  images a second, of the bare loop's: {1 / own:.3f}")
    if other := by_name.get("pythae 0.1.2's trainer"):
        print(f"  images a second, times pythae's: {other.ratio / own:.2f}")


if __name__ == "__main__":
    main()
