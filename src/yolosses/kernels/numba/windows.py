"""The locations inside a box: on each level they are a window of rows and columns."""

from yolosses.constants import INSIDE_MARGIN
from yolosses.kernels.numba.loops import bounded, compiled


@compiled
def window(centre, size, least_side, stride, cells):
    """First and one past the last of the cells along one axis whose centres lie inside: see `Wanted.inside`."""
    real = type(centre)
    half = (size if size > least_side else least_side) * real(0.5)
    low, high = centre - half, centre + half
    # Wider by one cell at each end, then narrowed to the exact window.
    first, end = bounded(low / stride - real(1.5), cells), bounded(high / stride + real(1.5), cells)
    while first < end:
        point = (real(first) + real(0.5)) * stride
        if point - low > INSIDE_MARGIN and high - point > INSIDE_MARGIN:
            break
        first += 1
    while first < end and not (high - (real(end - 1) + real(0.5)) * stride > INSIDE_MARGIN):
        end -= 1
    return first, end
