"""Kernels for a GPU, in Triton, chosen by ``impl="triton"``. Imports triton, so an engine imports this only when it
uses
it."""

from yolosses.kernels.triton import point_decode, point_sums, squared_errors, task_aligned

__all__ = ["point_decode", "point_sums", "squared_errors", "task_aligned"]
