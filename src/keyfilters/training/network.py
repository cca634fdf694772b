"""A trained network from its artifact."""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from torch import nn

from keyfilters.models.build import build
from keyfilters.store.artifacts import Artifact
from keyfilters.training.weights import WEIGHTS


def load_network(trained: Artifact, file: str = WEIGHTS) -> nn.Module:
    """The network of a `train` or `transfer` job's artifact with the weights of one of its files."""
    with torch.device("meta"):  # no random weights, which would cost time and move the generator
        network = build(trained.description["settings"]["model"], classes=trained.facts["dataset"]["classes"])
    network.load_state_dict(load_file(trained.path / file), assign=True)
    return network
