"""`make bench`: how fast the training loop, the start of a job and an idle Snakemake are on this machine."""
