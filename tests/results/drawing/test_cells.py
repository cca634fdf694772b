"""What a table's notes say of the runs under it."""

from keyfilters.results.drawing import cells


def record(*seeds):
    runs = [{"seed": seed} for seed in seeds]
    return {"n": len(runs), "runs": runs}


def test_many_seeds_in_a_row_are_a_range():
    assert cells.in_words([0, 1, 2]) == "0, 1, 2"
    assert cells.in_words(range(40)) == "0 to 39"
    assert cells.in_words([0, 1, 2, 4]) == "0, 1, 2, 4"


def test_trainings_and_pretrained_networks_are_told_apart():
    assert cells.basis([record(0, 1), record(0, 1)], "mini").startswith(
        "Study `mini`, 4 trainings, n = 2 a cell (seeds 0, 1); "
    )
    assert cells.basis([record(0, 1), record(None)], "paper").startswith(
        "Study `paper`, 2 trainings, pretrained elsewhere: 1, n = 1 or 2 a cell (seeds 0, 1); "
    )
    assert "0 trainings, pretrained elsewhere: 1, n = 1 a cell; top-1" in cells.basis([record(None)], "paper")
