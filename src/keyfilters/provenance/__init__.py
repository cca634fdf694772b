"""Why an artifact is what it is: explaining, checking, pruning, fetching from DVC's remote."""
