"""What a transfer of filters is: the section `transfer`, and what tables add to it."""

from __future__ import annotations

from typing import Any, Literal

from keyfilters.config.base import PositiveInt, Settings


class Choices(Settings):
    """Where *The Master Key Filters Hypothesis* is silent about a transfer: ours, and printed with results.

    `bias` of a transferred filter: `trained` from its own random start, or `copied` and frozen with it.
    Normalisation, layer scale and all else are always trained.
    `kernel_size`: kernels of another size are an error (`refuse`), or cropped or padded with zeros around
    their centre (`fit`).
    `projections` of shortcuts are no layers of their own: `transferred` with the layer whose feature map they
    read, or `trained`.
    """

    bias: Literal["trained", "copied"] = "trained"
    kernel_size: Literal["refuse", "fit"] = "refuse"
    projections: Literal["transferred", "trained"] = "transferred"

    @property
    def key_fields(self) -> dict[str, Any]:
        """What a key and a result say of them: the bias, and what is not as by default."""
        return {"bias": self.bias, **self.model_dump(exclude_defaults=True)}


Control = Literal["random", "identity", "norms", "permuted"]
"""Filters that take the place of the source's, to tell what those are worth; ours, the paper has none.

`random`: the target's own as they are initialised. `identity`: one at the centre and zero around it, so that a
depthwise layer mixes no pixels. `norms`: random directions, each with the norm of the source's filter. `permuted`: the
source's filter with its taps in random order, so the same values without their place.
"""

WITHOUT_SOURCE = ("random", "identity")
"""The controls that take nothing from a source."""


class Transfer(Choices):
    """What a transfer is: which filters go where, and what becomes of them.

    `layers`: the layers whose filters are transferred, always in the order of execution.
    `first`: only the first n of these layers in the target (Figures 2 and 4); None is all.
    `arrangement`: `in place`, layer i to layer i; `stacked`, the source's filters end to end, assigned to the
    target layer by layer, from their beginning again when they run out (Tables 3 and 4); `shuffled`, as
    stacked, then permuted across all of the target's layers; `repeated`, as stacked, from the source's first
    `repeat_first` layers alone (both Table 1).
    `control`: what takes the place of the source's filters; None for a transfer as the paper has it.
    `frozen`: False trains the transferred filters along (AnB+ and BnB+ of Yosinski et al. 2014).
    """

    layers: Literal["depthwise", "pointwise", "convolutions"] = "depthwise"
    first: PositiveInt | None = None
    arrangement: Literal["in place", "stacked", "shuffled", "repeated"] = "in place"
    repeat_first: PositiveInt = 3
    control: Control | None = None
    frozen: bool = True

    @property
    def key_fields(self) -> dict[str, Any]:
        return {"layers": self.layers, **super().key_fields}
