"""Effects under other choices where the paper is silent: which cells there are, and what a share counts."""

import json

import pandas as pd
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.results.master_key.multiverse import multiverse
from keyfilters.store.identity import Job
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import configuration

SETTINGS = {"margins": [0.5, 1.0, 1000.0], "bias": "trained", "batch_norm": "trained"}
OTHER = "table4/hornet"


@pytest.fixture
def rendered(tmp_path, gathered):
    """The table of cells with these accuracies under each seed, by name and bias; its record's rows, and its CSV."""

    def rendered(accuracies, settings=SETTINGS):
        cells = []
        for (name, bias, role), shares in accuracies.items():
            table, _, cell = name.partition("/")
            cells.append(gathered(table, "small", bias and "big", shares, cell, role or None, bias=bias))
        file = tmp_path / "results/tables/multiverse.csv"
        multiverse(json.loads(Job("multiverse", "multiverse", settings, dict(cells)).as_json), file)
        return json.loads(file.with_suffix(".json").read_text()), pd.read_csv(file)

    return rendered


class Role(dict):
    """A role that a test names cells by."""

    def __hash__(self):
        return hash(json.dumps(self, sort_keys=True))


PLAIN = Role()
CELLS = {
    ("table1/baseline", None, PLAIN): (0.5, 0.5),
    ("table1/transferred", "trained", PLAIN): (0.6, 0.6),
    ("table1/random", "trained", PLAIN): (0.5, 0.5),
    ("table1/identity", "trained", PLAIN): (0.0, 0.0),
    ("multiverse/transferred-copied", "copied", Role(of="table1/transferred")): (0.3, 0.3),
    ("multiverse/random-copied", "copied", Role(of="table1/random", control="random")): (0.4, 0.4),
    ("table4/selffer", "trained", PLAIN): (0.5, 0.5),
    (OTHER, "trained", PLAIN): (0.6, 0.6),
    ("multiverse/selffer-copied", "copied", Role(of="table4/selffer")): (0.1, 0.1),
    ("multiverse/hornet-stacked-copied", "copied", Role(of=OTHER, stacking="stacked")): (0.3, 0.3),
    ("multiverse/hornet-stage", "trained", Role(of=OTHER, stacking="stacked by stage")): (0.4, 0.4),
    ("multiverse/hornet-stage-copied", "copied", Role(of=OTHER, stacking="stacked by stage")): (0.2, 0.2),
}


def test_every_choice_is_compared_with_cells_of_the_same_choice(rendered):
    _, frame = rendered(CELLS)
    effects = frame.set_index(["claim", "chosen", "stacking"])["effect"].to_dict()
    of_architecture = {choice[1:]: effect for choice, effect in effects.items() if choice[0].startswith("Table 4")}
    assert of_architecture == pytest.approx(
        {
            ("trained", "stacked"): 10,
            ("copied", "stacked"): 20,
            ("trained", "stacked by stage"): -10,
            ("copied", "stacked by stage"): 10,
        }
    )
    of_random = frame[frame["claim"].str.contains("random")].set_index("chosen")["effect"].to_dict()
    assert of_random == pytest.approx({"trained": 10, "copied": -10})
    within = frame[frame["margin"] == 1].set_index("chosen")["effect"].to_dict()
    assert within == pytest.approx({"trained": 10, "copied": -20})


def test_a_share_counts_the_choices_with_the_sign_of_the_studys_own(rendered):
    record, frame = rendered(CELLS)
    shown = record["shown"]
    assert shown["columns"][1:3] == ["Trained", "Copied"]
    shares = {row[0]: row[-1] for row in shown["rows"]}
    assert [share for claim, share in shares.items() if "random" in claim] == ["1 of 2"]
    assert [share for claim, share in shares.items() if "other - selffer" in claim] == ["3 of 4"]
    # 10 points above and 20 below: in the row of the margin nearest to one point.
    assert [share for claim, share in shares.items() if "margin" in claim] == ["", "1 of 2", ""]
    assert frame.loc[frame["own"], "same_sign"].all()
    assert frame["own"].sum() == 3


@pytest.mark.parametrize("identity", [None, (0.5, 0.5)])
def test_where_networks_do_not_use_their_filters_nothing_is_testable(rendered, identity):
    cells = {key: identity if "identity" in key[0] else shares for key, shares in CELLS.items()}
    record, frame = rendered({key: shares for key, shares in cells.items() if shares})
    assert set(frame["says"]) == {"not testable here"}
    assert record["shown"]["rows"][-1][1].endswith(", not testable here")


def test_figure_2b_has_another_batch_norm_and_needs_no_depthwise_filters(tmp_path, gathered):
    cells = [
        gathered("fig2b", "small", None, (0.5, 0.5), "base"),
        gathered("fig2b", "small", "big", (0.4, 0.4), "A49B"),
        gathered("multiverse", "small", "big", (0.2, 0.2), "other", {"of": "fig2b/A49B"}, batch_norm="copied"),
    ]
    file = tmp_path / "results/tables/multiverse.csv"
    multiverse(json.loads(Job("multiverse", "multiverse", SETTINGS, dict(cells)).as_json), file)
    frame = pd.read_csv(file)
    assert frame.set_index(["choice", "chosen"])["effect"].to_dict() == pytest.approx(
        {("batch_norm", "trained"): -10, ("batch_norm", "copied"): -30}
    )
    assert set(frame["says"]) == {"below zero"}
    assert list(frame["own"]) == [True, False]


