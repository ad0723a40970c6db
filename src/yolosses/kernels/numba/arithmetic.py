"""Elementary functions. `exp`, `softplus` and `sigmoid` are of float32 and vectorise, which the C library's do not."""

import numpy as np
from numpy import float32 as real

from yolosses.kernels.numba.loops import compiled


@compiled
def not_negative(size):
    """NaN stays NaN."""
    return type(size)(0) if size < 0 else size


@compiled
def exp(x):
    """e^x of x <= 0 with a relative error of 8e-8; below -87 and of NaN that of -87. Cephes (Moshier 1989)."""
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
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) with a relative error of 3e-7; NaN of NaN.

    log(1 + e) is 2 artanh(s) with s = e / (2 + e), at most 1 / 3, whose series ends soon.
    """
    e = exp(-abs(x))
    s = e / (real(2) + e)
    z = s * s
    p = (real(1 / 13) * z + real(1 / 11)) * z + real(1 / 9)
    p = ((p * z + real(1 / 7)) * z + real(1 / 5)) * z + real(1 / 3)
    return (real(0) if x <= 0 else x) + real(2) * (s + s * z * p)


@compiled
def sigmoid(x):
    """1 / (1 + e^-x) with a relative error of 3e-7; NaN of NaN."""
    e = exp(-abs(x))
    value = (e if x < 0 else real(1)) / (real(1) + e)
    return value if x == x else x
