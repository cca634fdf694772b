"""Architectures by timm's name, and which of their convolutions are depthwise.

This file imports nothing heavy: a study is checked against these names before any job starts.
"""

ARCHITECTURES = ("convnext_femto", "convnext_tiny", "convnext_large")
