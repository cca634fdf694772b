"""The sections of `config.yaml` as typed, checked objects; they know no jobs."""
