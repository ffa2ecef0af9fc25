"""Equations put together to networks."""
