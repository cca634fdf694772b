"""Cells, tables and figures of a study: what people read."""
