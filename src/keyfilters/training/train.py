"""`keyfilters train`: a base model, trained on one set from random weights (Table 7 of Master Key Filters)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from keyfilters.config.training import Training
from keyfilters.datasets import batches
from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.models.depthwise import use_own_backward
from keyfilters.running.progress import Progress
from keyfilters.store import artifacts
from keyfilters.training import devices, loop
from keyfilters.training.checkpoint import Checkpoint
from keyfilters.training.epochs import Best, Formation, weights_of
from keyfilters.training.memory import keep_freed_memory
from keyfilters.training.pretrained import load_and_test
from keyfilters.training.testing import facts_of_test
from keyfilters.training.weights import WEIGHTS, weights_after

SLOW_BF16 = "precision bf16 is for GPUs; everything is computed in float32, which takes less time on a CPU"
"""Convolutions in bfloat16 take a CPU without instructions for it up to ten times as long; see docs/speed.md."""


def train(
    description: Mapping[str, Any], root: Path, threads: int, jobs_per_gpu: int = 1, weights: str | None = None
) -> None:
    """Make the artifact of a `train` job below `root`: weights, accuracy and losses.

    `weights` is where the checkpoint of a pretrained one lies, a path or a URL.

    Raises KeyfiltersError if the prepared set is absent or damaged, or the checkpoint is.
    """
    torch.set_num_threads(threads)
    settings = description["settings"]
    with artifacts.write(root, description) as draft:
        torch.manual_seed(settings.get("seed", 0))
        network = build(settings["model"], len(draft.inputs["dataset"].facts["classes"]))
        if "pretrained" in settings:
            with devices.hold(jobs_per_gpu) as device:
                _note_device(draft, device)
                load_and_test(network, description, draft, device, weights)
            save_file(weights_of(network), draft.path / WEIGHTS)
        else:
            train_and_test(network, description, draft, jobs_per_gpu)


def train_and_test(
    network: nn.Module, description: Mapping[str, Any], draft: artifacts.Draft, jobs_per_gpu: int
) -> None:
    """Train what is not frozen, test once after the last epoch, and put both into `draft`.

    With `best_on_test` it is tested after each epoch, and what tested best is kept. The weights after those epochs
    that the settings name as `checkpoints` lie beside the last, see `weights_after`.

    Order and augmentation follow from the job's seed alone, so every network that is trained on a set
    under one seed sees the same images. On a GPU that has room for `jobs_per_gpu` of these, or on the CPU.
    Raises KeyfiltersError if the GPU's memory does not suffice, Stopped if a signal came.
    """
    keep_freed_memory()
    settings, prepared = description["settings"], draft.inputs["dataset"]
    recipe = Training.model_validate(settings["training"])
    with devices.hold(jobs_per_gpu) as device, _memory_named(recipe.batch_size):
        _note_device(draft, device)
        training = _as_computed(recipe, device)
        if training.precision != recipe.precision:
            print(f"{description['name']}: {SLOW_BF16}", file=sys.stderr)
            draft.facts.update(precision=training.precision)
        network.to(device, memory_format=torch.channels_last)
        use_own_backward(network)
        if training.compile:
            network.compile()  # in place: its weights keep their names
        train_split, test_split = _load(prepared, settings["model"], training, device)
        normalise = batches.Normalise(prepared.facts["mean"], prepared.facts["std"], device)
        generator = torch.Generator(device).manual_seed(settings["seed"])

        def test() -> Tensor:
            return loop.correct(network, test_split, normalise, training.precision)

        formation = Formation(network, settings.get("checkpoints", ()))
        best = Best(network, test) if training.best_on_test else None
        callbacks = {"formation": formation} | ({"best": best} if best else {})
        with (
            Progress(description["name"], training.epochs, training.images_per_epoch(len(train_split))) as progress,
            Checkpoint(draft.checkpoint, draft.path, draft.meter) as checkpoint,
        ):
            losses = loop.fit(network, train_split, normalise, training, generator, progress, checkpoint, callbacks)
            correct = best.correct if best else test()  # a signal now comes too late
    tested = facts_of_test(correct.numpy())
    print(f"{description['name']}: {tested['accuracy']:.1%} of {len(test_split):,} test images", file=sys.stderr)
    draft.facts.update(
        **tested,
        dataset={name: prepared.facts[name] for name in ("name", "title", "train")}
        | {"test": len(test_split), "classes": len(prepared.facts["classes"])},
        losses=losses,
    )
    draft.run.update(images_per_second=round(progress.images_per_second))
    if best:
        draft.facts.update(best_epoch=best.epoch)
    save_file(best.weights if best else weights_of(network), draft.path / WEIGHTS)
    for epoch, weights in formation.kept.items():
        save_file(weights, draft.path / weights_after(epoch))


def _load(
    prepared: artifacts.Artifact, model: Mapping[str, Any], training: Training, device: torch.device
) -> tuple[batches.Split, batches.Split]:
    """Train and test split on `device`. Raises KeyfiltersError if they do not fit the network or the recipe."""
    train, test = batches.load(prepared.path, device)
    name = prepared.facts["name"]
    if model.get("in_channels") == 1 and not (train.images == train.images[..., :1]).all():
        raise KeyfiltersError(f"lowres.grey: {name} has coloured images, of which one channel is not all; leave it out")
    if not training.drop_last:
        return train, test
    if min(len(train), len(test)) < training.batch_size:
        raise KeyfiltersError(
            f"drop_last: {name} has {len(train)} training and {len(test)} test images, which must both fill a batch "
            f"of {training.batch_size}; lower `batch_size` or turn it off"
        )
    return train, test.whole_batches(training.batch_size)


def _as_computed(training: Training, device: torch.device) -> Training:
    """The recipe that is used on `device`: on a CPU everything is computed in float32."""
    return training.model_copy(update={"precision": "float32"}) if device.type == "cpu" else training


def _note_device(draft: artifacts.Draft, device: torch.device) -> None:
    """Say in the run's record that a GPU was used and what it cost."""
    if device.type == "cuda":
        draft.hardware = f"{torch.cuda.get_device_name(device)}; {draft.hardware}"
        draft.meter.gpu_memory = lambda: torch.cuda.max_memory_allocated(device)


@contextmanager
def _memory_named(batch_size: int) -> Iterator[None]:
    """Say in one line which batch did not fit into the GPU's memory, and how much was asked for, free and there."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        message = " ".join(str(error).split())
        match = re.search(r"Tried to allocate (.+?)\. .*?capacity of (.+?) of which (.+?) is free", message)
        sizes = "{0} asked for, {2} free of {1}".format(*match.groups()) if match else message
        raise KeyfiltersError(
            f"the GPU's memory does not suffice for a batch_size of {batch_size}: {sizes}; "
            "train smaller batches, or fewer jobs_per_gpu"
        ) from None
