"""The numbers in the pictures, as people write them."""

from __future__ import annotations

import numpy as np


def number(value: float) -> str:
    """Three significant digits, as people write them: 1,234; 12.3; 0.0123; 1.2e-05."""
    size = abs(value)
    if not np.isfinite(value):
        return str(float(value))
    if size == 0:
        return "0"
    if size < 0.0001:
        return f"{value:.1e}"
    decimals = max(0, 2 - int(np.floor(np.log10(size))))
    return f"{value:,.{decimals}f}"


def percent(part: float, whole: float) -> str:
    """``part`` of ``whole``, or a dash where there is no such share."""
    if not (np.isfinite(part) and np.isfinite(whole)) or whole == 0:
        return "–"
    share = 100 * part / whole
    return f"{share:.1f} %" if 0 < share < 1 else f"{share:.0f} %"
