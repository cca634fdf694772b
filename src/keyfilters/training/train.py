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
from torch import nn

from keyfilters import artifacts
from keyfilters.datasets import batches
from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.progress import Progress
from keyfilters.settings import Training
from keyfilters.training import devices, loop
from keyfilters.training.checkpoint import Checkpoint

WEIGHTS = "model.safetensors"


def train(description: Mapping[str, Any], root: Path, threads: int, jobs_per_gpu: int = 1) -> None:
    """Make the artifact of a `train` job below `root`: weights, accuracy and losses.

    Raises KeyfiltersError if the prepared set is absent or damaged.
    """
    torch.set_num_threads(threads)
    with artifacts.write(root, description) as draft:
        torch.manual_seed(description["settings"]["seed"])
        classes = len(draft.inputs["dataset"].facts["classes"])
        train_and_test(build(description["settings"]["model"], classes), description, draft, jobs_per_gpu)


def train_and_test(
    network: nn.Module, description: Mapping[str, Any], draft: artifacts.Draft, jobs_per_gpu: int
) -> None:
    """Train what is not frozen, test once after the last epoch, and put both into `draft`.

    Order and augmentation follow from the job's seed alone, so every network that is trained on a set
    under one seed sees the same pictures. On a GPU that has room for `jobs_per_gpu` of these, or on the CPU.
    Raises KeyfiltersError if the GPU's memory does not suffice, Stopped if a signal came.
    """
    settings, prepared = description["settings"], draft.inputs["dataset"]
    training = Training.model_validate(settings["training"])
    with devices.hold(jobs_per_gpu) as device, _memory_named(training.batch_size):
        _note_device(draft, device)
        network.to(device, memory_format=torch.channels_last)
        if training.compile:
            network.compile()  # in place: its weights keep their names
        train_split, test_split = batches.load(prepared.path, device)
        normalise = batches.Normalise(prepared.facts["mean"], prepared.facts["std"], device)
        generator = torch.Generator(device).manual_seed(settings["seed"])
        with (
            Progress(description["name"], training.epochs, len(train_split)) as progress,
            Checkpoint(draft.checkpoint, draft.path, draft.meter) as checkpoint,
        ):
            losses = loop.fit(network, train_split, normalise, training, generator, progress, checkpoint)
        accuracy = loop.accuracy(network, test_split, normalise, training)
    print(f"{description['name']}: {accuracy:.1%} of {len(test_split):,} test pictures", file=sys.stderr)
    draft.facts.update(
        accuracy=accuracy,
        dataset={name: prepared.facts[name] for name in ("name", "title", "train", "test")}
        | {"classes": len(prepared.facts["classes"])},
        losses=losses,
        images_per_second=round(progress.images_per_second),
    )
    weights = {name: weight.contiguous() for name, weight in network.state_dict().items()}
    save_file(weights, draft.path / WEIGHTS)


def _note_device(draft: artifacts.Draft, device: torch.device) -> None:
    """Say in the manifest that a GPU was used and what it cost."""
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
        found = re.search(r"Tried to allocate (.+?)\. .*?capacity of (.+?) of which (.+?) is free", message)
        sizes = "{0} asked for, {2} free of {1}".format(*found.groups()) if found else message
        raise KeyfiltersError(
            f"the GPU's memory does not suffice for a batch_size of {batch_size}: {sizes}; "
            "train smaller batches, or fewer jobs_per_gpu"
        ) from None
