"""What the kernels' numbers have in common."""

import triton
import triton.language as tl


@triton.jit
def rounded_product(a, b):
    """A product that no compiler fuses with the sum that follows, so that what is equal in torch is equal here: a sum
    that it is fused with rounds once, and the areas of identical boxes differ."""
    return tl.fma(a, b, 0.0)


@triton.jit
def not_negative(size):
    """A NaN stays one."""
    return tl.where(size < 0, 0.0, size)
