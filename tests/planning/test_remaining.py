"""The time that is left of a run, by counts and costs that are worked out by hand; no clock is read."""

import pytest

from keyfilters.planning.remaining import Recorded, Remaining, Run, completed, counted, estimated, label, remaining
from keyfilters.running.progress import seconds_left
from keyfilters.store.identity import Job
from tests.helpers.stubs import run_record

ALL = {"a", "b", "c", "d"}


def record(base, job, seconds):
    run_record(base, job.folder, seconds=seconds)


def test_nothing_left_is_said():
    assert str(remaining({}, {}, [(ALL, 2)])) == "nothing left"
    assert str(remaining({"a": 0.0}, {}, [(ALL, 2)])) == "about to end"


@pytest.mark.parametrize(("slots", "seconds"), [(1, 100), (2, 50), (64, 40)])
def test_jobs_share_the_slots_and_none_is_split(slots, seconds):
    costs = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}
    assert remaining(costs, {}, [(ALL, slots)]) == Remaining(seconds, 0)


def test_a_chain_takes_its_sum_however_many_slots_there_are():
    costs = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 1.0}
    assert remaining(costs, {"c": ["b"], "b": ["a"]}, [(ALL, 64)]).seconds == 60


def test_what_needs_jobs_that_are_done_does_not_wait_for_them():
    assert remaining({"c": 30.0}, {"c": ["b"], "b": ["a"]}, [(ALL, 1)]).seconds == 30


def test_a_few_gpus_are_busy_longer_than_many_cores():
    costs = {"a": 30.0, "b": 30.0, "c": 30.0, "d": 10.0}
    assert remaining(costs, {}, [(ALL, 16), ({"a", "b", "c"}, 1)]).seconds == 90


def test_jobs_whose_cost_is_not_known_are_counted_not_guessed():
    assert remaining({"a": 10.0, "b": None, "c": None}, {}, [(ALL, 1)]) == Remaining(10, 2)
    assert str(Remaining(130, 2)) == "at least 2 min left, beside 2 jobs of unknown cost"
    assert str(Remaining(0, 1)) == "time left not known"
    assert str(remaining({"a": None}, {}, [(ALL, 1)])) == "time left not known"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 s"), (99, "99 s"), (100, "2 min"), (5940, "99 min"), (6000, "1 h 40 min"), (200_000, "2 days 8 h")],
)
def test_a_time_has_two_units_at_most(seconds, text):
    assert str(Remaining(seconds, 0)) == f"{text} left"


def test_what_is_not_recorded_is_the_mean_scaled_by_the_work():
    assert completed({"a": 10.0, "b": 30.0}, {"a": 1, "b": 3, "c": 2}) == {"a": 10, "b": 30, "c": 20}
    assert completed({}, {"a": 1}) == {}
    assert completed({"a": 10.0}, {"b": 1}) == {"a": 10}


def test_what_took_no_time_that_was_measured_scales_nothing():
    assert estimated({"a": 1.0, "b": 1.0}, {"a": 0.0}, {"a": 0.02}) == {"a": 0.02, "b": 0}


def test_rules_are_counted_in_the_order_in_which_one_needs_the_other():
    planned = ["page", *map(label, ("table7", "cell", "fig2a", "filterdb_set", "train", "prepare", "prepare"))]
    counts = counted(["prepare", "page"], planned)
    assert list(counts) == ["prepare", "train", "filterdb", "cell", "tables and figures", "page"]
    assert counts["prepare"] == (1, 2)
    assert counts["tables and figures"] == (0, 2)
    assert counts["page"] == (1, 1)


def test_the_ratio_of_this_machine_to_the_recorded_one_scales_what_waits():
    """`a` and `b` were recorded elsewhere, `a` took half as long here; `c` has twice the work of `a`."""
    weights = {"a": 1.0, "b": 3.0, "c": 2.0}
    assert estimated(weights, {"a": 10.0, "b": 30.0}, {}) == {"a": 10, "b": 30, "c": 20}
    assert estimated(weights, {"a": 10.0, "b": 30.0}, {"a": 5.0}) == {"a": 5, "b": 15, "c": 10}


