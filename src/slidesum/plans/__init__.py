"""Equation with sizes -> steps: which smaller equations compute it, each by which method. No arrays."""
