"""YOLOv1's responsible boxes in one loop over the objects: see `assigners.assign_responsible`, which says the rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from yolosses.kernels.numba.loops import bounded, compiled, over_images
from yolosses.kernels.operators import operator


def responsible(
    raw: Tensor, layout: list[int], boxes: Tensor, mask: Tensor, shape: list[int], roots: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Which box is responsible for each object: see `schemas.GRID`. ``raw``: float32 or float64."""
    return _find(raw.detach().contiguous(), layout, boxes.detach(), mask, shape, roots)  # type: ignore[no-any-return]


def empty(raw: np.ndarray, boxes: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, ...]:
    """What `responsible` returns, not yet written."""
    real = raw.dtype if raw.dtype == boxes.dtype else np.float64
    predictor, first, iou = (np.empty(mask.shape, dtype) for dtype in (np.int64, np.bool_, real))
    return predictor, first, iou, np.empty(len(mask), np.int64)


def fake(raw: Tensor, boxes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What `responsible` returns, for compilers."""
    iou = mask.new_empty(mask.shape, dtype=torch.promote_types(raw.dtype, boxes.dtype))
    predictor = mask.new_empty(mask.shape, dtype=torch.int64)
    return predictor, mask.new_empty(mask.shape), iou, mask.new_empty(mask.shape[0], dtype=torch.int64)


@operator(
    "responsible(Tensor raw, SymInt[] layout, Tensor boxes, Tensor mask, SymInt[] shape, bool roots)"
    " -> (Tensor, Tensor, Tensor, Tensor)",
    lambda raw, layout, boxes, mask, shape, roots: fake(raw, boxes, mask),
    "numba",
)
def _find(
    raw: Tensor, layout: Sequence[int], boxes: Tensor, mask: Tensor, shape: Sequence[int], roots: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """See `responsible`."""
    arrays = raw.numpy(), boxes.contiguous().numpy(), mask.contiguous().numpy()
    found = empty(*arrays)
    over_images(
        assign_loop,
        len(mask),
        32 * mask.numel(),
        arrays[0],
        tuple(layout),
        *arrays[1:],
        tuple(shape),
        roots,
        *found,
    )
    predictor, first, iou, num_dropped = map(torch.from_numpy, found)
    return predictor, first, iou, num_dropped


@compiled
def cell_of(x, y, rows, cols):
    """Row and column of a centre, found in float32 whatever the dtype."""
    return bounded(np.float32(y) * np.float32(rows), rows - 1), bounded(
        np.float32(x) * np.float32(cols), cols - 1
    )


@compiled
def _common(apart, size, other):
    """Length that two intervals share whose centres are ``apart``, see `boxes.paired_iou`; NaN of NaN."""
    half = type(size)(0.5)
    low, high = -other * half, other * half
    if not apart - size * half <= low:
        low = apart - size * half
    if not apart + size * half >= high:
        high = apart + size * half
    return high - low


@compiled
def assign_loop(begin, end, raw, layout, boxes, mask, shape, roots, predictor, first, iou, num_dropped):
    rows, cols, k, _ = shape
    owned = np.empty(rows * cols, np.bool_)
    across, down = raw.dtype.type(cols), raw.dtype.type(rows)
    wide_across, wide_down = boxes.dtype.type(cols), boxes.dtype.type(rows)
    for image in range(begin, end):
        owned[:] = False
        dropped = 0
        for number in range(mask.shape[1]):
            predictor[image, number], first[image, number], iou[image, number] = 0, False, 0
            if not mask[image, number]:
                continue
            x, y, w, h = boxes[image, number]
            row, col = cell_of(x, y, rows, cols)
            cell = row * cols + col
            if owned[cell]:
                dropped += 1
                continue
            owned[cell] = True
            x = (x * wide_across - boxes.dtype.type(col)) / wide_across
            y = (y * wide_down - boxes.dtype.type(row)) / wide_down
            most, nearest = w * 0, w * 0
            best, next_to = -1, 0
            for box in range(k):
                at = layout[0] + cell * layout[1] + box * layout[2]
                px, py = raw[image, at] / across, raw[image, at + 1] / down
                pw, ph = raw[image, at + 2], raw[image, at + 3]
                if roots:
                    pw, ph = pw * pw, ph * ph
                width, height = _common(px - x, pw, w), _common(py - y, ph, h)
                if width > 0 and height > 0:
                    common = width * height
                    union = pw * ph + w * h - common
                    if common > 0 and union > 0 and common / union > most:
                        most, best = common / union, box
                dx, dy, dw, dh = px - x, py - y, pw - w, ph - h
                distance = dx * dx + dy * dy + dw * dw + dh * dh
                # A NaN distance is the nearest, so that it shows in the loss.
                if box == 0 or (not distance >= nearest and nearest == nearest):
                    nearest, next_to = distance, box
            predictor[image, number] = cell * k + (best if best >= 0 else next_to)
            first[image, number], iou[image, number] = True, most
        num_dropped[image] = dropped
