"""Loops for a CPU, compiled by Numba, chosen by ``impl="numba"``. Imports numba, so an engine imports this only when it
uses it."""

from yolosses.kernels.numba import point_decode, point_sums, responsible, squared_errors, task_aligned

__all__ = ["point_decode", "point_sums", "responsible", "squared_errors", "task_aligned"]
