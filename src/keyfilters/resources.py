"""What a job asks of a scheduler: memory and run time, from what its description says.

Limits, not forecasts: multiply-accumulates at a slow machine's rate, times a generous factor. A training that needs
longer than `LONGEST` goes on from its checkpoint in the next attempt.
"""

from __future__ import annotations

import math
from pathlib import Path

from keyfilters import artifacts
from keyfilters.errors import KeyfiltersError
from keyfilters.jobs import Job
from keyfilters.models import layer_count

FULL_SIZE = 224  # pixels, of the figures below
FULL = {  # multiply-accumulates per picture (10^9) as their papers or timm give them, and the width they belong to
    "convnext_femto": (0.79, "dims", 48),
    "convnext_tiny": (4.5, "dims", 96),
    "convnext_large": (34.4, "dims", 192),
    "hornet_tiny": (4.0, "base_dim", 64),
    "hornet_small": (8.8, "base_dim", 96),
    "hornet_large": (34.8, "base_dim", 192),
    "resnet50": (4.1, "channels", 64),
    "yosinski8": (1.1, "width", 1),
}
PATCH = 4  # pixels, of all of them that have patches
TRAINING = 3  # a training step is a forward pass and a backward pass of twice its cost

RATE = {False: 1e9, True: 4e12}  # multiply-accumulates per second of one core, of one GPU
STEP_SECONDS = {False: 0.2, True: 0.1}  # what a step costs with the smallest networks: many small layers
START_MINUTES = 10  # a cold file system, a node that others use
GENEROUS = 4
LONGEST = 24 * 60  # minutes
BLOCK = 10  # minutes: limits in few sizes are easier to schedule
SMALL_SECONDS = 600  # at these rates: trainings that are worth sharing a submission

BASE_MB = {False: 2000, True: 6000}  # Python with torch and two Snakemakes; with CUDA
ACTIVATION_BYTES = 0.1  # per multiply-accumulate of a forward pass, kept for the backward pass
UNKNOWN_PICTURES = 100_000  # of a set that is not prepared yet
DECODED_PER_SECOND = 100  # pictures that are prepared


def multiply_accumulates(model: dict, image_size: int) -> float:
    """Of one forward pass of one picture."""
    billions, argument, full_width = FULL[model["architecture"]]
    width = model.get(argument, full_width)
    width = width[0] if isinstance(width, (list, tuple)) else width
    layers = layer_count(model["architecture"], model) / layer_count(model["architecture"], {})
    pixels = (image_size / FULL_SIZE * PATCH / model.get("patch_size", PATCH)) ** 2
    return billions * 1e9 * pixels * (width / full_width) ** 2 * layers


def pictures(dataset: Job, root: Path) -> int:
    """How many a set has, both splits; a guess until it is prepared below `root`."""
    try:
        facts = artifacts.manifest(root, dataset.folder).facts
    except KeyfiltersError:
        return UNKNOWN_PICTURES
    return facts["train"] + facts["test"]


def _set_mb(dataset: Job, root: Path) -> float:
    return pictures(dataset, root) * 3 * dataset.settings["image_size"] ** 2 / 1e6


def memory_mb(job: Job, root: Path, gpu: bool) -> int:
    """Main memory in MB for a job of `prepare`, `train` or `transfer`: whole sets, and on a CPU the activations."""
    if job.stage == "prepare":
        return BASE_MB[False] + round(2 * _set_mb(job, root))
    dataset, settings = job.inputs["dataset"], job.settings
    needed = BASE_MB[gpu] + 2 * _set_mb(dataset, root)
    if not gpu:
        forward = multiply_accumulates(settings["model"], dataset.settings["image_size"])
        needed += ACTIVATION_BYTES * forward * settings["training"]["batch_size"] / 1e6
    return round(needed)


def runtime(job: Job, root: Path, gpu: bool) -> int:
    """Limit in minutes for a job of `prepare`, `train` or `transfer`."""
    if job.stage == "prepare":
        seconds = pictures(job, root) / DECODED_PER_SECOND
    else:
        seconds = _training_seconds(job, root, gpu)
    blocks = math.ceil((START_MINUTES + GENEROUS * seconds / 60) / BLOCK)
    return min(BLOCK * blocks, LONGEST)


def is_small(job: Job, root: Path, gpu: bool) -> bool:
    """Whether a training is so short that queueing costs more than running it: with its set prepared, as else nobody
    knows."""
    known = (root / job.inputs["dataset"].folder / artifacts.MANIFEST).exists()
    return known and _training_seconds(job, root, gpu) < SMALL_SECONDS


def _training_seconds(job: Job, root: Path, gpu: bool) -> float:
    dataset, training = job.inputs["dataset"], job.settings["training"]
    seen = training["epochs"] * pictures(dataset, root)
    forward = multiply_accumulates(job.settings["model"], dataset.settings["image_size"])
    return seen * (TRAINING * forward / RATE[gpu] + STEP_SECONDS[gpu] / training["batch_size"])
