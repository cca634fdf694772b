"""PyTorch networks as ONNX files, with their convolutions as they are in the modules."""

from __future__ import annotations

from pathlib import Path

import torch
from onnxscript import optimizer
from torch import nn
from torch.onnx import OnnxExporterError

from keyfilters.errors import KeyfiltersError

_CONVOLUTIONS = ("Conv", "ConvTranspose")


def export(network: nn.Module, image_size: int, path: Path) -> None:
    """Write `network`, which takes `[N, C, image_size, image_size]`, as it is for evaluation.

    Constants are folded but BatchNorm is kept apart, which torch's own optimisation would multiply into the
    weights; a convolution has its module's name. Raises KeyfiltersError for a network that cannot be traced.
    """
    channels = next((module.in_channels for module in network.modules() if isinstance(module, nn.Conv2d)), 3)
    images = torch.zeros(1, channels, image_size, image_size)
    training = network.training
    try:
        program = torch.onnx.export(network.eval(), (images,), dynamo=True, optimize=False, verbose=False)
    except OnnxExporterError as error:
        reason = str(error).partition("\n")[0]
        raise KeyfiltersError(f"{type(network).__name__} cannot be exported to ONNX: {reason}") from error
    finally:
        network.train(training)
    optimizer.fold_constants(program.model)
    optimizer.remove_unused_nodes(program.model)
    for node in program.model.graph:
        if node.op_type in _CONVOLUTIONS:
            node.name = node.inputs[1].name.removesuffix(".weight")
    program.save(path)
