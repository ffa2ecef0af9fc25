"""Learning the weights."""
