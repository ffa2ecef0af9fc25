"""A convolution as a product of spectra (the correlation theorem): for kernels so large that the transforms cost less.

Its error is that of the transforms: about the rounding unit times the logarithm of their size times the norms of x and w, and not
relative to each value. So small values beside large ones lose digits, which is why it is used only where that is allowed.
"""

from __future__ import annotations

from slidesum.plans.cost import spectrum_cells
from slidesum.plans.step import Step
from slidesum.run.backend import Array, Backend


def transformed(backend: Backend, step: Step, x: Array, w: Array) -> Array:
    """x (batch, group·channel, cells…) with w (group·filter, channel, taps…), as `Backend.convolution`."""
    low = step.lowering
    assert low is not None
    geometry, slid = low.geometry, len(low.lines)
    sizes = spectrum_cells(low, step.sized)
    for k, padding in enumerate(geometry.padding):
        x = backend.pad(x, 2 + k, padding, padding, 0) if padding else x
    for k, dilation in enumerate(geometry.dilations):
        w = _spread(backend, w, 2 + k, dilation) if dilation > 1 else w
    groups = geometry.groups
    x = backend.reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    w = backend.reshape(w, (groups, w.shape[0] // groups, *w.shape[1:]))
    axes = tuple(range(3, 3 + slid))
    over_x, over_w = backend.spectrum(x, axes, sizes), backend.spectrum(w, axes, sizes)
    # the correlation theorem: conj(W)·X; for complex filters only the transform is turned round, not the filter conjugated
    turned = over_w.conj() if "complex" not in str(w.dtype) else _reversed(backend, over_w, axes)
    batch, group, channel, filters = 0, 1, 2, 3
    rest = list(range(4, 4 + slid))
    product = backend.einsum(
        [(over_x, [batch, group, channel, *rest]), (turned, [group, filters, channel, *rest])], [batch, group, filters, *rest]
    )
    y = backend.signal(product, axes, sizes, x)
    y = y[(slice(None),) * 3 + tuple(slice(0, (n - 1) * s + 1, s) for n, s in zip(low.positions, geometry.strides, strict=True))]
    return backend.reshape(y, (y.shape[0], groups * y.shape[2], *y.shape[3:]))


def _reversed(backend: Backend, spectrum: Array, axes: tuple[int, ...]) -> Array:
    """The spectrum at the negative frequencies."""
    for axis in axes:
        n = spectrum.shape[axis]
        spectrum = backend.take(spectrum, axis, [-k % n for k in range(n)])
    return spectrum


def _spread(backend: Backend, w: Array, axis: int, dilation: int) -> Array:
    """Zeros between the taps."""
    n = w.shape[axis]
    return backend.fold(w, axis, 0, [dilation], dilation * (n - 1) + 1)
