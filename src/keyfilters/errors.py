"""The exceptions that a user is meant to read."""

import os


class KeyfiltersError(Exception):
    """Wrong input or a failed step: one line that names the file or setting and says what to do."""

    status = 1  # of the process that it ends


GOES_ON = "run again to go on from there"
STOPPED = "stopped by"  # how the line begins of a job that may well end the next time


class Stopped(KeyfiltersError):
    """A signal ended a training, which goes on from its checkpoint when it is run again."""

    status = os.EX_TEMPFAIL
