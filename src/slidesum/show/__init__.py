"""Facts to eyes."""
