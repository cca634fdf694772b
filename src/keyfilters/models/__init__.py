"""Networks: the registry of architectures, those that no library has, and which of their layers are which."""
