"""Student's t and Fisher's F distribution, from the incomplete beta function: SciPy is no dependency."""

from __future__ import annotations

import math
from functools import lru_cache

_MOST_TERMS = 10_000
_TINY = 1e-300


def two_sided_p(t: float, df: float) -> float:
    """Probability that Student's t with ``df`` degrees of freedom lies at least as far from 0 as ``t``."""
    if math.isinf(t):
        return 0.0
    return incomplete_beta(df / 2, 0.5, df / (df + t * t))


def f_tail(f: float, df_above: float, df_below: float) -> float:
    """Probability that Fisher's F, a ratio of two mean squares, is at least ``f``."""
    if math.isinf(f):
        return 0.0
    return incomplete_beta(df_below / 2, df_above / 2, df_below / (df_below + df_above * f))


@lru_cache(maxsize=1024)
def t_quantile(probability: float, df: float) -> float:
    """What Student's t lies below with this probability, of more than one half."""
    low, high = 0.0, 1.0
    while two_sided_p(high, df) / 2 > 1 - probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, df) / 2 > 1 - probability else (low, middle)
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), a and b positive, by its continued fraction (Abramowitz and
    Stegun, 26.5.8).
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)) by Lentz's method."""
    value, c, d = 1.0, 1.0, 0.0
    for n in range(1, _MOST_TERMS):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d or _TINY)
        c = 1 + term / c or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
