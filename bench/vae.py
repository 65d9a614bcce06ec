"""The β-VAE of assignment 3a on Fashion-MNIST: the loop beside a bare one, beside pythae's trainer, and beside the loop
that most tutorials write.

Each contender trains the same images with the same network, loss, batch and optimizer, validation and checkpoints
included where the trainer makes them. How a layer is computed is the contender's own.
"""

import contextlib
import copy
import functools
import io
import logging
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arzhang import assembly
from arzhang.contracts import Batch
from arzhang.recipes import VAE
from bench.timing import DEVICE, Row, Work

IMAGES, EPOCHS = 12_800, 4
"""Images of an epoch: so few that a round is short. A preview comes at the end as every ten epochs: in fewer epochs it
would weigh more than it does in a run."""
BATCHES = (64, 128, 512)


@functools.cache
def parts() -> Any:
    """Fashion-MNIST, cut to the images of a round, and its validation part in proportion."""
    found = assembly.splits(VAE(), DEVICE, lambda line: None)
    train, validation = copy.copy(found.train), copy.copy(found.validation)
    train.pixels, train.labels = train.pixels[:IMAGES], None
    validation.pixels, validation.labels = validation.pixels[: IMAGES // 11], None
    return found._replace(train=train, validation=validation)


def recipe(batch: int, **how: Any) -> VAE:
    """What every contender trains."""
    return VAE(epochs=EPOCHS, batch_size=batch, **how)


def steps(batch: int) -> int:
    """Of a round."""
    return EPOCHS * (IMAGES // batch)


def bare(batch: int) -> Work:
    """What no trainer can leave out: forward, backward and update over images that lie where the model is."""
    images = parts().train.pixels

    def train() -> float:
        task: Any = assembly.build(recipe(batch), (1, 28, 28), 256, DEVICE)
        task.networks.train()
        losses = []
        for indices in [p for _ in range(EPOCHS) for p in torch.randperm(IMAGES, device=DEVICE).split(batch)]:
            given = Batch(images[indices].float().div_(255), indices, torch.randn(len(indices), 32, device=DEVICE))
            loss, _ = task.loss(given, {})
            loss.backward()
            task.turns[0].optimizer.step()
            task.turns[0].optimizer.zero_grad()
            losses.append(loss.detach())
        return float(torch.stack(losses[-IMAGES // batch :]).mean())

    return train


def ours(batch: int, **how: Any) -> Work:
    """`arzhang train vae`, once its data are read: the loop, its logs, its validation, its checkpoint."""
    from lightning_fabric import Fabric

    from arzhang.training.loop import Loop
    from arzhang.training.run import Run

    chosen = recipe(batch, **how)

    def train() -> float:
        with tempfile.TemporaryDirectory() as folder:
            run = Run.create(Path(folder) / "run", chosen, {})
            fabric = Fabric(accelerator=DEVICE.type, devices=1, precision=chosen.precision)
            task = assembly.build(chosen, (1, 28, 28), 256, fabric.device)
            Loop(task, chosen, parts().train, parts().validation, run, fabric, lambda line: None).fit()
            logged = [e["negative_elbo"] for e in run.metrics() if e["split"] == "train" and e["epoch"] == EPOCHS]
            return sum(logged) / len(logged)

    return train


class Plain(nn.Module):
    """The table's VAE in torch's own layers, as one writes it."""

    def __init__(self) -> None:
        super().__init__()
        from arzhang.networks.vae import VAE as Network

        network = Network()
        self.encoder, self.mean, self.log_variance = network.encoder, network.mean, network.log_variance
        torchs = nn.ConvTranspose2d(8, 1, kernel_size=3, stride=2, padding=1, output_padding=1)
        torchs.load_state_dict(network.decoder[-1].state_dict())
        self.decoder = nn.Sequential(*list(network.decoder)[:-1], torchs, nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = torch.relu(self.encoder(x))
        mean, log_variance = self.mean(features), self.log_variance(features)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(z), mean, log_variance


def tutorial(batch: int) -> Work:
    """The loop that most tutorials write: an image at a time through ToTensor in a DataLoader, Adam as it comes, the
    loss read at each step."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import ToTensor

    pixels, to_tensor = parts().train.pixels.cpu(), ToTensor()

    class Items(Dataset[Tensor]):
        def __len__(self) -> int:
            return len(pixels)

        def __getitem__(self, index: int) -> Tensor:  # as torchvision's FashionMNIST
            return to_tensor(Image.fromarray(pixels[index, 0].numpy(), mode=None))

    def train() -> float:
        model = Plain().to(DEVICE).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=recipe(batch).lr)
        loader = DataLoader(Items(), batch_size=batch, shuffle=True, drop_last=True)
        for _ in range(EPOCHS):
            total = 0.0
            for images in loader:
                x = images.to(DEVICE)
                made, mean, log_variance = model(x)
                reconstruction = F.binary_cross_entropy(made, x, reduction="sum")
                kl = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
                loss = (reconstruction + kl) / len(x)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item()
        return total / len(loader)

    return train


def pythae(batch: int) -> Work:
    """pythae 0.1.2's trainer with the table's encoder and decoder in torch's own layers, as its users write them, its
    binary cross-entropy, Adam at the same rate."""
    warnings.filterwarnings("ignore")
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self, plain: Plain) -> None:
            super().__init__()
            self.network, self.mean, self.log_variance = plain.encoder, plain.mean, plain.log_variance

        def forward(self, x: Tensor) -> Any:
            features = torch.relu(self.network(x))
            return ModelOutput(embedding=self.mean(features), log_covariance=self.log_variance(features))

    class Decoder(BaseDecoder):
        def __init__(self, plain: Plain) -> None:
            super().__init__()
            self.network = plain.decoder

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.network(z))

    logging.disable(logging.INFO)
    both = (parts().train.pixels.cpu(), parts().validation.pixels.cpu())
    data = [BaseDataset(part.float().div(255), torch.zeros(len(part))) for part in both]

    def train() -> None:
        plain = Plain()
        config = VAEConfig(input_dim=(1, 28, 28), latent_dim=32, reconstruction_loss="bce")
        model = PythaeVAE(config, Encoder(plain), Decoder(plain))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            options = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=EPOCHS,
                learning_rate=recipe(batch).lr,
                per_device_train_batch_size=batch,
                per_device_eval_batch_size=batch,
                optimizer_cls="Adam",
                no_cuda=DEVICE.type == "cpu",
            )
            with contextlib.redirect_stdout(io.StringIO()):
                BaseTrainer(model, *data, training_config=options).train()

    return train


def compiled(batch: int) -> Work:
    """The bare step after `torch.compile`; what the compilation took is what it returns, in seconds."""
    task: Any = assembly.build(recipe(batch), (1, 28, 28), 256, DEVICE)
    task.networks.train()
    loss_of, images = torch.compile(task.loss), parts().train.pixels

    def step(indices: Tensor) -> None:
        given = Batch(images[indices].float().div_(255), indices, torch.randn(len(indices), 32, device=DEVICE))
        loss, _ = loss_of(given, {})
        loss.backward()
        task.turns[0].optimizer.step()
        task.turns[0].optimizer.zero_grad()

    start = time.perf_counter()
    step(torch.arange(batch, device=DEVICE))
    took = time.perf_counter() - start

    def train() -> float:
        for indices in [p for _ in range(EPOCHS) for p in torch.randperm(IMAGES, device=DEVICE).split(batch)]:
            step(indices)
        return took

    return train


def rows() -> dict[str, Row]:
    """A row a batch size; for each, bfloat16 and compilation beside float32 as it comes."""
    found = {}
    for batch in BATCHES:
        some = {"per": steps(batch), "unit": "step"}
        beside = {"pythae": 1.6, "DataLoader + ToTensor": 2.0, "bare step": 0.95} if batch == 128 else {}
        found[f"vae-{batch}"] = Row(
            f"β-VAE, batch {batch}: training",
            {
                "arzhang": functools.partial(ours, batch),
                "bare step": functools.partial(bare, batch),
                "pythae": functools.partial(pythae, batch),
                "DataLoader + ToTensor": functools.partial(tutorial, batch),
            },
            limit="bare step",
            goals=beside,
            quality="nats an image in the last epoch: −ELBO",
            **some,
        )
        found[f"vae-{batch}-bf16"] = Row(
            f"β-VAE, batch {batch}: bfloat16",
            {
                "arzhang, bfloat16": functools.partial(ours, batch, precision="bf16-mixed"),
                "arzhang, float32": functools.partial(ours, batch),
            },
            quality="nats an image in the last epoch: −ELBO",
            bfloat16=True,
            **some,
        )
        found[f"vae-{batch}-compiled"] = Row(
            f"β-VAE, batch {batch}: the compiled step",
            {"compiled": functools.partial(compiled, batch), "as it comes": functools.partial(bare, batch)},
            quality="compiled: seconds it took to compile; as it comes: nats an image",
            **some,
        )
    return found
