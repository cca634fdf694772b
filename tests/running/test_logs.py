"""What the end of a job's log says."""

import pytest

from keyfilters.running.logs import failed_for_good

STOPPED = "keyfilters train: stopped by SIGTERM in epoch 3; run again to go on from there\n"


@pytest.mark.parametrize(
    ("written", "for_good"),
    [
        ("fetching https://example.org/a.tar\nkeyfilters prepare: a.tar: sha256 is 1, expected 2\n", True),
        ("keyfilters filters: a.json: no such file\n\n", True),
        (STOPPED, False),
        ("keyfilters train: stopped by SIGTERM in epoch 3; a.pt: could not be written (disk full)\n", False),
        ("epoch 1/9\nepoch 2/9\n", False),  # killed, or its node is gone
        ("keyfilters: the preloaded process of this job was killed; run again\n", False),
        ("Traceback (most recent call last):\n  a\nOSError: [Errno 116] Stale file handle\n", False),
        ("", False),
        (None, False),
    ],
)
def test_only_an_error_that_somebody_has_to_mend_is_for_good(tmp_path, written, for_good):
    log = tmp_path / "job.log"
    if written is not None:
        log.write_text(written)
    assert failed_for_good(log) == for_good
