"""The three sums of YOLOv8's terms by kernels: loops for a CPU (`impl="numba"`), or Triton's for a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from yolosses.codecs import PointCodec
from yolosses.kernels import require_numba, require_triton
from yolosses.structures import Assignment, Targets


def fused_sums(
    impl: str,
    parts: Sequence[Tensor],
    codec: PointCodec,
    targets: Targets,
    assignment: Assignment,
    location_weight: Tensor | None,
    class_weight: Tensor | None,
    label_smoothing: float,
) -> Tensor:
    """(B, 3) of the boxes, the classes and the sides, before any lambda; at least float32.

    Args:
        impl: "numba" or "triton". parts: see `codecs.point.tensors_of`.
        location_weight: (B, A) of the cross-entropies, or None where all are 1. class_weight: (C,) or None.
    """
    levels = codec.levels
    # Unlike `dense.quality_of`, what it is of pairs that do not count is not read.
    quality = assignment.iou if assignment.quality is None else assignment.quality
    dtype = torch.promote_types(parts[0].dtype, torch.float32)
    sums: Tensor = _by(impl, parts[0])(
        codec.bins, [side for grid in levels.grids for side in grid], [float(stride) for stride in levels.strides],
        float(label_smoothing), assignment.predictor, assignment.object, assignment.mask,
        quality.to(dtype), codec.in_pixels(targets.boxes).to(dtype), targets.labels, targets.weight,
        location_weight, class_weight, parts,
    )  # fmt: skip
    return sums


def _by(impl: str, like: Tensor) -> Callable[..., Tensor]:
    """What adds up."""
    if impl == "numba":
        require_numba(like)
        from yolosses.losses.looped_points import point_sums as by_loops

        return by_loops
    require_triton(like)
    from yolosses.kernels.triton.point_sums import point_sums

    return point_sums