def test_without_records_elsewhere_those_here_are_scaled_by_the_work():
    assert estimated({"a": 1.0, "b": 3.0}, {}, {"a": 5.0}) == {"a": 5, "b": 15}
    assert estimated({"a": 1.0, "b": 3.0}, {}, {}) == {}


def training(name, epochs, stage="train"):
    dataset = Job("prepare", "signs", {"image_size": 32})
    settings = {"model": {"architecture": "convnext_femto"}, "training": {"epochs": epochs, "batch_size": 16}}
    return Job(stage, name, settings, {"dataset": dataset})


def test_a_transfer_is_estimated_from_base_models_by_images_and_network(tmp_path):
    base, transfer = training("base", epochs=2), training("transfer", epochs=10, stage="transfer")
    record(tmp_path / "artifacts", base, 8.0)
    costs = Recorded([base, transfer], tmp_path / "artifacts", tmp_path / "results").costs()
    assert costs == {base.folder: 8, transfer.folder: pytest.approx(40)}


def test_records_of_the_results_are_read_where_nothing_was_made_here(tmp_path):
    base, other, cell = training("base", 2), training("other", 2), Job("cell", "cell", {})
    record(tmp_path / "results", base, 8.0)
    recorded = Recorded([base, other, cell], tmp_path / "artifacts", tmp_path / "results")
    assert recorded.costs() == {base.folder: 8, other.folder: 8}
    record(tmp_path / "artifacts", base, 2.0)
    recorded.look(base.folder)
    assert recorded.costs() == {base.folder: 2, other.folder: 2}


def test_tables_and_figures_are_estimated_from_each_other(tmp_path):
    drawn, waiting = Job("table7", "table7", {}), Job("fig2a", "fig2a", {})
    record(tmp_path, drawn, 3.0)
    assert Recorded([drawn, waiting], tmp_path, tmp_path / "results").costs() == {drawn.folder: 3, waiting.folder: 3}


def test_a_running_training_says_itself_what_is_left_of_it_and_others_by_their_cost(tmp_path):
    base, other, cell = training("base", 2), training("other", 2), Job("cell", "cell", {})
    for job, seconds in ((base, 100.0), (other, 100.0), (cell, 10.0)):
        record(tmp_path, job, seconds)
    run = Run({1: base, 2: other, 3: cell}, {}, Recorded([base, other, cell], tmp_path, tmp_path / "results"))
    one = [({1, 2, 3}, 1)]
    assert run.left({}, {}, one).seconds == 210
    assert run.left({1: None}, {}, one).seconds == 110
    line = "other: epoch 1/2, loss 1.000, training accuracy 50.0%, 2,000 images/s, 0:00:30 left"
    assert run.left({1: None}, {2: (line, 5)}, one).seconds == 40
    assert run.left({1: None}, {2: ("", 5)}, one).seconds == 105
    assert run.left({1: None, 2: None}, {3: ("", 50)}, one).seconds == 0


def test_the_start_of_jobs_counts_by_those_that_ended_here(tmp_path):
    """Two trainings of 10 s took 12 and 14 s: a third takes 13, and a cell of 1 s, as no cell has ended yet, 4."""
    trainings = {number: training(f"seed{number}", 2) for number in (1, 2, 3)}
    every = trainings | {4: Job("cell", "cell", {})}
    for number, job in every.items():
        record(tmp_path, job, 1.0 if number == 4 else 10.0)
    run = Run(every, {}, Recorded(every.values(), tmp_path, tmp_path / "results"))
    one = [(set(every), 1)]
    assert run.left({}, {}, one).seconds == 31
    assert run.left({1: 12.0, 2: 14.0}, {}, one).seconds == 13 + 4
    assert run.left({1: 12.0, 2: None}, {3: ("", 5.0)}, one).seconds == 7 + 3


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("a: epoch 2/3, 2,000 images/s, 0:00:09 left", 9),
        ("a: epoch 2/3, 20 images/s, 1 day, 2:00:01 left", 93601),
        ("a: epoch 2/3, 20 images/s, 3 days, 0:10:00 left", 259800),
        ("a.tgz: 1.0 of 2.0 MB, 1.0 MB/s, 0:00:01 left", None),
        ("", None),
    ],
)
def test_only_a_training_says_how_long_its_job_takes(line, seconds):
    assert seconds_left(line) == seconds
