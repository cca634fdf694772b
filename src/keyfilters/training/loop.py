"""The training loop: AdamW or SGD, warm-up and cosine per step, label smoothing, top-1 after the last epoch."""

from __future__ import annotations

from collections.abc import Mapping

import keyfilters.models.torchvision_ops  # noqa: F401  (before timm, which imports torchvision)

# isort: split
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from keyfilters.config.training import Training
from keyfilters.datasets.augmentation import augmented
from keyfilters.datasets.batches import Normalise, Split
from keyfilters.running.progress import Progress
from keyfilters.training.checkpoint import Checkpoint
from keyfilters.training.epochs import Best, Formation
from keyfilters.training.state import State

TEST_BATCH = {"cpu": 128, "cuda": 512}  # more images do not stay in a core's cache


def fit(
    network: nn.Module,
    train: Split,
    normalise: Normalise,
    training: Training,
    generator: torch.Generator,
    progress: Progress,
    checkpoint: Checkpoint,
    callbacks: Mapping[str, Best | Formation],
) -> list[float]:
    """Train `network` in place for `training.epochs`; returns the mean loss of each epoch.

    `generator` decides order and augmentation; it lives on the device of `train`. `callbacks` look at the network
    after each epoch, and before the first. Goes on from `checkpoint` if there is one. Raises Stopped if a signal
    ends the training before its time.
    """
    network.train()
    state = State(network, training, len(train), generator)
    state.parts |= callbacks
    average = ModelEmaV3(network, training.ema) if training.ema else None
    if average:
        state.parts["average"] = average
    classes = int(train.labels.max()) + 1  # each has training images
    checkpoint.restore(state)
    progress.start_from(state.images_seen)
    if not state.images_seen:
        _after_epoch(callbacks, 0)
    while len(state.losses) < training.epochs:
        state.begin_epoch()
        while state.seen < state.images:
            chosen = state.order[state.seen : min(state.images, state.seen + training.batch_size)]
            images, labels = train.batch(chosen)
            inputs, targets = augmented(images, labels, training, classes, normalise, generator)
            loss, right = backward(network, inputs, targets, training)
            state.optimizer.step()
            if average:
                average.update(network)
            state.optimizer.zero_grad(set_to_none=True)
            state.schedule.step()
            state.add(loss, right, len(labels))
            progress.advance(len(labels))
            if progress.due or state.seen == state.images:
                progress.tell(state.loss, state.accuracy)
            checkpoint.after_step(state)
        state.end_epoch()
        _after_epoch(callbacks, len(state.losses))
    if average:
        network.load_state_dict(average.module.state_dict())
    return state.losses


def _after_epoch(callbacks: Mapping[str, Best | Formation], number: int) -> None:
    for callback in callbacks.values():
        callback.after_epoch(number)


def backward(network: nn.Module, inputs: Tensor, targets: Tensor, training: Training) -> tuple[Tensor, Tensor]:
    """Add the gradients of a batch's mean loss to those of the weights.

    `inputs` `[B, 3, H, W]`; `targets` as `cross_entropy` takes them. Returns that loss, without its graph, and how
    many images were recognised; a mixed one by its larger share.
    """
    total = torch.zeros((), device=inputs.device)
    right = torch.zeros((), dtype=torch.int64, device=inputs.device)
    size = training.micro_batch or len(inputs)
    for part, wanted in zip(inputs.split(size), targets.split(size), strict=True):
        with _computing_in(training.precision, part.device):
            outputs = network(part)
            loss = cross_entropy(outputs, wanted, label_smoothing=training.label_smoothing)
        loss = loss * (len(part) / len(inputs))
        loss.backward()
        total += loss.detach()
        right += (outputs.argmax(1) == (wanted if wanted.ndim == 1 else wanted.argmax(1))).sum()
    if training.clip_norm:
        nn.utils.clip_grad_norm_(network.parameters(), training.clip_norm)
    return total, right


def _computing_in(precision: str, device: torch.device) -> torch.autocast:
    """Where the network computes: its products in bfloat16 if the recipe's precision says so, all else in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


@torch.inference_mode()
def correct(network: nn.Module, test: Split, normalise: Normalise, precision: str = "float32") -> Tensor:
    """Whether the top-1 class of each image of `test` is right, bool `[N]` on the CPU.

    The network computes in the precision that it was trained in.
    """
    network.eval()
    right = []
    size = TEST_BATCH[test.images.device.type]
    for images, labels in zip(test.images.split(size), test.labels.split(size), strict=True):
        with _computing_in(precision, images.device):
            right.append(network(normalise(images)).argmax(1) == labels)
    return torch.cat(right).cpu()
