"""`keyfilters layers`: the layers of all networks of a study in one table, with their moments; and the networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from keyfilters.analysis.stages import moments as of_moments
from keyfilters.analysis.stages.moments import LAYERS, MOMENTS
from keyfilters.config.analysis import FILTERS_OF
from keyfilters.filters.store import Store
from keyfilters.store import artifacts

MODELS = "models.parquet"


def layers(description: Mapping[str, Any], root: Path) -> None:
    """Make the artifact of a `layers` job: the files of all its `moments` jobs end to end, the table with `model`.

    `models.parquet`: the networks that were not refused, as the store's table of models describes them.
    """
    with artifacts.write(root, description) as draft:
        tables, arrays, folders = [], [], {}
        for role, folder in description["inputs"].items():
            if role.startswith(FILTERS_OF):
                folders[role.removeprefix(FILTERS_OF)] = folder
                continue
            table, moments = of_moments.read(draft.inputs[role])
            table["model"] = role
            tables.append(table)
            arrays.append(moments)
        table = pd.concat(tables, ignore_index=True).drop(columns="model_id")
        table.to_parquet(draft.path / LAYERS, index=False)
        Store(root, folders).models.to_parquet(draft.path / MODELS, index=False)
        save_file({part: np.concatenate([of[part] for of in arrays]) for part in arrays[0]}, draft.path / MOMENTS)
        draft.facts.update(models=len(tables), layers=len(table), filters=int(table["filters"].sum()))
