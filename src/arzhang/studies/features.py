"""The feature network that a study's image metrics see, by the name in its options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from arzhang import devices, recipes, sweep
from arzhang.evaluation import classifier
from arzhang.metrics.features import Extractor, inception_extractor


def extractor(options: Any, out: Path, notify: Callable[[str], None]) -> Extractor:
    """`features` of a study's options: a classifier that is trained in `out/runs`, the Inception network, or a run."""
    device = devices.device(options.accelerator)
    if options.features == "inception":
        return inception_extractor(
            "pytorch-fid", device=device, precision=getattr(options, "feature_precision", "float32")
        )
    path = Path(options.features)
    if options.features == "classifier":
        path = out / "runs" / "classifier"
        recipe = recipes.Classifier(
            dataset=options.dataset, epochs=options.classifier_epochs, accelerator=options.accelerator
        )
        sweep.finished(recipe, path, notify)
    return classifier.extractor(path, device)
