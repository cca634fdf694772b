"""Downloads: pinned package files, published archives, and unpacking them safely."""
