"""Whole networks as one native program: maps in blocks of a vector's width, kernels on them, threads that share the work."""
