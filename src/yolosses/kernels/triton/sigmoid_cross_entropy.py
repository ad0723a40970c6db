"""The part of a cross-entropy of logits that has no target: sums of softplus and their gradient, one pass each.

Bytes moved: forward reads the logits once, backward reads them once and writes the gradient once.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 2048


def softplus_sums(scores: Tensor, location_weight: Tensor | None, class_weight: Tensor | None) -> Tensor:
    """(B,) float64 sums of weight * softplus(score) of ``scores`` (B, C, n); weights (B, 1, n) and (C,), or None."""
    images, classes, locations = scores.shape
    blocks = triton.cdiv(classes * locations, BLOCK)
    dtype = torch.promote_types(scores.dtype, torch.float32)
    # Each program leaves its own sum: adding atomically would make the last bits depend on who comes first.
    partial = torch.empty(images, blocks, dtype=dtype, device=scores.device)
    if partial.numel():
        of_location, of_class = _or_any(location_weight, scores), _or_any(class_weight, scores)
        _softplus_kernel[(images, blocks)](
            scores, partial, of_location, of_class, *scores.stride(), *_strides(of_location, location_weight),
            classes * locations, locations, blocks,
            location_weight is not None, class_weight is not None, BLOCK,
        )  # fmt: skip
    return partial.sum(1, dtype=torch.float64)


def write_sigmoid(
    target: Tensor,
    scores: Tensor,
    of_sums: Tensor,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
) -> None:
    """Into ``target`` (B, C, n) the gradient of `softplus_sums` times ``of_sums`` (B,)."""
    images, classes, locations = scores.shape
    blocks = triton.cdiv(classes * locations, BLOCK)
    if scores.numel():
        of_location, of_class = _or_any(location_weight, scores), _or_any(class_weight, scores)
        _sigmoid_kernel[(images, blocks)](
            scores, target, of_sums.contiguous(), of_location, of_class, *scores.stride(), *target.stride(),
            *_strides(of_location, location_weight), classes * locations, locations,
            location_weight is not None, class_weight is not None, BLOCK,
        )  # fmt: skip


def _or_any(weight: Tensor | None, scores: Tensor) -> Tensor:
    """A kernel takes some tensor where it reads none."""
    return scores if weight is None else weight


def _strides(tensor: Tensor, weight: Tensor | None) -> tuple[int, int]:
    return (0, 0) if weight is None else (tensor.stride(0), tensor.stride(2))


@triton.jit
def _place(element, length, locations):
    """Class and location of each number of an image, and whether it is one."""
    return element // locations, element % locations, element < length


@triton.jit
def _softplus_kernel(
    scores, partial, of_location, of_class, image_stride, class_stride, location_stride,
    weight_image_stride, weight_location_stride, length, locations, blocks,
    HAS_LOCATION: tl.constexpr, HAS_CLASS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    image, block = tl.program_id(0).to(tl.int64), tl.program_id(1)
    label, location, inside = _place(block * BLOCK + tl.arange(0, BLOCK), length, locations)
    at = scores + image * image_stride + label * class_stride + location * location_stride
    x = tl.load(at, mask=inside, other=0.0).to(partial.dtype.element_ty)  # at least float32
    value = tl.maximum(x, 0.0) + _log1p(tl.exp(-tl.abs(x)))
    if HAS_LOCATION:
        place = image * weight_image_stride + location * weight_location_stride
        value = value * tl.load(of_location + place, mask=inside, other=0.0)
    if HAS_CLASS:
        value = value * tl.load(of_class + label, mask=inside, other=0.0)
    tl.store(partial + image * blocks + block, tl.sum(tl.where(inside, value, 0.0), 0))


@triton.jit
def _log1p(x):
    """log(1 + x), exact also where 1 + x rounds to 1 (Goldberg 1991, theorem 4)."""
    one = 1.0 + x
    return tl.where(one == 1.0, x, tl.log(one) * (x / tl.where(one == 1.0, 1.0, one - 1.0)))


@triton.jit
def _sigmoid_kernel(
    scores, target, of_sums, of_location, of_class, image_stride, class_stride, location_stride,
    target_image_stride, target_class_stride, target_location_stride,
    weight_image_stride, weight_location_stride, length, locations,
    HAS_LOCATION: tl.constexpr, HAS_CLASS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    image, block = tl.program_id(0).to(tl.int64), tl.program_id(1)
    label, location, inside = _place(block * BLOCK + tl.arange(0, BLOCK), length, locations)
    at = scores + image * image_stride + label * class_stride + location * location_stride
    x = tl.load(at, mask=inside, other=0.0).to(of_sums.dtype.element_ty)  # at least float32
    # Of the two forms of the sigmoid the one whose exponential cannot overflow.
    small = tl.exp(-tl.abs(x))
    value = tl.where(x >= 0, 1.0, small) / (1.0 + small) * tl.load(of_sums + image)
    if HAS_LOCATION:
        place = image * weight_image_stride + location * weight_location_stride
        value = value * tl.load(of_location + place, mask=inside, other=0.0)
    if HAS_CLASS:
        value = value * tl.load(of_class + label, mask=inside, other=0.0)
    place = image * target_image_stride + label * target_class_stride + location * target_location_stride
    tl.store(target + place, value.to(target.dtype.element_ty), mask=inside)
