"""What trained filters are worth above the controls: which cells are compared, and what is shown."""

import json

import pandas as pd
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.results.master_key.controls import controls
from keyfilters.store.identity import Job
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import configuration


@pytest.fixture
def rendered(tmp_path, gathered):
    """The table of one target with so many seeds; its record's rows, and its CSV by filters and control."""

    def rendered(seeds, with_base=True):
        cells = [
            gathered("table2", "small", "big", (1.0,) * seeds),
            gathered("table2", "small", "small", (0.3,) * seeds),
            gathered("table2", "small", None, (0.2,) * seeds, "small--random", {"control": "random"}),
            gathered("table2", "small", None, (0.0,) * seeds, "small--identity", {"control": "identity"}),
            gathered("table2", "small", "small", (0.4,) * seeds, "small--permuted", {"control": "permuted"}),
        ]
        cells += [gathered("table7", "small", None, (0.9,) * seeds)] if with_base else []
        file = tmp_path / "results/tables/controls.csv"
        controls(json.loads(Job("controls", "controls", {}, dict(cells)).as_json), file)
        shown = json.loads(file.with_suffix(".json").read_text())["shown"]
        return shown, pd.read_csv(file).set_index(["filters", "above"])

    return rendered


def test_sources_and_controls_are_compared_with_random_filters_none_and_the_targets_own(rendered):
    shown, frame = rendered(seeds=2)
    assert shown["columns"][1:] == [
        *("The big set", "The small set", "All sources", "Base model", "Random", "Taps permuted"),
    ]
    assert [row[0] for row in shown["rows"]] == [
        f"The small set, above {above}" for above in ("random", "the identity", "its own")
    ]
    expected = {
        ("big", "random"): 80,
        ("small", "random"): 10,
        ("all sources", "random"): 45,
        ("base model", "random"): 70,
        ("big", "identity"): 100,
        ("small", "identity"): 30,
        ("all sources", "identity"): 65,
        ("base model", "identity"): 90,
        ("random", "identity"): 20,
        ("permuted", "random"): 20,
        ("permuted", "identity"): 40,
        ("big", "own"): 70,
        ("all sources", "own"): 35,
        ("base model", "own"): 60,
        ("random", "own"): -10,
        ("permuted", "own"): 10,
    }
    assert frame["difference"].to_dict() == pytest.approx(expected)
    assert frame.loc[("big", "random"), "low"] > 0
    significant = {pair for pair, excludes in frame["excludes_zero"].items() if excludes}
    assert significant == {pair for pair, difference in expected.items() if difference > 30}
    assert shown["rows"][0][2].startswith("+10.0 (-")
    assert shown["rows"][0][5] == ""  # random against itself


def test_with_one_seed_there_is_no_interval(rendered):
    shown, frame = rendered(seeds=1, with_base=False)
    assert shown["rows"][0][1:] == ["+80.0", "+10.0", "+45.0", "", "", "+20.0"]
    assert frame["low"].isna().all()
    assert not frame["excludes_zero"].any()


def test_a_study_needs_the_controls_in_its_table_2():
    config = configuration(2, 3)
    tables = config["studies"]["tiny"]["tables"]
    tables["controls"] = {}
    with pytest.raises(KeyfiltersError, match=r"tables\.controls: needs table2 with `controls: \[random, identity\]`"):
        check(config)
    tables["table2"]["controls"] = ["random", "identity"]
    table_jobs = jobs.tables(check(config).current)
    assert set(table_jobs["controls"].inputs) == set(table_jobs["table2"].inputs)
