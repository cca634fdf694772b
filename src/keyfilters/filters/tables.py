"""The tables of a store under the names of CNN Filter DB's meta table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from keyfilters.filters.writing import integers
from keyfilters.zoo.table import models as table_of_models

OF_ENTRY = (
    "Name",
    "Paper",
    "Pretraining-Dataset",
    "Training-Dataset",
    "Visual Category",
    "Task",
    "Accessible",
    "Dataset URL",
)
"""Columns of the meta table that weights do not tell; null where nobody does."""

VISUAL_CATEGORIES = {
    "handwriting": "digits",
    "handwritten digits": "digits",
    "handwritten Hiragana": "text/documents",
    "photographs of animals and vehicles": "natural",
    "photographs of animals, plants, things and scenes": "natural",
    "photographs of a thousand kinds of things": "natural",
    "photographs of cats and dogs": "natural",
    "photographs of clothes, grey": "natural",
    "photographs of dishes": "natural",
    "photographs of flowers": "natural",
    "photographs of raw food": "natural",
    "grey portraits": "faces",
    "pictograms in colour": "pictograms",
    "sketches": "sketches",
    "sketches of 345 kinds of things": "sketches",
    "traffic sign artwork": "pictograms",
    "not stated": None,
}
"""Visual categories, as the table of models spells them, by the domain of the sets that networks are trained on."""


def model_table(
    names: Sequence[str],
    facts: Sequence[Mapping[str, Any]],
    layers: Sequence[pd.DataFrame],
) -> pd.DataFrame:
    """A row per model, indexed by `model_id`, its number in `names`.

    `facts` are those of the models' artifacts, `layers` their tables. What is known of a model beside its weights, in
    columns of the meta table and others, which stand last, comes from the project's table of models or, where a model
    is not in it, from `entry` of its facts. Filters are counted as CNN Filter DB does:
    those of transposed convolutions are left out, and `total_filters` has none of size 1 x 1.
    `3x3_filter_share` is null for a model without any; the counts of operators are, where its format has no graph.
    """
    sizes = [filter_counts(table) for table in layers]
    total = [sum(count for size, count in of.items() if size != (1, 1)) for of in sizes]
    columns = {
        "model": _texts(names),
        "producer": _texts(of_model["producer"] for of_model in facts),
        "op_set": integers(of_model["op_set"] for of_model in facts),
        "depth": integers(of_model["depth"] for of_model in facts),
    }
    known = table_of_models()
    entries = [
        known[name].entry if name in known else of_trained(of_model.get("entry", {}))
        for name, of_model in zip(names, facts, strict=True)
    ]
    columns |= {column: _texts(entry.get(column) for entry in entries) for column in OF_ENTRY}
    columns["total_filters"] = integers(total)
    shares = [of.get((3, 3), 0) / all_ if all_ else None for of, all_ in zip(sizes, total, strict=True)]
    columns["3x3_filter_share"] = pd.Series(shares, dtype="float64")
    for height, width in sorted(set().union(*sizes)):
        columns[f"({height}, {width}) filters"] = integers(of.get((height, width), 0) for of in sizes)
    operators = [of_model["operators"] for of_model in facts]
    for operator in sorted(set().union(*(of or () for of in operators))):
        columns[operator] = integers(None if of is None else of.get(operator, 0) for of in operators)
    columns["format"] = _texts(of_model["format"] for of_model in facts)
    for column in dict.fromkeys(column for entry in entries for column in entry if column not in OF_ENTRY):
        columns[column] = pd.Series([entry.get(column) for entry in entries])
    return pd.DataFrame(columns).rename_axis("model_id")


def of_trained(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is known of a network that is trained here, with its visual category as the table of models spells it."""
    category = entry.get("Visual Category")
    return {**entry, "Visual Category": VISUAL_CATEGORIES.get(category, category)}


def filter_counts(layers: pd.DataFrame) -> dict[tuple[int, int], int]:
    """How many filters of each size a model's convolutions have that are not transposed."""
    counted = layers[layers["kind"] != "transposed"].groupby(["kh", "kw"])["filters"].sum()
    return {(int(height), int(width)): int(count) for (height, width), count in counted.items()}


def _texts(values) -> pd.Series:
    return pd.Series(list(values), dtype="str")
