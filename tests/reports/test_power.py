"""`keyfilters power`: what each claim lacks, from the files that are committed with a study's results."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.provenance.explain import show
from keyfilters.provenance.manifests import copy_manifests
from keyfilters.reports.power import lines, power
from keyfilters.reports.study_results import StudyResults
from keyfilters.results.master_key.claims import claims
from keyfilters.store import runs
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import HALF, configuration, make

SEEDS = 5
BASE = {"set00": (90, 91, 90, 89, 90), "set01": (50, 50, 50, 50, 50)}
TRANSFERRED = {"set00": (58, 78, 63, 61, 70), "set01": (41, 41, 41, 41, 41)}
RANDOM = {"set00": (60, 60, 60, 60, 60), "set01": (40, 40, 40, 40, 40)}
IDENTITY = {"set00": (30, 30, 31, 30, 30), "set01": (50, 50, 50, 50, 50)}


def right(job):
    """How many of the hundred test images each training has right, by its target, control and seed."""
    seed, target = job.settings["seed"], job.inputs["dataset"].name
    control = job.settings.get("transfer", {}).get("control")
    accuracies = BASE if job.stage == "train" else {"random": RANDOM, "identity": IDENTITY}.get(control, TRANSFERRED)
    return np.arange(len(HALF)) < accuracies.get(target, BASE["set00"])[seed % SEEDS]


@pytest.fixture
def study(tmp_path) -> StudyResults:
    """As a fresh clone has it: results with copies of manifests and run records, and no artifacts. Every training took
    an hour of a core and half an hour of a GPU."""
    config = configuration(targets=2, sources=3)
    config["studies"]["tiny"]["seeds"] = list(range(SEEDS))
    config["studies"]["tiny"]["tables"]["table2"]["controls"] = ["random", "identity"]
    config["studies"]["tiny"]["tables"]["claims"] = {}
    tiny = check(config).current
    root, results = tmp_path / "artifacts/tiny", tmp_path / "results/tiny"
    make(tiny, root, results, right)
    copy_manifests(root, jobs.keyed(tiny).values(), results)
    shutil.rmtree(root)
    for path in results.glob("runs/*/*.json"):
        spent = {"seconds": 4000, "cpu_seconds": 3600, "gpu_seconds": 1800}
        path.write_text(json.dumps(json.loads(path.read_text()) | spent))
    return StudyResults(tiny, "tiny", root, results, tmp_path / "logs")


def line(study, *words):
    return next(line for line in lines(study) if all(word in line.claim for word in words))


def test_it_agrees_with_the_table_of_claims(study):
    file = study.results / "tables/claims.csv"
    claims(study.outputs["claims"].job.description, file)
    table = pd.read_csv(file).set_index("claim")
    by_claim = {line.claim: line for line in lines(study)}
    assert list(by_claim) == list(table.index)
    for claim, row in table.iterrows():
        assert (by_claim[claim].needed or 0) == np.nan_to_num(row["seeds_needed"]), claim
        assert by_claim[claim].verdict == row["verdict"]
        assert by_claim[claim].effect is None or by_claim[claim].effect.mean == pytest.approx(row["effect"], abs=1e-3)


def test_missing_seeds_cost_what_the_trainings_of_their_cells_took(study):
    lacking = line(study, "set00", "trained - random")
    assert lacking.verdict == "undecided"
    assert lacking.effect.mean == pytest.approx(6)
    assert lacking.effect.deviation == pytest.approx(np.std(TRANSFERRED["set00"], ddof=1))
    assert lacking.more == lacking.needed - SEEDS > 0
    assert lacking.equivalent is None
    per_seed = 3 + 1 + 3  # transfers of three sources, a control, the sources' base models
    assert lacking.core_hours == pytest.approx(lacking.more * per_seed)
    assert lacking.gpu_hours == pytest.approx(lacking.more * per_seed / 2)
    assert lacking.remark == ""


def test_what_is_decided_costs_nothing_more(study):
    decided = line(study, "set00", "base - identity")
    assert (decided.verdict, decided.more, decided.core_hours) == ("supported", 0, 0)


def test_it_says_where_test_images_are_the_limit(study):
    limited = line(study, "set01", "trained - random")
    assert (limited.needed, limited.core_hours) == (None, None)
    assert "more seeds do not help: for these test images it must lie 2.80 from the bound" in limited.remark
    assert limited.remark.endswith("and lies 1.00")


def test_it_says_where_the_effect_lies_at_the_bound(study):
    assert line(study, "set01", "base - identity").remark == "more than 1,000 seeds: it lies 0.00 from the bound"


def test_it_says_what_was_not_run(study):
    not_run = line(study, "Figure 2a")
    assert (not_run.effect, not_run.needed, not_run.remark) == (None, None, "its cells were not run")


def test_without_a_run_record_there_are_no_hours(study):
    random = next(job for name, job in jobs.cells(study.study).items() if name == "table2/set00--random")
    runs.path(study.results, random.inputs["seed0"].folder).unlink()
    lacking = line(study, "set00", "trained - random")
    assert lacking.more > 0
    assert lacking.core_hours is None
    assert lacking.remark == f"no hours: 1 of {7 * SEEDS} trainings have no run record"


def test_every_claim_is_a_row_for_people(study, capsys):
    show(power(study))
    printed = capsys.readouterr().out
    assert all(line.claim in printed for line in lines(study))
    assert "Seeds needed: for a test at 5 % with 80 % power" in printed


def test_a_study_that_judges_no_claims_is_one_line():
    tiny = check(configuration(targets=2, sources=3)).current
    with pytest.raises(KeyfiltersError, match=r"the study tiny judges no claims; put `claims: \{\}` below its tables"):
        lines(StudyResults(tiny, "tiny", *(Path(name) for name in ("artifacts", "results", "logs"))))


def test_a_cell_that_is_missing_is_one_line(study):
    (study.results / "cells/table2/set00--set01.json").unlink()
    with pytest.raises(KeyfiltersError, match=r"set00--set01\.json: no readable cell"):
        lines(study)
