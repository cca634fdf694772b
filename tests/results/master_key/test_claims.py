"""The paper's claims: which cells each is about, and the rule that judges it."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from keyfilters.results.master_key import claims as module
from keyfilters.results.master_key.claimed import CLAIMS
from keyfilters.results.master_key.claims import claims
from keyfilters.store.identity import Job

FEMTO = {"architecture": "convnext_femto", "depths": [1, 1, 1, 1]}
SIX = {"architecture": "convnext_femto", "depths": [1, 1, 3, 1]}


@pytest.fixture
def judged(tmp_path):
    """The claims of these cells, by their text."""

    def judge(cells, looks=1):
        file = tmp_path / "results/tables/claims.csv"
        claims(json.loads(Job("claims", "claims", {"looks": looks}, dict(cells)).as_json), file)
        return pd.read_csv(file).set_index("claim")

    return judge


def row(verdicts, beginning):
    return verdicts.loc[next(text for text in verdicts.index if text.startswith(beginning))]


def test_what_the_papers_own_numbers_give():
    diagonal, others = (claim.printed for claim in CLAIMS if claim.table == "table5")
    assert diagonal == pytest.approx(-63.7 / 6, abs=0.01)
    assert others < diagonal
    assert pytest.approx(-0.7) in [claim.printed for claim in CLAIMS if claim.table == "table1"]


def curve(gathered, last=(0.5, 0.5, 0.5), base=(0.5, 0.5, 0.5)):
    return [
        gathered("fig2c", "small", None, base, "base", {"series": "base B", "model": FEMTO}),
        gathered("fig2c", "small", "big", (0.1, 0.1, 0.1), "A2B", {"series": "AnB", "n": 2}),
        gathered("fig2c", "small", "big", last, "A4B", {"series": "AnB", "n": 4}),
    ]


def controlled(gathered, identity):
    role = {"control": "identity", "model": FEMTO}
    return [
        gathered("table1", "small", None, (0.5, 0.5, 0.5), "baseline", {"method": "Baseline", "model": FEMTO}),
        gathered("table1", "small", None, identity, "identity", role),
    ]


def test_a_claim_of_filters_is_not_testable_where_networks_do_not_use_them(gathered, judged):
    verdicts = judged([*curve(gathered), *controlled(gathered, identity=(0.5, 0.5, 0.5))])
    assert row(verdicts, "Figure 2c")["verdict"] == "not testable here"


def test_a_claim_of_filters_is_not_testable_without_the_control(gathered, judged):
    assert row(judged(curve(gathered)), "Figure 2c")["verdict"] == "not testable here"


def test_a_claim_is_judged_where_the_identity_loses(gathered, judged):
    verdicts = judged([*curve(gathered), *controlled(gathered, identity=(0.0, 0.0, 0.0))])
    assert row(verdicts, "Figure 2c")["verdict"] in ("supported", "undecided")
    assert row(verdicts, "Table 1's target: spatial filters")["effect"] == pytest.approx(50)


def test_the_last_layer_is_the_last_that_there_is(gathered, judged):
    cells = curve(gathered)[:2]
    assert row(judged(cells), "Figure 2c")["verdict"] == "not run"


def test_tables_3_and_4_are_judged_by_table_1s_control_of_their_target(gathered, judged):
    three = [
        gathered("table3", "small", "big", (accuracy,), model) for model, accuracy in (("model", 0.5), ("femto", 0.9))
    ]
    assert row(judged(three), "Table 3")["verdict"] == "not testable here"
    assert row(judged([*three, *controlled(gathered, identity=(0.0, 0.0, 0.0))]), "Table 3")["verdict"] == "undecided"
    assert (
        row(judged([*three, *controlled(gathered, identity=(0.5,) * 3)]), "Table 3")["verdict"] == "not testable here"
    )


@pytest.mark.parametrize(("identity", "verdict"), [(0.0, "undecided"), (0.5, "not testable here")])
def test_a_curves_own_control_at_the_last_layer_says_whether_its_networks_use_their_filters(
    gathered, judged, identity, verdict
):
    own = [
        gathered("fig2c", "small", None, (accuracy,), f"identity-n{n}", {"n": n, "control": "identity"})
        for n, accuracy in ((2, 0.3), (4, identity))
    ]
    verdicts = judged([*curve(gathered, last=(0.5,), base=(0.5,)), *own, *controlled(gathered, identity=(0.4,))])
    assert row(verdicts, "Figure 2c")["verdict"] == verdict


def test_the_plateau_is_of_the_last_layer(gathered, judged):
    cells = [gathered("fig4", "small", None, (0.5,), "base", {"series": "base B", "model": SIX})]
    for n, accuracy in ((3, 0.4), (4, 0.6), (6, 0.9)):
        cells.append(gathered("fig4", "small", "big", (accuracy,), f"big-n{n}", {"series": "big", "n": n}))
    line = row(judged(cells), "Figure 4: the last third")
    assert (line["effect"], line["pairs"]) == (pytest.approx(30), 1)
    assert row(judged(cells[:-1]), "Figure 4: the last third")["verdict"] == "not run"


def test_larger_is_twice_as_large(gathered, judged):
    cells = [
        gathered("table2", target, source, (accuracy,) * 3)
        for target, source, accuracy in (
            ("small", "small", 0.5),
            ("small", "big", 0.9),
            ("big", "big", 0.5),
            ("big", "middle", 0.1),
            ("big", "small", 0.2),
            ("small", "middle", 0.7),
        )
    ]
    verdicts = judged(cells)
    assert row(verdicts, "Table 2: filters of much larger")["pairs"] == 2
    assert row(verdicts, "Table 2: filters of much smaller")["pairs"] == 1  # 500 is more than half of 900


def test_one_seed_decides_nothing(gathered, judged):
    verdicts = judged([gathered("table5", "small", None, (0.9,)), gathered("table5", "small", "small", (0.1,))])
    line = row(verdicts, "Table 5: pointwise layers lose even")
    assert (line["verdict"], line["n"]) == ("undecided", 1)
    assert np.isnan(line["low"])


def test_one_seed_says_undecided_where_the_identity_loses_and_not_testable_where_it_does_not(gathered, judged):
    model = {"method": "Baseline", "model": FEMTO}
    cells = [
        gathered("table1", "small", None, (0.5,), "baseline", model),
        gathered("table1", "small", "big", (0.5,), "shuffled", {"method": "Shuffled", "model": FEMTO}),
    ]
    for identity, verdict in ((0.2, "undecided"), (0.5, "not testable here")):
        control = gathered("table1", "small", None, (identity,), "identity", {"control": "identity", "model": FEMTO})
        verdicts = judged([*cells, control])
        assert row(verdicts, "Table 1: shuffled")["verdict"] == verdict


def test_the_verdict_is_corrected_for_the_number_of_claims():
    lines = [
        SimpleNamespace(verdict="", p_supported=0.001, p_contradicted=0.9, p_equivalent=0.001),
        SimpleNamespace(verdict="", p_supported=0.9, p_contradicted=0.015, p_equivalent=0.03),
        SimpleNamespace(verdict="", p_supported=0.02, p_contradicted=0.9, p_equivalent=None),
        SimpleNamespace(verdict="not run", p_supported=None, p_contradicted=None, p_equivalent=None),
    ]
    module._judge(lines, 0.05)
    # Two directions of three lines: 0.006; 2 x 0.03 = 0.06; at least as much. Of two equivalences the second: 0.03.
    assert [line.verdict for line in lines] == ["supported", "less than a point", "undecided", "not run"]


def test_an_effect_of_neither_sign_that_is_surely_small_is_less_than_a_point(gathered, judged):
    base = gathered("table5", "small", None, (0.5, 0.5, 0.5))
    for accuracies, verdict in (((0.5, 0.5, 0.5), "less than a point"), ((0.6, 0.4, 0.5), "undecided")):
        verdicts = judged([base, gathered("table5", "small", "small", accuracies)])
        line = row(verdicts, "Table 5: pointwise layers lose even")
        assert line["verdict"] == verdict
        assert np.isnan(line["seeds_needed_equivalent"]) == (verdict == "undecided")  # ten test images are too few
    beyond = judged([base, gathered("table5", "small", "small", (0.9, 0.8, 0.9))])
    assert np.isnan(row(beyond, "Table 5: pointwise layers lose even")["seeds_needed_equivalent"])


def test_looks_divide_the_level(gathered, judged, tmp_path):
    """Numbers that decide at the first look do not where seeds were added by what was seen."""
    cells = [
        gathered("table5", "small", None, (0.9, 0.9, 0.9, 0.9)),
        gathered("table5", "small", "small", (0.4, 0.5, 0.4, 0.5)),
    ]
    assert row(judged(cells), "Table 5: pointwise layers lose even")["verdict"] == "supported"
    assert row(judged(cells, looks=10), "Table 5: pointwise layers lose even")["verdict"] == "undecided"
    assert "judged 10 times" in (tmp_path / "results/tables/claims.md").read_text()


def test_a_study_without_the_tables_says_so(gathered, judged):
    verdicts = judged([gathered("table5", "small", None, (0.9, 0.8)), gathered("table5", "small", "small", (0.1, 0.1))])
    assert row(verdicts, "Table 3")["verdict"] == "not run"


def reference(accuracy, classes):
    return {"mean": accuracy, "target": {"classes": classes}}


@pytest.mark.parametrize(
    ("accuracy", "classes", "margin"),
    [
        (86.9, 449, 1.0),  # the paper's own baseline
        (100.0, 2, 50 / 86.677),
        (100.0, 100, 99 / 86.677),
        (55.0, 10, 45 / 86.677),
        (25.0, 4, 0.0),  # at chance
        (20.0, 4, 0.0),  # below it
    ],
)
def test_a_point_is_in_proportion_to_the_distance_from_chance(accuracy, classes, margin):
    assert module.point(reference(accuracy, classes)) == pytest.approx(margin, rel=1e-4)


def test_the_claimed_range_is_in_points_of_the_base_model(gathered, judged):
    halved = row(judged(curve(gathered, base=(0.5, 0.5, 0.5))), "Figure 2c")["claimed_low"]
    assert halved == pytest.approx(-25 / 86.677, rel=1e-4)  # four classes
    assert row(judged(curve(gathered, base=(0.2, 0.3, 0.2))), "Figure 2c")["claimed_low"] == 0


TABLE_2 = "Table 2: filters of much larger"


def of_table2(gathered, **identities):
    """Table 2 with its claim on small targets, of `small` and `cifar10`; base models at 50 %, identities as given."""
    cells = [gathered("table2", target, target, (0.1,) * 3) for target in ("big", "cifar10", "small")]
    cells += [gathered("table2", target, "big", (0.9,) * 3) for target in ("cifar10", "small")]
    cells += [gathered("table7", target, None, (0.5,) * 3) for target in ("cifar10", "small")]
    for target, accuracy in identities.items():
        name, role = f"{target}--identity", {"control": "identity"}
        cells.append(gathered("table2", target, None, (accuracy,) * 3, name, role))
    return cells


def test_table_2_is_judged_where_every_target_uses_its_filters_by_table_7s_base_model(gathered, judged):
    cells = of_table2(gathered, cifar10=0.0, small=0.0)
    verdicts = judged(cells)
    line = row(verdicts, TABLE_2)
    assert (line["verdict"], line["pairs"], line["n"]) == ("supported", 2, 3)
    assert row(verdicts, "The small set: spatial filters")["effect"] == pytest.approx(50)
    without_bases = [(name, job) for name, job in cells if not name.startswith("table7/")]
    assert row(judged(without_bases), TABLE_2)["verdict"] == "not testable here"


@pytest.mark.parametrize("identities", [{"cifar10": 0.0, "small": 0.5}, {"cifar10": 0.5, "small": 0.0}, {"small": 0.0}])
def test_one_target_that_does_not_use_its_filters_makes_a_claim_over_several_not_testable(gathered, judged, identities):
    assert row(judged(of_table2(gathered, **identities)), TABLE_2)["verdict"] == "not testable here"
