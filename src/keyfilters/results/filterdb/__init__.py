"""Tables and figures of *CNN Filter DB*, one module each."""
