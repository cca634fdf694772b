"""One training loop for every study: recipe, loop, and the base models."""
