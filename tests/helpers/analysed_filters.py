"""The stages of the analysis, made one after the other from extracted networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keyfilters.analysis.stages import basis, histograms, layers, moments
from keyfilters.config.analysis import Analysis, bases_of, filters_of
from keyfilters.store.identity import Job
from keyfilters.study.jobs import with_filters


def analyse(
    root: Path, analysis: Analysis, extracts: Mapping[str, Job], counted: Mapping[str, Job] | None = None
) -> tuple[Job, Job, dict[str, Job]]:
    """The jobs of basis, layers and histograms of these networks, whose artifacts are made below `root`.

    `counted`: whose histograms there are, where these are not the networks that define the basis.
    """
    settings = filters_of(analysis)
    sparse = analysis.model_dump(include={"sparse", "sparse_share"})
    measured = {name: Job("moments", name, settings | sparse, {"filters": job}) for name, job in extracts.items()}
    based = Job("basis", "basis", bases_of(analysis, {}), with_filters(measured))
    together = Job("layers", "layers", {}, with_filters(measured))
    binned = {
        name: Job("histograms", job.name, settings, {"filters": job, "basis": based})
        for name, job in (counted or extracts).items()
    }
    for job in measured.values():
        moments.moments(job.description, root)
    basis.basis(based.description, root)
    layers.layers(together.description, root)
    for job in binned.values():
        histograms.histograms(job.description, root)
    return based, together, binned
