"""Networks of the literature."""
