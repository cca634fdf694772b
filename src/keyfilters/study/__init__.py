"""A study: its settings, its tables and figures, and the jobs that they are made of."""
