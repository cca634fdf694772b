"""What a transfer of filters is: the section `transfer`, and what tables add to it."""

from __future__ import annotations

from typing import Any, Literal, get_args

from keyfilters.config.base import PositiveInt, Settings

TrainedOrCopied = Literal["trained", "copied"]
TRAINED_OR_COPIED: tuple[TrainedOrCopied, ...] = get_args(TrainedOrCopied)
"""What becomes of that which belongs to a transferred filter."""
STACKINGS = ("stacked", "stacked by stage")
"""Arrangements of filters of another architecture; the first is that of Tables 3 and 4."""


class Choices(Settings):
    """Choices that *The Master Key Filters Hypothesis* leaves open; reported with every result.

    Layer scale and all else that is not named here is always trained.
    """

    bias: TrainedOrCopied = "trained"
    """Of a transferred filter: trained from its own random start, or copied and frozen with it."""
    batch_norm: TrainedOrCopied = "trained"
    """That reads what a transferred filter makes, its affine part and its running statistics: trained, or copied and
    frozen with the filter. An error for layers without it, so that a study with such networks sets it in `fig2b`."""
    kernel_size: Literal["refuse", "fit"] = "refuse"
    """Kernels of another size are an error, or cropped or padded with zeros around their centre (`fit`)."""
    projections: Literal["transferred", "trained"] = "transferred"
    """Of shortcuts, which are no layers of their own: transferred with the layer whose feature map they read, or
    trained."""

    @property
    def key_fields(self) -> dict[str, Any]:
        """What a key and a result say of them: the bias, and what is not as by default."""
        return {"bias": self.bias, **self.model_dump(exclude_defaults=True)}


Control = Literal["random", "identity", "norms", "permuted", "closed_forms", "universal"]
"""Filters that take the place of the source's, to tell what those are worth; ours, the paper has none.

`random`: the target's own as they are initialised. `identity`: one at the centre and zero around it, so that a
depthwise layer mixes no pixels. `norms`: random directions, each with the norm of the source's filter. `permuted`: the
source's filter with its taps in random order, so the same values without their place. `closed_forms`: the nearest
a x + b of the source's filter, where x is a discrete Gaussian or a difference of one. `universal`: the same with
x one of eight patterns of the filters of the study's base models on other sets.
"""

WITHOUT_SOURCE = ("random", "identity")
"""The controls that take nothing from a source."""

PATTERN_SOURCE = "pattern_source_"
"""What the roles of a transfer's inputs begin with that the control `universal` finds its patterns in."""


class Transfer(Choices):
    """What a transfer is: which filters go where, and what becomes of them."""

    layers: Literal["depthwise", "pointwise", "convolutions"] = "depthwise"
    """Whose filters are transferred, always in the order of execution."""
    first: PositiveInt | None = None
    """Only the first n of these layers in the target (Figures 2 and 4); None is all."""
    arrangement: Literal["in place", "stacked", "stacked by stage", "shuffled", "repeated"] = "in place"
    """`in place`: layer i to layer i; `stacked`: the source's filters end to end, assigned to the target layer by
    layer, wrapping around (Tables 3 and 4); `stacked by stage`: the same within each stage, layers in a row that read
    maps of one size; `shuffled`: as stacked, then permuted across all of the target's layers; `repeated`: as stacked,
    from the source's first layers alone (both Table 1)."""
    repeat_first: PositiveInt = 3
    """Layers of the source that `repeated` takes."""
    control: Control | None = None
    """What takes the place of the source's filters; None for a transfer as the paper has it."""
    frozen: bool = True
    """False trains the transferred filters along (AnB+ and BnB+ of Yosinski et al. 2014)."""

    @property
    def key_fields(self) -> dict[str, Any]:
        return {"layers": self.layers, **super().key_fields}
