"""Every declared table and figure has its module, its version and a test that draws it."""

from importlib import import_module
from inspect import signature

import pytest

from keyfilters.store.identity import VERSIONS
from keyfilters.study.output import Output
from keyfilters.study.tables import OUTPUTS
from tests.results import test_figures_of_trained_networks as of_trained
from tests.results.filterdb import test_filterdb_figures as of_filters

FIGURES = [name for name, output in OUTPUTS.items() if output.reads == "filters"]


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_declaration_says_all_that_others_read(name):
    output = OUTPUTS[name]
    assert output.kind in ("table", "figure")
    assert output.paper
    assert output.caption.endswith(".")
    assert name in VERSIONS, "give it a line in src/keyfilters/versions.yaml"


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_declaration_has_the_function_that_draws_it(name):
    draw = getattr(import_module(OUTPUTS[name].module()), name)
    assert len(signature(draw).parameters) == (2 if OUTPUTS[name].reads == "cells" else 3)


def test_every_figure_of_filters_is_drawn_by_a_test():
    assert set(FIGURES) <= {*of_filters.SETTINGS, *of_trained.JOBS}


def test_two_declarations_of_one_name_are_an_error():
    with pytest.raises(TypeError, match="two declarations of table1"):
        type("Other", (Output,), {"name": "table1", "__module__": __name__})
    assert OUTPUTS["table1"].__name__ == "Table1"