def test_without_table_4_there_is_no_column_of_stacking(rendered):
    record, frame = rendered(
        {key: shares for key, shares in CELLS.items() if "table1" in (key[0] + key[2].get("of", ""))}
    )
    assert record["shown"]["columns"][1:] == ["Trained", "Copied", "Sign holds in"]
    assert frame["stacking"].isna().all()


def test_each_number_leads_to_its_cell(rendered):
    record, _ = rendered(CELLS)
    assert record["cells"][-1] == [
        OTHER,
        "multiverse/hornet-stacked-copied",
        "multiverse/hornet-stage",
        "multiverse/hornet-stage-copied",
        None,
    ]


def test_the_studys_own_bias_is_named(rendered, tmp_path):
    _, frame = rendered(CELLS, SETTINGS | {"bias": "copied"})
    assert "The study's own: bias copied" in (tmp_path / "results/tables/multiverse.md").read_text()
    assert set(frame.loc[frame["own"], "chosen"]) == {"copied"}


def test_with_one_seed_signs_alone_are_compared(rendered):
    record, frame = rendered({key: shares[:1] for key, shares in CELLS.items()})
    assert frame["low"].isna().all()
    assert set(frame.loc[frame["margin"].notna(), "says"]) == {"undecided"}
    assert record["shown"]["rows"][-1][1] == "+10.0"


def study(**tables):
    config = configuration(2, 3)
    config["studies"]["tiny"]["models"] = {"hornet": {"architecture": "hornet_tiny"}}
    config["studies"]["tiny"]["tables"] |= tables
    return config


TABLE1 = {"source": "set00", "target": "set01"}
TABLE4 = {"source": "set00", "target": "set01", "model": "hornet"}


def test_a_study_needs_the_tables_whose_effects_it_judges():
    with pytest.raises(KeyfiltersError, match=r"tables\.multiverse: needs table1 or table4"):
        check(study(multiverse={}))


def test_cells_of_the_studys_own_choices_are_those_of_the_tables():
    config = study(multiverse={}, table1=TABLE1 | {"controls": ["random", "identity"]}, table4=TABLE4)
    tables = jobs.tables(check(config).current)
    inputs = tables["multiverse"].inputs
    own = {name for name in inputs if not name.startswith("multiverse/")}
    of_table1 = {f"table1/{name}" for name in ("baseline", "transferred", "random", "identity")}
    assert own == of_table1 | {"table4/selffer", "table4/hornet", "table7/set01"}
    for name in own:
        assert inputs[name].folder == tables[name.partition("/")[0]].inputs[name].folder
    assert {name.partition("/")[2] for name in inputs.keys() - own} == {
        "transferred-copied",
        "random-copied",
        "selffer-copied",
        "hornet-stacked-copied",
        "hornet-stacked-by-stage-trained",
        "hornet-stacked-by-stage-copied",
    }
    by_stage = inputs["multiverse/hornet-stacked-by-stage-copied"].inputs["seed0"]
    assert by_stage.settings["transfer"]["arrangement"] == "stacked by stage"
    assert by_stage.settings["transfer"]["bias"] == "copied"
    assert " " not in by_stage.folder


def test_a_study_that_copies_biases_has_cells_with_trained_ones():
    config = study(multiverse={}, table4=TABLE4)
    config["studies"]["tiny"]["transfer"] = {"bias": "copied"}
    inputs = jobs.tables(check(config).current)["multiverse"].inputs
    assert inputs["multiverse/selffer-trained"].inputs["seed0"].settings["transfer"]["bias"] == "trained"
    assert "multiverse/selffer-copied" not in inputs


@pytest.mark.parametrize(("n", "there"), [([25, 49], True), ([25], False)])
def test_figure_2b_has_the_batch_norm_that_it_does_not_have_at_its_last_layer(n, there):
    fig2b = {"source": "set00", "target": "set01", "model": "resnet", "n": n, "seeds": [0, 1]}
    config = study(multiverse={}, table4=TABLE4, fig2b=fig2b)
    config["studies"]["tiny"]["models"]["resnet"] = {"architecture": "resnet50", "channels": [8, 16, 32, 64]}
    table = jobs.tables(check(config).current)["multiverse"]
    assert table.settings["batch_norm"] == "trained"
    assert ({"fig2b/base", "fig2b/A49B", "multiverse/A49B-BatchNorm-copied"} <= table.inputs.keys()) == there
    if there:
        other = table.inputs["multiverse/A49B-BatchNorm-copied"].inputs
        assert [job.settings["transfer"]["batch_norm"] for job in other.values()] == ["copied", "copied"]
