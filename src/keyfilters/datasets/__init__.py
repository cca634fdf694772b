"""Prepared sets of images, and the batches that a training reads from them."""
