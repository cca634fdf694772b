"""The simulated schedule: small graphs whose answers are worked out by hand."""

import pytest

from keyfilters.planning import schedule
from keyfilters.planning.schedule import simulate
from keyfilters.store import artifacts
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import STAGES, configuration

CHAIN = {"a": 3.0, "b": 2.0, "c": 1.0}, {"b": ["a"], "c": ["b"]}
FAN = {"base": 4.0, "x": 1.0, "y": 2.0, "z": 3.0}, {"x": ["base"], "y": ["base"], "z": ["base"]}


@pytest.mark.parametrize("gpus", [1, 2, 64])
def test_a_chain_takes_its_sum_on_any_number_of_gpus(gpus):
    simulated = simulate(*CHAIN, gpus)
    assert (simulated.seconds, simulated.critical) == (6.0, ("a", "b", "c"))


@pytest.mark.parametrize(("gpus", "seconds"), [(1, 10.0), (2, 7.0), (3, 7.0)])
def test_a_fan_waits_for_its_base(gpus, seconds):
    assert simulate(*FAN, gpus).seconds == seconds


def test_the_longest_way_comes_first():
    # On two GPUs: long and one short at once, then the other short; beginning with both short ones takes 6.
    seconds = {"long": 4.0, "short": 2.0, "shorter": 2.0}
    assert simulate(seconds, {}, 2).seconds == 4.0
    # `base` is short, but the longest training rests on it.
    seconds = {"alone": 3.0, "base": 1.0, "user": 5.0}
    assert simulate(seconds, {"user": ["base"]}, 1).critical[0] == "base"
    assert simulate(seconds, {"user": ["base"]}, 2).seconds == 6.0


def test_the_critical_chain_names_what_a_gpu_was_waited_for():
    # One after the other on one GPU: nothing is needed, all is waited for.
    simulated = simulate({"a": 3.0, "b": 2.0}, {}, 1)
    assert (simulated.seconds, simulated.critical) == (5.0, ("a", "b"))
    assert simulate({"a": 3.0, "b": 2.0}, {}, 2).critical == ("a",)
    assert simulate(*FAN, 64).critical == ("base", "z")


def test_nothing_to_train_takes_no_time():
    assert simulate({}, {}, 8).seconds == 0
    assert simulate({}, {}, 8).critical == ()


def rows(text):
    table = text.split("\n\n")[1].splitlines()[2:]
    return {line.split()[0]: [float(cell.replace(",", "")) for cell in line.split()[1:]] for line in table}


def test_a_study_is_scheduled_from_its_own_images_per_second(tmp_path):
    """Four sets of 3,600 images for 2 epochs at 2 images/s: an hour each; on top a table 2 of 2 by 4 cells, which reads
    the base models of its rows."""
    study = check(configuration(2, 4)).current
    for job in sorted(jobs.keyed(study).values(), key=lambda job: STAGES.index(job.stage)):
        with artifacts.write(tmp_path, job.description) as draft:
            draft.facts.update({"train": 3600, "test": 5} if job.stage == "prepare" else {"images_per_second": 2})
    text = schedule.schedule(study, "tiny", tmp_path)
    assert "images/s measured in this study: 16" in text
    by_table = rows(text)
    assert by_table["table7"] == [4, 4, 1, 1]
    assert by_table["table2"] == [14, 14, 2, 2]
    assert by_table["all"] == [16, 16, 2, 2]


def test_without_anything_made_or_published_the_limits_rate_is_used_and_said(tmp_path):
    text = schedule.schedule(check(configuration(2, 4)).current, "tiny", tmp_path)
    assert "the slow rate of a time limit, which counts an unprepared set as 100,000 images: 16" in text
    assert rows(text)["all"][1] > 0
