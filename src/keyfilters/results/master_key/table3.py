"""The table `table3`: filters of several architectures, in one small target (Table 3 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.line import line


def table3(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table3.*` from `<results>/cells`."""
    results = file.parents[1]
    records = cells.load(description, results)
    target, source = records[0]["target"], records[0]["source"]
    models = [record["role"]["model"] for record in records]
    notes = [
        cells.basis(records, results.name),
        cells.sampling(records),
        f"Depthwise filters of networks trained on {source['title']}, stacked and frozen in the study's own network, "
        f"trained on {target['title']}. Sources: {'; '.join(map(cells.network, models))}.",
        cells.choices(records, "depthwise convolution") + " " + cells.STACKING,
    ]
    title = f"Table 3: accuracy (%) on {target['title']} with filters of other architectures and sizes"
    architectures = [cells.title(model) for model in models]
    # The paper's is the network that filters go into itself, which comes first, where another has its architecture.
    printed = [None if name in architectures[:place] else name for place, name in enumerate(architectures)]
    line(description, file, records, "Source model", cells.titles(models), title, notes, printed)
