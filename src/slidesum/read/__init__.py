"""Files and foreign models to networks."""
