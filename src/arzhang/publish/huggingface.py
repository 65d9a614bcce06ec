"""A run as a model of the Hugging Face Hub: weights, configuration, and a card that tells what it is worth."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arzhang import assembly
from arzhang.errors import ArzhangError, UsageError
from arzhang.publish import bundle, wheel
from arzhang.publish.document import Document, Told, metadata
from arzhang.training import checkpoint as checkpoints
from arzhang.training import published
from arzhang.training.run import Run

Notify = Callable[[str], None]
PIPELINES = {
    "pix2pix": "image-to-image",
    "cyclegan": "image-to-image",
    "segmenter": "image-segmentation",
    "classifier": "image-classification",
}
DATASETS = {"fashion-mnist": "zalando-datasets/fashion_mnist", "mnist": "ylecun/mnist"}
"""What the hub calls data sets that it has."""
MEASURES = {
    "fid": "fid",
    "kid": "kid",
    "class_iou": "mean_iou",
    "pixel_accuracy": "accuracy",
    "class_accuracy": "accuracy",
    "component_accuracy": "accuracy",
    "label_accuracy": "accuracy",
    "accuracy": "accuracy",
    "l1": "mae",
    "pixel_mae": "mae",
    "mse": "mse",
    "psnr": "psnr",
    "ssim": "ssim",
}
"""What the hub calls measures, by the beginning of their names here; others keep their own."""


def write(run: Path, folder: Path, name: str, notify: Notify) -> None:
    """Fill the bundle of a run's best checkpoint. Raises UsageError where `run` is none."""
    trained = Run(run)
    found = assembly.sound_checkpoint(trained, "best", notify)
    averaged = trained.recipe.ema is not None
    tensors = found.tensors(checkpoints.AVERAGED if averaged else checkpoints.WEIGHTS)
    document = Document(folder)
    run_told = Told(run, document)
    about = {"system": run_told.system, "recipe": run_told.recipe, "data": run_told.data}
    published.write(folder, {**about, "versions": run_told.results.versions, "step": found.step}, tensors)
    packed = wheel.pack(folder)
    body = document.render(
        "card.md.j2", run=run_told, name=name, step=found.step, averaged=averaged, wheel=packed.name,
        weights=sum(tensor.numel() for tensor in tensors.values()),
        sha256=checkpoints.sha256(folder / published.WEIGHTS),
    )  # fmt: skip
    (folder / "README.md").write_text(metadata(_metadata(run_told, name)) + "\n" + body, encoding="utf-8")


def _metadata(run: Told, name: str) -> dict[str, Any]:
    """The card's YAML, as the hub's documentation of model cards has it."""
    results = [_result(key, run) for key, metric in run.results.evaluation.items() if math.isfinite(metric.value)]
    system = PIPELINES.get(run.system, "unconditional-image-generation")
    free = run.licence.id != "other"
    found: dict[str, Any] = {
        "license": run.licence.id,
        **({} if free else {"license_name": run.licence.name.lower().replace(" ", "-").replace("'", "")}),
        **({"license_link": run.licence.link} if run.licence.link else {}),
        "library_name": "arzhang",
        "pipeline_tag": system,
        "tags": ["arzhang", "pytorch", run.kind.replace("_", "-"), *(f"arxiv:{number}" for _, number in run.papers)],
        "datasets": [DATASETS[run.dataset]] if run.dataset in DATASETS else [],
        "metrics": list(dict.fromkeys(result["type"] for result in results)),
    }
    if results:
        dataset = {"name": run.dataset, "type": DATASETS.get(run.dataset, run.dataset), "split": "test"}
        task = {"type": system, "name": run.title}
        found["model-index"] = [{"name": name, "results": [{"task": task, "dataset": dataset, "metrics": results}]}]
    return {key: value for key, value in found.items() if value != []}


def _result(key: str, run: Told) -> dict[str, Any]:
    """A number of the card, never without its protocol."""
    metric = run.results.evaluation[key]
    kind = next((MEASURES[name] for name in sorted(MEASURES, key=len, reverse=True) if key.startswith(name)), key)
    about = {"n": metric.n, "standard_error": metric.uncertainty, "unit": metric.unit}
    protocol = {name: value for name, value in metric.protocol.items() if not isinstance(value, list)}
    return {"type": kind, "name": run.say.label(key), "value": metric.value, "args": about | protocol}


def plan(name: str, owner: str | None) -> list[str]:
    """What a push would do."""
    where = f"{owner or 'YOU'}/{name}"
    return [
        f"a push would make the private model {where} on huggingface.co with your own token, and upload these files",
        f"afterwards: arzhang.load('hf://{where}'); make it public there once you have looked at it",
    ]


def push(folder: Path, name: str, owner: str | None, notify: Notify) -> str:
    """Upload the bundle with the official client and the user's own token, which is read by the client alone."""
    try:
        import huggingface_hub
    except ImportError:
        raise UsageError("--push: needs the extra: pip install 'arzhang[hub]'") from None
    if huggingface_hub.get_token() is None:
        raise ArzhangError("no credentials for huggingface.co: `hf auth login`, or set HF_TOKEN; the bundle is written")
    hub = huggingface_hub.HfApi()
    try:
        where = f"{owner or hub.whoami()['name']}/{name}"
        hub.create_repo(where, repo_type="model", private=True, exist_ok=True)
        hub.upload_folder(
            repo_id=where, folder_path=folder, ignore_patterns=[bundle.MARK], commit_message="Published by Arzhang"
        )
    except Exception as error:  # of the hub's client, of the network beneath it
        raise ArzhangError(f"huggingface.co: {str(error).strip().splitlines()[0]}; the bundle is written") from None
    return f"https://huggingface.co/{where}"
