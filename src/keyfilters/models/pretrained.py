"""Networks with weights that others trained: by a library's name, or from a checkpoint file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import keyfilters.models.torchvision_ops  # noqa: F401  (before timm, which imports torchvision)

# isort: split
import timm
import torch
import torchvision.models
from safetensors.torch import load_file
from timm.models.convnext import checkpoint_filter_fn
from torch import Tensor, nn

from keyfilters.errors import KeyfiltersError

_NAMED_IN_AN_ERROR = 8


def named(name: str, library: Literal["timm", "torchvision"] = "timm") -> nn.Module:
    """The library's network `name` with its published weights, in evaluation mode; fetched into the library's cache.

    `name`: timm's, with its tag (`convnext_tiny.fb_in1k`) or without for the default weights, or torchvision's
    (`resnet50`), whose default weights are taken.

    Raises KeyfiltersError if the library has no such weights or cannot fetch them.
    """
    known = _timm_names() if library == "timm" else torchvision.models.list_models()
    if name not in known:
        close = ", ".join(get_close_matches(name, known, n=3)) or ", ".join(list(known)[:3])
        raise KeyfiltersError(f"{library} has no pretrained {name!r}; it has, for one, {close}")
    try:
        if library == "timm":
            network = timm.create_model(name, pretrained=True)
        else:
            network = torchvision.models.get_model(name, weights="DEFAULT")
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise KeyfiltersError(f"{library} cannot fetch its {name} ({reason}); connect to the internet") from error
    return network.eval()


def _timm_names() -> list[str]:
    tagged = timm.list_pretrained()
    return tagged + sorted({name.partition(".")[0] for name in tagged})


def load_named(network: nn.Module, name: str) -> None:
    """Load the weights of timm's `name` into `network`, completely; raises KeyfiltersError if they do not fit."""
    _load(network, named(name).state_dict(), f"timm's {name}")


def load_checkpoint(network: nn.Module, path: Path) -> None:
    """Load `{"model": state_dict}` or a bare state dict into `network`, by name and completely.

    `.safetensors` files are read as such, all others by torch with tensors only, never as free pickles. A ConvNeXt may
    be named as in its authors' checkpoints. Raises KeyfiltersError if the file cannot be read so, or if a key is
    missing, surplus or of another shape.
    """
    state = _read_state(path)
    if isinstance(network, timm.models.ConvNeXt) and "downsample_layers.0.0.weight" in state:
        state = checkpoint_filter_fn(dict(state), network)
    _load(network, state, str(path))


def _load(network: nn.Module, weights: Mapping[str, Tensor], title: str) -> None:
    wanted = network.state_dict()
    shared = wanted.keys() & weights.keys()
    problems = {
        "missing": wanted.keys() - shared,
        "surplus": weights.keys() - shared,
        "of another shape": {key for key in shared if wanted[key].shape != weights[key].shape},
    }
    if any(problems.values()):
        misfits = "; ".join(f"{kind}: {_listed(keys)}" for kind, keys in problems.items() if keys)
        raise KeyfiltersError(f"{title} does not fit this {type(network).__name__}: {misfits}")
    network.load_state_dict(weights)


def _read_state(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can raise nearly anything
        kind = type(error).__name__
        raise KeyfiltersError(f"{path} cannot be read as a checkpoint of tensors only ({kind})") from error
    if isinstance(state, Mapping):
        state = state.get("model", state)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise KeyfiltersError(f"{path}: expected a state dict, or one under the key 'model'")
    return state


def _listed(keys: Iterable[str]) -> str:
    keys = sorted(map(str, keys))
    more = f" and {len(keys) - _NAMED_IN_AN_ERROR} more" if len(keys) > _NAMED_IN_AN_ERROR else ""
    return ", ".join(keys[:_NAMED_IN_AN_ERROR]) + more
