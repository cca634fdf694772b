"""Filters of trained convolutional networks: transferred, collected and measured."""
