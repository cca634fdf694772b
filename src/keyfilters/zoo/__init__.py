"""Collecting pretrained networks and reading their weight files."""
