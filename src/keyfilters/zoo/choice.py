"""Which networks of the table a study takes, by a rule that looks at what they are for, never at their filters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter

from keyfilters.zoo.table import Model


def eligible(table: Iterable[Model], formats: Iterable[str] | None, non_commercial: bool) -> list[Model]:
    """The models of these formats (None: all), those that allow no commercial use only if the study asks for them."""
    wanted = None if formats is None else set(formats)
    return [
        model for model in table if (wanted is None or model.format in wanted) and (non_commercial or model.commercial)
    ]


def diverse(models: Iterable[Model], max_bytes: int) -> list[Model]:
    """Models of package files that together have at most `max_bytes`, chosen for diversity; in the table's order.

    File by file, the one with the fewest bytes for each group of tasks that is new with it; when none brings a new
    group, the one with the fewest bytes for each new family. The end is when no file that still fits brings one.
    Of a file, one model of each family and task is taken, the first: others of a family there differ in their degree
    of denoising or the like.
    """
    models = list(models)
    files = _files(models)
    chosen: list[str] = []
    left = max_bytes
    for known in (attrgetter("task_group"), attrgetter("family")):
        while True:
            had = {known(model) for file in chosen for model in files[file]}
            costs = {}
            for file, of in files.items():
                new = len({known(model) for model in of} - had)
                if new and of[0].artifact_bytes <= left:
                    costs[file] = (of[0].artifact_bytes / new, file)
            if not costs:
                break
            chosen.append(min(costs, key=costs.__getitem__))
            left -= files[chosen[-1]][0].artifact_bytes
    taken = {model.id for file in chosen for model in files[file]}
    return [model for model in models if model.id in taken]


def _files(models: Iterable[Model]) -> Mapping[str, list[Model]]:
    """Package files with those of their models that are the first of their family and task there."""
    firsts: dict[str, dict[tuple[str, str], Model]] = defaultdict(dict)
    for model in models:
        firsts[model.file].setdefault((model.family, model.task), model)
    return {file: list(of.values()) for file, of in firsts.items()}
