"""The training loop: AdamW, warm-up and cosine per step, label smoothing, top-1 after the last epoch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from keyfilters.datasets.batches import Normalise, Split, augment
from keyfilters.progress import Progress
from keyfilters.settings import Training
from keyfilters.training.checkpoint import Checkpoint
from keyfilters.training.state import State

TEST_BATCH = 512


def fit(
    network: nn.Module,
    train: Split,
    normalise: Normalise,
    training: Training,
    generator: torch.Generator,
    progress: Progress,
    checkpoint: Checkpoint,
) -> list[float]:
    """Train `network` in place for `training.epochs`; returns the mean loss of each epoch.

    `generator` decides order and augmentation; it lives on the device of `train`. Goes on from `checkpoint` if there
    is one. Raises Stopped if a signal ends the training before its time.
    """
    network.train()
    state = State(network, training, len(train), generator)
    checkpoint.restore(state)
    progress.start_from(state.images_seen)
    while len(state.losses) < training.epochs:
        state.begin_epoch()
        while state.seen < len(train):
            chosen = state.order[state.seen : state.seen + training.batch_size]
            images, labels = train.images[chosen], train.labels[chosen]
            inputs = normalise(augment(images, training.augmentation, generator))
            with _precision(training, inputs.device):
                outputs = network(inputs)
                loss = cross_entropy(outputs, labels, label_smoothing=training.label_smoothing)
            loss.backward()
            state.optimizer.step()
            state.optimizer.zero_grad(set_to_none=True)
            state.schedule.step()
            state.add(loss, (outputs.argmax(1) == labels).sum(), len(labels))
            progress.advance(len(labels))
            if progress.due or state.seen == len(train):
                progress.tell(state.loss, state.accuracy)
            checkpoint.after_step(state)
        state.end_epoch()
    return state.losses


def _precision(training: Training, device: torch.device) -> torch.autocast:
    """Where the network computes: its products in bfloat16 if the recipe says so, all else in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=training.precision == "bf16")


@torch.inference_mode()
def accuracy(network: nn.Module, test: Split, normalise: Normalise, training: Training) -> float:
    """Top-1 accuracy on `test`, a share between 0 and 1, computed as precisely as the network was trained."""
    network.eval()
    right = torch.zeros((), dtype=torch.int64, device=test.images.device)
    for images, labels in zip(test.images.split(TEST_BATCH), test.labels.split(TEST_BATCH), strict=True):
        with _precision(training, images.device):
            right += (network(normalise(images)).argmax(1) == labels).sum()
    return right.item() / len(test)
