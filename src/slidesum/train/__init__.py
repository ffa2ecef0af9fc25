"""Training networks, and comparing them."""
