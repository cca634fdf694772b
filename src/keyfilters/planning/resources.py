"""What a job asks of a scheduler: memory and run time, from what its description says.

Limits, not forecasts: the published images/s of `keyfilters plan` on a far slower machine, times a generous factor. A
training that needs longer than `LONGEST` goes on from its checkpoint in the next attempt.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from keyfilters.errors import KeyfiltersError
from keyfilters.models.registry import architecture, layer_count
from keyfilters.planning.plan import REFERENCE, SIZE_ARGUMENTS, images_per_second
from keyfilters.store import artifacts
from keyfilters.store.identity import Job

SLOWER = {False: 10_000, True: 3}  # than the machine of the published images/s: one core of a CPU, an older GPU
STEP_SECONDS = {False: 0.2, True: 0.1}  # what a step takes with the smallest networks: many small layers
START_MINUTES = 10  # a cold file system, a node that others use
GENEROUS = 4
LONGEST = 24 * 60  # minutes
BLOCK = 10  # minutes: limits of few sizes are easier to schedule
SMALL_SECONDS = 600  # at these rates: trainings that are worth sharing a submission

BASE_MB = {False: 2000, True: 6000}  # Python with torch, and two Snakemakes; with CUDA
ACTIVATION_MB = 4e5  # of an image on a CPU, divided by its network's images/s: 490 for ConvNeXt-T at 224 px
UNKNOWN_COUNT = 100_000  # of a set that is not prepared yet
PREPARED_PER_SECOND = 100  # images


def speed(model: dict[str, Any], image_size: int) -> float:
    """Images/s on the machine of the published ones; of networks without, those of `plan.REFERENCE`."""
    published = {name: value for name, value in model.items() if name not in SIZE_ARGUMENTS}
    rate = images_per_second(published, image_size) or images_per_second({"architecture": REFERENCE}, image_size)
    name = model["architecture"]
    if architecture(name).width is None:
        return rate  # type: ignore[return-value]
    argument, full = architecture(name).width
    width = model.get(argument, full)
    width = width[0] if isinstance(width, list) else width
    layers = layer_count(name, model) / layer_count(name, {})
    return rate / ((width / full) ** 2 * layers)


def memory_mb(job: Job, root: Path, gpu: bool) -> int:
    """Main memory in MB for a job of `prepare`, `train` or `transfer`: whole sets, and on a CPU the activations."""
    if job.stage == "prepare":
        return BASE_MB[False] + round(2 * _set_mb(job, root))
    if "training" not in job.settings:
        return BASE_MB[gpu]
    dataset, settings = job.inputs["dataset"], job.settings
    needed = BASE_MB[gpu] + 2 * _set_mb(dataset, root)
    if not gpu:
        rate = speed(settings["model"], dataset.settings["image_size"])
        needed += ACTIVATION_MB / rate * settings["training"]["batch_size"]
    return round(needed)


def runtime(job: Job, root: Path, gpu: bool) -> int:
    """Limit in minutes for a job of `prepare`, `train` or `transfer`."""
    prepares = job.stage == "prepare"
    seconds = image_count(job, root) / PREPARED_PER_SECOND if prepares else training_seconds(job, root, gpu)
    blocks = math.ceil((START_MINUTES + GENEROUS * seconds / 60) / BLOCK)
    return min(BLOCK * blocks, LONGEST)


def is_small(job: Job, root: Path, gpu: bool) -> bool:
    """Whether a training is so short that queueing costs more than running it; not before its set is prepared."""
    if "training" not in job.settings:
        return True
    known = (root / job.inputs["dataset"].folder / artifacts.MANIFEST).exists()
    return known and training_seconds(job, root, gpu) < SMALL_SECONDS


def training_seconds(job: Job, root: Path, gpu: bool) -> float:
    """How long a training may take on a slow machine; a network that is loaded takes no time."""
    if "training" not in job.settings:
        return 0
    dataset, training = job.inputs["dataset"], job.settings["training"]
    rate = speed(job.settings["model"], dataset.settings["image_size"])
    seen = training["epochs"] * image_count(dataset, root)
    return seen * (SLOWER[gpu] / rate + STEP_SECONDS[gpu] / training["batch_size"])


def image_count(dataset: Job, root: Path) -> int:
    """How many a set has, both splits; a guess until it is prepared below `root`."""
    try:
        facts = artifacts.manifest(root, dataset.folder).facts
    except KeyfiltersError:
        return UNKNOWN_COUNT
    return facts["train"] + facts["test"]


def _set_mb(dataset: Job, root: Path) -> float:
    return image_count(dataset, root) * 3 * dataset.settings["image_size"] ** 2 / 1e6
