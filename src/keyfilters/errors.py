"""The one exception that a user is meant to read."""


class KeyfiltersError(Exception):
    """Wrong input or a failed step: one line that names the file or setting and says what to do."""
