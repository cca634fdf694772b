"""`make bench`: how fast loop, start of a job, idle Snakemake, extraction and analysis are on this machine."""
