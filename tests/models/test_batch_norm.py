"""Frozen batch normalisation computes in training as in a test, and its weights are those of any other."""

import copy

import torch
from torch import nn

from keyfilters.models.batch_norm import freeze


def test_a_frozen_norm_uses_the_same_statistics_in_training_and_keeps_them():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    network(torch.randn(5, 3, 2, 2))  # statistics that are not as initialised
    other = copy.deepcopy(network).eval()
    freeze(network[1])
    before = copy.deepcopy(network.state_dict())
    images = torch.randn(5, 3, 2, 2, requires_grad=True)
    for trained in (network.train(), copy.deepcopy(network).train()):
        made = trained(images)
        assert torch.equal(made, other(images))
        made.square().sum().backward()
        assert trained[1].weight.grad is None
        assert trained[0].weight.grad is not None
    assert before.keys() == other.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
