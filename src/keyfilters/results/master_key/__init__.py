"""Tables and figures of *The Master Key Filters Hypothesis*, one module each."""
