import pytest

from keyfilters.running.attempts import AGAIN, is_further_attempt


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["snakemake", "table2"], False),
        (["snakemake", "--attempt", "1", "--force"], False),
        (["snakemake", "--attempt", "2", "--force"], True),
        (["snakemake", "--attempt", "10", "--force"], True),
    ],
)
def test_snakemake_says_on_its_command_line_which_attempt_it_is(
    words: list[str], again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLURM_RESTART_COUNT", raising=False)
    monkeypatch.delenv(AGAIN, raising=False)

    assert is_further_attempt(words) is again


def test_what_slurm_started_again_tells_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AGAIN, "")
    monkeypatch.delenv(AGAIN)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert is_further_attempt(["snakemake", "--attempt", "1", "--force"])

    # A step of the job does not have SLURM's variable.
    monkeypatch.delenv("SLURM_RESTART_COUNT")
    assert is_further_attempt(["snakemake", "--attempt", "1", "--force"])
