"""Fused implementations of hot steps on plain tensors, in Triton, chosen by ``impl="triton"``; the torch way is the
reference, and the same tests run both. Its modules import triton, so a loss imports them only when it uses them."""

from yolosses.kernels.ready import require_triton

__all__ = ["require_triton"]
