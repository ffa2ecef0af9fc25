"""slidesum: einsum for convolutions, and everything that follows from it."""
