"""Kernels for a GPU, in Triton, chosen by ``impl="triton"``. The modules import triton, so a loss imports them only
when it uses them."""
