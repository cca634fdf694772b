"""One module per weight format, each with `read(path) -> Network`; siblings of the file lie beside it."""
