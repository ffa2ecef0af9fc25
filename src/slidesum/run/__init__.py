"""Equations to numbers."""
