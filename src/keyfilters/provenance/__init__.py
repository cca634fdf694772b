"""Why an artifact is what it is: explaining, checking, setting aside, fetching from DVC's remote."""
