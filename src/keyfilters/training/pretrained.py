"""A base model that is not trained here: its weights are loaded and tested on the set that they were trained on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from keyfilters.datasets import batches
from keyfilters.fetching import downloads
from keyfilters.fetching.packages import default_cache
from keyfilters.models.pretrained import load_checkpoint, load_named
from keyfilters.store import artifacts
from keyfilters.training import loop
from keyfilters.training.testing import facts_of_test


def load_and_test(
    network: nn.Module,
    description: Mapping[str, Any],
    draft: artifacts.Draft,
    device: torch.device,
    weights: str | None,
) -> None:
    """Load into `network` what the job names, test it on `device`, and put the accuracy into `draft`.

    `weights`: the path or URL of a checkpoint, which the job's digest pins; a name is fetched by timm, unpinned:
    the manifest says the digest of what came.

    Raises KeyfiltersError if the weights cannot be had, are others than the pinned ones, or do not fit the network.
    """
    pretrained, prepared = description["settings"]["pretrained"], draft.inputs["dataset"]
    if "timm" in pretrained:
        load_named(network, pretrained["timm"])
    else:
        load_checkpoint(network, checkpoint(weights, pretrained["sha256"]))
    network.to(device, memory_format=torch.channels_last)
    _, test = batches.load(prepared.path, device)
    normalise = batches.Normalise(prepared.facts["mean"], prepared.facts["std"], device)
    tested = facts_of_test(loop.correct(network, test, normalise).numpy())
    print(f"{description['name']}: {tested['accuracy']:.1%} of {len(test):,} test images", file=sys.stderr)
    draft.facts.update(
        **tested,
        dataset={name: prepared.facts[name] for name in ("name", "title", "train", "test")}
        | {"classes": len(prepared.facts["classes"])},
        losses=[],
    )


def checkpoint(weights: str, digest: str) -> Path:
    """The file at a path or a URL, with this SHA-256; fetched files are kept in the user's cache folder."""
    if "://" in weights:
        return downloads.fetch(weights, digest, default_cache() / "weights")
    path = Path(weights)
    downloads.check(path, digest)
    return path
