"""Convolutions that learn: forward, and the gradients of x and of the filters, by Winograd's transforms."""
