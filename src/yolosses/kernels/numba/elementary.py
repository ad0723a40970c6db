"""Elementary functions of a float32 that a processor computes of many numbers at once, which those of the C library it
does not."""

import numpy as np
from numpy import float32 as real

from yolosses.kernels.numba.loops import compiled


@compiled
def exp(x):
    """e^x of x <= 0, within 8e-8 of its size; below -87 that of -87. Cephes (Moshier 1989)."""
    x = x if x > real(-87) else real(-87)
    power = np.floor(x * real(1.44269504088896341) + real(0.5))
    x = x - power * real(0.693359375) - power * real(-2.12194440e-4)
    p = real(1.9875691500e-4) * x + real(1.3981999507e-3)
    p = (p * x + real(8.3334519073e-3)) * x + real(4.1665795894e-2)
    p = (p * x + real(1.6666665459e-1)) * x + real(5.0000001201e-1)
    exponent = np.int32((np.int32(power) + np.int32(127)) << np.int32(23))
    return (p * x * x + x + real(1)) * exponent.view(np.float32)


@compiled
def softplus(x):
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), within 3e-7 of its size; NaN of NaN.

    log(1 + e) is 2 artanh(s) with s = e / (2 + e), at most 1 / 3, whose series ends soon.
    """
    e = exp(-abs(x))
    s = e / (real(2) + e)
    z = s * s
    p = (real(1 / 13) * z + real(1 / 11)) * z + real(1 / 9)
    p = ((p * z + real(1 / 7)) * z + real(1 / 5)) * z + real(1 / 3)
    return (real(0) if x <= 0 else x) + real(2) * (s + s * z * p)
