"""Fused implementations of hot steps on plain tensors: `triton` for a GPU, `numba` for a CPU. The torch way is the
reference, and the same tests run all."""

from yolosses.kernels.ready import require_numba, require_triton

__all__ = ["require_numba", "require_triton"]
