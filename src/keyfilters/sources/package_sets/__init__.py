"""Readers of the sets that packages carry, one module each; a module here is a set of the source `package`."""
