"""`keyfilters train`: a base model, trained on one set from random weights (Table 7 of Master Key Filters)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from keyfilters import artifacts
from keyfilters.datasets import batches
from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.progress import Progress
from keyfilters.settings import Training
from keyfilters.training import loop
from keyfilters.training.checkpoint import Checkpoint
from keyfilters.training.epochs import Best, Formation, weights_of
from keyfilters.training.pretrained import load_and_test

WEIGHTS = "model.safetensors"


def weights_after(epoch: int) -> str:
    """The file with the weights after one of the job's `checkpoints`; 0 is before the first epoch."""
    return f"model-epoch{epoch:03}.safetensors"


def train(description: Mapping[str, Any], root: Path, threads: int, weights: str | None = None) -> None:
    """Make the artifact of a `train` job below `root`: weights, accuracy and losses.

    `weights` is where the checkpoint of a pretrained one lies, a path or an address.

    Raises KeyfiltersError if the prepared set is absent or damaged, or the checkpoint is.
    """
    torch.set_num_threads(threads)
    settings = description["settings"]
    with artifacts.write(root, description) as draft:
        torch.manual_seed(settings.get("seed", 0))
        network = build(settings["model"], len(draft.inputs["dataset"].facts["classes"]))
        if "pretrained" in settings:
            load_and_test(network, description, draft, weights, WEIGHTS)
        else:
            train_and_test(network, description, draft)


def train_and_test(network: nn.Module, description: Mapping[str, Any], draft: artifacts.Draft) -> None:
    """Train what is not frozen, test once after the last epoch, and put both into `draft`.

    With `best_on_test` it is tested after each epoch, and what tested best is kept. The weights after those epochs
    that the settings name as `checkpoints` lie beside the last, see `weights_after`.

    Order and augmentation follow from the job's seed alone, so every network that is trained on a set
    under one seed sees the same pictures.
    """
    settings, prepared = description["settings"], draft.inputs["dataset"]
    training = Training.model_validate(settings["training"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        draft.hardware = f"{torch.cuda.get_device_name()}; {draft.hardware}"
    network.to(device, memory_format=torch.channels_last)
    train_split, test_split = batches.load(prepared.path, device)
    if settings["model"].get("in_channels") == 1:
        _check_grey(train_split, prepared.facts["name"])
    normalise = batches.Normalise(prepared.facts["mean"], prepared.facts["std"], device)
    generator = torch.Generator(device).manual_seed(settings["seed"])
    if training.drop_last:
        _check_batches(training, train_split, test_split, prepared.facts["name"])
        test_split = test_split.whole_batches(training.batch_size)

    def test() -> float:
        return loop.accuracy(network, test_split, normalise, training.precision)

    formation = Formation(network, settings.get("checkpoints", ()))
    best = Best(network, test) if training.best_on_test else None
    keepers = {"formation": formation} | ({"best": best} if best else {})
    with (
        Progress(description["name"], training.epochs, training.images_per_epoch(len(train_split))) as progress,
        Checkpoint(draft.checkpoint, draft.path, draft.meter) as checkpoint,
    ):
        losses = loop.fit(network, train_split, normalise, training, generator, progress, checkpoint, keepers)
    accuracy = best.accuracy if best else test()
    print(f"{description['name']}: {accuracy:.1%} of {len(test_split):,} test pictures", file=sys.stderr)
    draft.facts.update(
        accuracy=accuracy,
        dataset={name: prepared.facts[name] for name in ("name", "title", "train")}
        | {"test": len(test_split), "classes": len(prepared.facts["classes"])},
        losses=losses,
        images_per_second=round(progress.images_per_second),
    )
    if best:
        draft.facts.update(best_epoch=best.epoch)
    save_file(best.weights if best else weights_of(network), draft.path / WEIGHTS)
    for epoch, weights in formation.kept.items():
        save_file(weights, draft.path / weights_after(epoch))


def _check_grey(train: batches.Split, name: str) -> None:
    if not (train.images == train.images[..., :1]).all():
        raise KeyfiltersError(
            f"lowres.grey: {name} has coloured pictures, of which one channel is not all; leave it out"
        )


def _check_batches(training: Training, train: batches.Split, test: batches.Split, name: str) -> None:
    if min(len(train), len(test)) < training.batch_size:
        raise KeyfiltersError(
            f"drop_last: {name} has {len(train)} training and {len(test)} test pictures, which must both fill a batch "
            f"of {training.batch_size}; lower `batch_size` or turn it off"
        )
