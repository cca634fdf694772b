"""Figures of the depthwise filters of networks that a study trains, one module each."""
