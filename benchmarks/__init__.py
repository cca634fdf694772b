"""`make bench`: how fast the loop, the start of a job, the analysis and an idle Snakemake are on this machine."""
