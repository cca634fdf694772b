"""Extraction of filters from networks, the store that keeps them, and the published form of CNN Filter DB."""
