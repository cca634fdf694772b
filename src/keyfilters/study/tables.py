"""The section `tables` of a study: all tables and figures that are declared, each of which may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import create_model

from keyfilters.config.base import Settings
from keyfilters.study import depthwise, filterdb, master_key, output
from keyfilters.study.experiment import Celled, Seeded
from keyfilters.study.output import Output

FAMILIES = [family.__name__ for family in (master_key, filterdb, depthwise)]
"""The modules that declare, as docs and pages list them, whichever was imported first."""

OUTPUTS = dict(sorted(output.OUTPUTS.items(), key=lambda item: FAMILIES.index(item[1].__module__)))
"""Every table and figure by name, in order."""


class _Enabled(Settings):
    @property
    def enabled(self) -> dict[str, Output]:
        """The tables and figures that the study makes, by name."""
        return {name: output for name, output in self if output}

    @property
    def own_seeds(self) -> dict[str, tuple[int, ...]]:
        """The seeds of those that have others than the study, by name; of single cells by `<table>/<cell>`."""
        own = {}
        for name, table in self.enabled.items():
            if isinstance(table, Seeded) and table.seeds:
                own[name] = table.seeds
            if isinstance(table, Celled):
                own |= {f"{name}/{cell}": seeds for cell, seeds in table.seeds_of.items()}
        return own


if TYPE_CHECKING:

    class Tables(_Enabled): ...

else:
    Tables = create_model(
        "Tables", __base__=_Enabled, **{name: (output | None, None) for name, output in OUTPUTS.items()}
    )
