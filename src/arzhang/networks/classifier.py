"""A small convolutional classifier: for scores in a data set's own domain, by the features before its last layer."""

from jaxtyping import Float
from torch import Tensor, nn

from arzhang.errors import UsageError

FEATURES = 128


class Classifier(nn.Module):
    """Images (B, C, S, S) in [0, 1] → features (B, 128) → logits of classes. At 28×28×1: 98,554 parameters."""

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10, dropout: float = 0.25) -> None:
        super().__init__()
        if size < 8:
            raise UsageError(f"images of {size}×{size} pixels are too small for this network: at least 8×8")
        layers: list[nn.Module] = []
        width, side, wider = channels, size, 16
        while side > 4 and wider <= 128:
            layers += [
                nn.Conv2d(width, wider, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(wider),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            width, side, wider = wider, side // 2, wider * 2
        self.convolutions = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(min(side, 4)), nn.Flatten())
        self.features = nn.Sequential(nn.Linear(width * min(side, 4) ** 2, FEATURES), nn.ReLU())
        self.classes = nn.Sequential(nn.Dropout(dropout), nn.Linear(FEATURES, classes))

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """Logits."""
        return self.classes(self.embed(images))

    def embed(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 128"]:
        """The features before the last layer."""
        return self.features(self.convolutions(images - 0.5))


class Embedding(nn.Module):
    """A classifier's features, as a network of their own."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier.embed(images)
