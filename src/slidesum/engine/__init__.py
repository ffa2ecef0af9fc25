"""Kernels of our own: a convolution's loops, written as LLVM's intermediate code and compiled for the processor at hand."""
