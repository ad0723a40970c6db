"""The locations inside a box: on each level they are a window of rows and columns."""

from yolosses.kernels.numba.loops import bounded, compiled

EDGE = 1e-9
"""That of `assigners.alignment`, which may import kernels and not be imported."""


@compiled
def window(centre, size, least_side, stride, cells):
    """First and one past the last of the cells along one axis whose centres lie inside: see `Wanted.inside`."""
    real = type(centre)
    half = (size if size > least_side else least_side) * real(0.5)
    low, high = centre - half, centre + half
    # One more at each end than there may be, and then as many fewer as there are.
    first, end = bounded(low / stride - real(1.5), cells), bounded(high / stride + real(1.5), cells)
    while first < end and not (
        (real(first) + real(0.5)) * stride - low > EDGE and high - (real(first) + real(0.5)) * stride > EDGE
    ):
        first += 1
    while first < end and not (high - (real(end - 1) + real(0.5)) * stride > EDGE):
        end -= 1
    return first, end
