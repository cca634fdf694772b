"""`make bench`: how fast the training loop, the start of a job, idle Snakemake and the reader of ONNX are here."""
