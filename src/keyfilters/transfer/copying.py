"""Copying filters from the layers of one network into those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from keyfilters.config.transfer import Transfer
from keyfilters.errors import KeyfiltersError
from keyfilters.models.batch_norm import freeze
from keyfilters.models.convolutions import Norm, batch_norms, depthwise_layers, main_path, map_sizes, pointwise_layers
from keyfilters.transfer.assignment import assign, fit
from keyfilters.transfer.controls import Change, change_of

NORM_KINDS = ("weight", "bias", "running_mean", "running_var")
"""What a batch normalisation has of each filter."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution, or the Linear that equals one, the network where it stands, and the batch normalisation that is
    copied with it."""

    name: str
    network: str
    module: nn.Conv2d | nn.Linear
    norm: Norm | None

    @property
    def filters(self) -> Tensor:
        """The weight as `[filters, channels, kh, kw]`."""
        weight = self.module.weight
        return weight if weight.ndim == 4 else weight[:, :, None, None]

    def __str__(self) -> str:
        return f"{self.name} {tuple(self.filters.shape)} of {self.network}"


Layer = list[Convolution]
"""A layer's convolution, then the projections that are transferred with it."""


@dataclass(frozen=True)
class End:
    """The source or the target of a transfer; errors call it by `title`."""

    title: str
    network: nn.Module

    def layers(self, settings: Transfer) -> list[Layer]:
        """The layers that `settings` name, as executed. Raises KeyfiltersError if there are none."""
        if settings.layers == "convolutions":
            modules = [list(layer.items()) for layer in main_path(self.network)]
            if settings.projections == "trained":
                modules = [layer[:1] for layer in modules]
        else:
            of_kind = depthwise_layers if settings.layers == "depthwise" else pointwise_layers
            modules = [[layer] for layer in of_kind(self.network).items()]
        if not modules:
            raise KeyfiltersError(f"{self.title} has no {settings.layers} layers; choose another architecture")
        norms = batch_norms(self.network) if settings.batch_norm == "copied" else {}
        return [[Convolution(name, self.title, module, norms.get(name)) for name, module in layer] for layer in modules]

    def stages(self, layers: list[Layer]) -> list[list[Layer]]:
        """The layers by stage: those in a row that read maps of one size."""
        sizes = map_sizes(self.network)
        return [list(stage) for _, stage in groupby(layers, lambda layer: sizes[layer[0].name])]


@torch.no_grad()
def copy_filters(
    source: End, target: End, settings: Transfer, seed: int, pattern_sources: Sequence[End] = ()
) -> list[str]:
    """Copy filters of `source` into `target`, and freeze them there unless the settings train them along.

    `seed` permutes `shuffled` filters and draws those of a control. `pattern_sources`: what the control `universal`
    finds its patterns in. Returns the names of the filled parameters and statistics. Raises KeyfiltersError where a
    network has too few layers, or a filter does not fit where it is to go.
    """
    source_layers, target_layers = source.layers(settings), target.layers(settings)
    if settings.arrangement == "repeated":
        source_layers = _first(source_layers, "repeat_first", settings.repeat_first)
    filled = _first(target_layers, "first", settings.first or len(target_layers))
    if settings.arrangement == "in place":
        _check_in_place(source_layers, filled)
    parts = [(source_layers, target_layers)]
    if settings.arrangement == "stacked by stage":
        parts = _stage_by_stage(source.stages(source_layers), target.stages(target_layers))
    shuffle_seed = seed if settings.arrangement == "shuffled" else None
    assigned = [filters for theirs, ours in parts for filters in _assigned(theirs, ours, shuffle_seed)]
    targets = [convolution for layer in filled for convolution in layer]
    pattern_layers = [layer for end in pattern_sources for layer in end.layers(settings)]
    change = change_of(settings.control, [convolution.filters for layer in pattern_layers for convolution in layer])
    generator = torch.Generator().manual_seed(seed)
    copied = []
    for convolution, filters in zip(targets, assigned, strict=False):  # of all layers, the first are filled
        copied += _fill(convolution, filters, settings, change, generator)
    if settings.batch_norm == "copied" and not any(convolution.norm for convolution in targets):
        raise KeyfiltersError(f"{target.title} has no BatchNorm after these layers; set batch_norm: trained")
    return copied


