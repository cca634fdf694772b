"""The paper's claims: which cells each is about, and the rule that judges it."""

import json
import math

import pandas as pd
import pytest

from keyfilters.results.master_key.claims import CLAIMS, MARGIN, claims, interval, verdict
from keyfilters.store.identity import Job


def test_the_interval_is_students():
    low, high = interval([1.0, 2.0, 3.0])
    assert (low, high) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)  # 4.30265 * 1 / sqrt(3)
    assert interval([1.0]) is None


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((-0.9, 0.9), "supported"),
        ((-1.0, 1.0), "supported"),
        ((-2.0, 0.0), "cannot tell"),
        ((-3.0, -1.1), "contradicted"),
        ((1.1, 1.2), "contradicted"),
        (None, "cannot tell"),
    ],
)
def test_the_verdict_follows_from_where_the_interval_lies(bounds, expected):
    assert verdict(bounds, -MARGIN, MARGIN) == expected


def test_what_the_papers_own_numbers_give():
    printed = {claim.table: claim.printed for claim in CLAIMS[:4]}
    assert printed["fig2c"] is None
    assert printed["table2"] == pytest.approx(58.4 / 15)  # of 15 pairs: STL-10, Pets and Flowers
    assert printed["table5"] == pytest.approx(-63.7 / 6, abs=0.01)
    assert printed["table1"] == pytest.approx(-0.7)


@pytest.fixture
def judged(tmp_path, gathered):
    """The claims of these cells, by their number."""

    def judge(cells):
        file = tmp_path / "results/tables/claims.csv"
        claims(json.loads(Job("claims", "claims", {}, dict(cells)).as_json), file)
        return pd.read_csv(file)

    return judge


def test_each_claim_compares_the_cells_that_it_is_about(gathered, judged):
    two = (0.500, 0.502)
    found = judged(
        [
            gathered("fig2c", "small", None, two, "base", {"series": "base B"}),
            gathered("fig2c", "small", "big", (0.9, 0.9), "A2B", {"series": "AnB", "n": 2}),
            gathered("fig2c", "small", "big", (0.501, 0.503), "A18B", {"series": "AnB", "n": 18}),
            gathered("table2", "big", "big", (0.9, 0.9)),
            gathered("table2", "big", "small", (0.1, 0.1)),
            gathered("table2", "small", "small", two),
            gathered("table2", "small", "big", (0.600, 0.602)),
            gathered("table5", "small", None, two),
            gathered("table5", "small", "small", (0.600, 0.602)),
            gathered("table5", "small", "big", (0.1, 0.1)),
            gathered("table1", "small", None, two, "baseline"),
            gathered("table1", "small", "big", (0.400, 0.402), "shuffled"),
            gathered("table1", "small", "big", (0.400, 0.602), "repeated"),
        ]
    )
    assert found["effect"].tolist() == pytest.approx([0.1, 10, 10, -10, 0])
    assert found["verdict"].tolist() == ["supported", "supported", "contradicted", "contradicted", "cannot tell"]
    assert (found["n"] == 2).all()


def test_a_study_without_the_tables_says_so(gathered, judged):
    found = judged([gathered("table1", "small", None, (0.5,), name) for name in ("baseline", "shuffled", "repeated")])
    assert found["verdict"].tolist() == ["not made"] * 3 + ["cannot tell"] * 2
    assert math.isnan(found["effect"][0])
