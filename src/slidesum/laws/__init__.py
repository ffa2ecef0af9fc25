"""Equation to fact, without arrays."""