def _assigned(
    sources: list[Layer], targets: list[Layer], shuffle_seed: int | None
) -> list[list[tuple[Convolution, int]]]:
    """For each convolution of `targets` its filters, each named by the source's convolution and its number there."""
    stack = [(origin, number) for layer in sources for origin in layer for number in range(len(origin.filters))]
    sizes = [len(convolution.filters) for layer in targets for convolution in layer]
    return [[stack[position] for position in positions] for positions in assign(len(stack), sizes, shuffle_seed)]


def _fill(
    target: Convolution,
    assigned: list[tuple[Convolution, int]],
    settings: Transfer,
    change: Change,
    generator: torch.Generator,
) -> list[str]:
    """Copy each filter, named by its convolution and its number there, into `target`, with what belongs to it."""
    for origin in dict.fromkeys(origin for origin, _ in assigned):
        _check_fit(origin, target, settings)
    height, width = target.filters.shape[2:]
    weights = [change(origin.filters[number], generator) for origin, number in assigned]
    module, norm = target.module, target.norm
    values = {f"{target.name}.weight": (module.weight, [fit(weight, height, width) for weight in weights])}
    if settings.bias == "copied" and module.bias is not None:
        values[f"{target.name}.bias"] = module.bias, [origin.module.bias[number] for origin, number in assigned]
    for parameter, _ in values.values():
        parameter.requires_grad_(not settings.frozen)
    if norm:
        for kind in NORM_KINDS:
            of_filters = [getattr(origin.norm.module, kind)[number] for origin, number in assigned]
            values[f"{norm.name}.{kind}"] = getattr(norm.module, kind), of_filters
        if settings.frozen:
            freeze(norm.module)
    for place, of_filters in values.values():
        place.copy_(torch.stack(of_filters).reshape(place.shape))
    return list(values)


def _first(layers: list[Layer], setting: str, n: int) -> list[Layer]:
    if n > len(layers):
        raise KeyfiltersError(f"{setting} is {n}, more than the {len(layers)} layers of {layers[0][0].network}")
    return layers[:n]


def _stage_by_stage(sources: list[list[Layer]], targets: list[list[Layer]]) -> list[tuple[list[Layer], list[Layer]]]:
    if len(sources) != len(targets):
        raise KeyfiltersError(
            f"{sources[0][0][0].network} has {len(sources)} stages for {len(targets)} of {targets[0][0][0].network}; "
            "set another arrangement than 'stacked by stage'"
        )
    return list(zip(sources, targets, strict=True))


def _check_in_place(sources: list[Layer], filled: list[Layer]) -> None:
    if len(sources) < len(filled):
        raise KeyfiltersError(
            f"{sources[0][0].network} has {len(sources)} layers for {len(filled)} of {filled[0][0].network}; "
            "set `first`, or another arrangement than 'in place'"
        )
    for theirs, ours in zip(sources, filled, strict=False):
        if len(theirs) != len(ours):
            raise _misfit(theirs[0], ours[0], "only one has a projection beside it; set projections: trained")
        for origin, target in zip(theirs, ours, strict=True):
            if len(origin.filters) != len(target.filters):
                raise _misfit(origin, target, "not as many; set another arrangement than 'in place'")


def _check_fit(origin: Convolution, target: Convolution, settings: Transfer) -> None:
    (channels, *size), (wanted, *wanted_size) = origin.filters.shape[1:], target.filters.shape[1:]
    if channels != wanted:
        raise _misfit(origin, target, f"{channels} channels for {wanted}; choose networks of equal widths")
    if size != wanted_size and settings.kernel_size == "refuse":
        raise _misfit(origin, target, "another kernel size; set kernel_size: fit to crop or pad them")
    if settings.bias == "copied" and (origin.module.bias is None) != (target.module.bias is None):
        raise _misfit(origin, target, "only one has a bias; set bias: trained")
    if (origin.norm is None) != (target.norm is None):
        raise _misfit(origin, target, "only one has a BatchNorm after it; set batch_norm: trained")


def _misfit(origin: Convolution, target: Convolution, reason: str) -> KeyfiltersError:
    return KeyfiltersError(f"filters of {origin} do not fit {target}: {reason}")
