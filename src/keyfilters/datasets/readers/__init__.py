"""One module per source of pictures; `keyfilters.datasets.reader` says what they have in common."""
