"""The section `tables` of a study: all tables and figures that are declared, each of which may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import create_model

from keyfilters.config.base import Settings
from keyfilters.study import master_key  # noqa: F401  (it declares, and is listed first)

# isort: split
from keyfilters.study import depthwise, filterdb  # noqa: F401  (they declare)
from keyfilters.study.output import OUTPUTS, Output


class _Enabled(Settings):
    @property
    def enabled(self) -> dict[str, Output]:
        """The tables and figures that the study makes, by name."""
        return {name: output for name, output in self if output}


if TYPE_CHECKING:

    class Tables(_Enabled): ...

else:
    Tables = create_model(
        "Tables", __base__=_Enabled, **{name: (output | None, None) for name, output in OUTPUTS.items()}
    )
