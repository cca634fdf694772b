"""A job while it runs: heartbeat, log, progress, what it spends."""
