"""Small numbers that formulas and their kernels must agree on."""

DFL_MARGIN = 0.01
"""Bins that a distance stays away from the last one, so that both of its bins exist (YOLOv8: reg_max - 1 - 0.01)."""
QUALITY_EPS = 1e-9
"""In the denominator of a task-aligned quality (TOOD, as YOLOv8 has it)."""
INSIDE_MARGIN = 1e-9
"""Pixels by which a location lies inside the box of which it is a candidate (TOOD, as YOLOv8 has it)."""
