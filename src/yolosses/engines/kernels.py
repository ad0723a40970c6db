"""Kernels of Triton for a GPU, and loops of Numba for a CPU, for the losses whose `recipe` they know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from yolosses.codecs import GridCodec, PointCodec
from yolosses.codecs.point import tensors_of
from yolosses.engines.recipes import GridSquares
from yolosses.engines.reference import Reference
from yolosses.kernels.ready import HAS_NUMBA, HAS_TRITON, require_numba, require_triton
from yolosses.precision import at_least_float32
from yolosses.structures import Assignment, Targets, Term, TermSum


@dataclass(frozen=True)
class Kernels:
    """``impl="triton"`` or ``impl="numba"``."""

    name: str
    require: Callable[[Tensor], None]
    installed: bool

    def match(self, loss: Any, codec: Any, raw: Any, targets: Targets) -> Assignment:
        """Which predictor is responsible for which object, ignored regions aside."""
        recipe = loss.recipe()
        if isinstance(recipe, GridSquares):
            return self._responsible(codec, raw, targets)
        parts = tensors_of(raw, num_classes=codec.num_classes, bins=codec.bins)
        if recipe.assigner is None or (self.name == "triton" and parts[0].dtype == torch.float64):
            assignment: Assignment = loss.matched(codec, raw, targets)
            return assignment
        return self._aligned(recipe.assigner, codec, raw, targets)

    def terms(
        self, loss: Any, codec: Any, raw: Any, targets: Targets, assignment: Assignment
    ) -> Sequence[Term | TermSum]:
        """The terms, summed, differentiable in ``raw``. Kernels measure "l1" in images of whole cells."""
        recipe = loss.recipe()
        if isinstance(recipe, GridSquares):
            sums = self._kernels().squared_errors.squared_error_sums(
                self._flat(codec, raw), codec.offsets, codec.shape, codec.size_encoding == "sqrt",
                (assignment.predictor, assignment.object, assignment.mask),
                assignment.iou if recipe.iou_is_target else None,
                (targets.boxes, targets.labels, _weight(targets)), recipe.class_weight, assignment.spared,
            )  # fmt: skip
        elif codec.bins == 1 and not codec.levels.whole_cells:
            return Reference().terms(loss, codec, raw, targets, assignment)
        else:
            sums = self._point_sums(recipe, codec, raw, targets, assignment)
        return TermSum.columns(recipe.names, recipe.scales, sums)

    def both(
        self, loss: Any, codec: Any, raw: Any, targets: Targets
    ) -> tuple[Assignment, Sequence[Term | TermSum]]:
        """The assignment, and the terms with it: YOLOv1's in one launch where no region is ignored."""
        recipe = loss.recipe()
        if isinstance(recipe, GridSquares) and targets.ignore is None:
            sums, found = self._kernels().squared_errors.assigned_error_sums(
                self._flat(codec, raw), codec.offsets, codec.shape, codec.size_encoding == "sqrt",
                (targets.boxes, targets.labels, _weight(targets)), targets.positive, recipe.class_weight,
                recipe.iou_is_target,
            )  # fmt: skip
            return _one_each(*found), TermSum.columns(recipe.names, recipe.scales, sums)
        with torch.no_grad():
            assignment = loss.complete(codec, targets, self.match(loss, codec, raw, targets))
        return assignment, self.terms(loss, codec, raw, targets, assignment)

    def _responsible(self, codec: GridCodec, raw: Tensor, targets: Targets) -> Assignment:
        arguments = (codec.shape, codec.size_encoding == "sqrt")
        flat, kernels = self._flat(codec, raw), self._kernels()
        if self.name == "numba":
            found = kernels.responsible.responsible(
                flat, codec.offsets, targets.boxes, targets.positive, *arguments
            )
        else:
            objects = targets.boxes, targets.labels, None
            _, found = kernels.squared_errors.assigned_error_sums(
                flat, codec.offsets, *arguments, objects, targets.positive, None, True
            )
        return _one_each(*found)

    def _aligned(self, wanted: Any, codec: PointCodec, raw: Any, targets: Targets) -> Assignment:
        levels, kernels, mask = codec.levels, self._kernels(), targets.positive
        output = codec.split(raw)
        geometry: dict[str, Any] = {"grids": codec.grids, "strides": levels.strides}
        truth, labels = targets.boxes, targets.labels
        if self.name == "numba":  # Triton's kernels do not read what padding holds
            truth, labels = torch.where(mask[..., None], truth, 0.5), labels.clamp(0, codec.num_classes - 1)
        truth = codec.in_pixels(truth)
        if self.name == "triton":
            boxes = kernels.point_decode.decode_boxes(output.distances, **geometry, bins=codec.bins)
        elif output.distances[0].dtype == torch.float32:
            boxes = kernels.point_decode.decode_boxes(
                output.distances, truth, mask, **geometry, bins=codec.bins, least_side=wanted.least_side
            )
        else:
            boxes = codec.boxes(raw)
        predictor, object, chosen, iou, quality, num_dropped = kernels.task_aligned.assign(
            boxes, output.scores, truth.to(boxes.dtype), labels, mask, **geometry, topk=min(wanted.topk,
            boxes.shape[1]), alpha=wanted.alpha, beta=wanted.beta, least_side=wanted.least_side,
            keep_best=wanted.keep_best,
        )  # fmt: skip
        return Assignment(
            predictor=predictor, object=object, mask=chosen, iou=iou, num_dropped=num_dropped, quality=quality
        )

    def _point_sums(
        self, recipe: Any, codec: PointCodec, raw: Any, targets: Targets, assignment: Assignment
    ) -> Tensor:
        """(B, 3) of the boxes, the classes and the sides."""
        parts, levels = tensors_of(raw, num_classes=codec.num_classes, bins=codec.bins), codec.levels
        dtype = torch.promote_types(parts[0].dtype, torch.float32)
        quality = assignment.iou if assignment.quality is None else assignment.quality
        location_weight = None
        if targets.weight is not None or assignment.spared is not None:
            location_weight = assignment.weights(targets, levels.num_predictors).to(dtype)
        sums: Tensor = self._kernels().point_sums.point_sums(
            codec.bins, [side for grid in levels.grids for side in grid], [float(stride) for stride in levels.strides],
            float(recipe.label_smoothing), assignment.predictor, assignment.object, assignment.mask, quality.to(dtype),
            codec.in_pixels(targets.boxes).to(dtype), targets.labels, _weight(targets), location_weight,
            recipe.class_weight, parts,
        )  # fmt: skip
        return sums

    def _flat(self, codec: GridCodec, raw: Tensor) -> Tensor:
        """(B, L) as `codecs.GridCodec.offsets` counts."""
        flat = codec.flat(raw)
        return (at_least_float32(flat) if self.name == "numba" else flat).contiguous()

    def _kernels(self) -> Any:
        """The package whose modules compute; loaded at first use."""
        kernels: Any
        if self.name == "numba":
            from yolosses.kernels import numba as kernels
        else:
            from yolosses.kernels import triton as kernels
        return kernels


TRITON = Kernels("triton", require_triton, HAS_TRITON)
NUMBA = Kernels("numba", require_numba, HAS_NUMBA)


def _weight(targets: Targets) -> Tensor | None:
    """Of the objects: NumPy has no bfloat16."""
    return None if targets.weight is None else at_least_float32(targets.weight)


def _one_each(predictor: Tensor, first: Tensor, iou: Tensor, num_dropped: Tensor) -> Assignment:
    """One pair for each object."""
    object = torch.arange(first.shape[1], device=first.device).expand_as(first)
    return Assignment(predictor=predictor, object=object, mask=first, iou=iou, num_dropped=num_dropped)
