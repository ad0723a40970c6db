"""You Only Look Once: Unified, Real-Time Object Detection. Redmon, Divvala, Girshick, Farhadi, CVPR 2016."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from yolosses import host
from yolosses.arguments import require_at_least, require_choice, require_class_weight
from yolosses.assigners import assign_responsible
from yolosses.codecs import GridCodec
from yolosses.functional import (
    Penalty,
    activation_of,
    identity,
    softmax,
    softmax_cross_entropy,
    squared_error,
    tangent_sqrt,
)
from yolosses.kernels import require_numba, require_triton
from yolosses.losses.squared_sums import image_of, squared_sums
from yolosses.precision import at_least_float32
from yolosses.structures import Assignment, LossOutput, Predictions, Targets, Term, TermSum, require_targets

TERMS = ("xy", "wh", "obj", "noobj", "cls")


class YOLOv1Loss(nn.Module):
    """The YOLOv1 loss, equation (3) of the paper: five sums of squared errors over S x S cells of B boxes::

        L = lambda_coord * sum 1obj_ij [(x - x^)^2 + (y - y^)^2]                       term 1    "xy"
          + lambda_coord * sum 1obj_ij [(sqrt w - sqrt w^)^2 + (sqrt h - sqrt h^)^2]   term 2    "wh"
          + lambda_obj   * sum 1obj_ij (C - C^)^2                                      term 3-1  "obj"
          + lambda_noobj * sum 1noobj_ij (C - 0)^2                                     term 3-2  "noobj"
          + lambda_cls   * sum 1obj_i sum_c (p(c) - p^(c))^2                           term 4    "cls"

    Box j of cell i is responsible (1obj_ij) for the object whose centre lies in cell i when its IoU with it
    is the highest of the cell's boxes; every other box is 1noobj_ij. The confidence target C^ is that IoU.

    Args:
        grid: S, or (rows, columns).
        boxes_per_cell: the paper's B. num_classes: C.
        lambda_coord, lambda_noobj, lambda_obj, lambda_cls: weights of the terms.
        size_encoding: what the network emits: "sqrt", the roots of w and h (the author's network), or
            "linear", w and h.
        size_term: what term 2 compares: "sqrt", roots (the paper), or "linear", w and h themselves (Darknet's
            sqrt=0). The root of a size that the network emits itself is `functional.tangent_sqrt`: finite and
            pushing upwards at and below 0.
        confidence_target: "iou" (the paper), or "one" (Darknet's rescore=0).
        class_term: "squared_error" (the paper), or "cross_entropy" over the softmax of the class outputs.
        layout: order of the raw output, see `GridCodec`. "cell" or "darknet".
        reduction: "mean" over images, "sum", or "none" (one value an image).
        class_weight: (C,) factors of the elements of the class term.
        impl: "torch"; or "triton", kernels for a GPU, or "numba", loops for a CPU: both for squared errors and sizes
            compared as they are emitted.
        xy_penalty, wh_penalty, obj_penalty, noobj_penalty, cls_penalty: elementwise function (pred, target)
            of each term; for "noobj" None means that of "obj". With a penalty on logits the network's output for
            that quantity is a logit, and is decoded so (`functional.activation_of`).

    Shapes:
        raw: (B, rows*cols*(5K+C)) or (B, rows, cols, 5K+C), K = boxes_per_cell; any floating dtype, computed
            in at least float32.
        x, y are offsets in the cell in cell units, w, h fractions of the image.

    Detached: the assignment and the IoU that is the confidence target. Normaliser: the number of images, or
    ``normalizer``.

    Deviations from the paper, which leaves these open: with no overlap at all the smallest squared distance
    decides (Darknet); ties go to the lowest index; one object a cell, the first wins and the others are
    counted in ``num_dropped``. Labels outside 0..C-1 are an error of `Targets.validate`. In cells whose
    centre lies in an ignored region, boxes that answer for nothing are left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit;
            naming it.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        *,
        grid: int | tuple[int, int] = 7,
        boxes_per_cell: int = 2,
        num_classes: int = 20,
        lambda_coord: float = 5.0,
        lambda_noobj: float = 0.5,
        lambda_obj: float = 1.0,
        lambda_cls: float = 1.0,
        size_encoding: str = "sqrt",
        size_term: str = "sqrt",
        confidence_target: str = "iou",
        class_term: str = "squared_error",
        layout: str = "cell",
        reduction: str = "mean",
        class_weight: Tensor | None = None,
        impl: str = "torch",
        xy_penalty: Penalty = squared_error,
        wh_penalty: Penalty = squared_error,
        obj_penalty: Penalty = squared_error,
        noobj_penalty: Penalty | None = None,
        cls_penalty: Penalty | None = None,
    ) -> None:
        super().__init__()
        require_choice("size_term", size_term, ("sqrt", "linear"))
        require_choice("confidence_target", confidence_target, ("iou", "one"))
        require_choice("class_term", class_term, ("squared_error", "cross_entropy"))
        require_choice("reduction", reduction, ("mean", "sum", "none"))
        require_class_weight(class_weight, num_classes)
        require_choice("impl", impl, ("torch", "triton", "numba"))
        if class_term == "cross_entropy" and cls_penalty is not None:
            raise ValueError(
                "cls_penalty: expected None with class_term='cross_entropy', which is a penalty itself"
            )
        lambdas = {"coord": lambda_coord, "noobj": lambda_noobj, "obj": lambda_obj, "cls": lambda_cls}
        for name, value in lambdas.items():
            require_at_least(f"lambda_{name}", value, 0)
        cls_penalty = softmax_cross_entropy if class_term == "cross_entropy" else cls_penalty or squared_error
        penalties = (xy_penalty, wh_penalty, obj_penalty, noobj_penalty or obj_penalty, cls_penalty)
        self.penalties: dict[str, Penalty] = dict(zip(TERMS, penalties, strict=True))
        _require_readable(self.penalties, size_term == size_encoding)
        self.lambda_coord, self.lambda_noobj = lambda_coord, lambda_noobj
        self.lambda_obj, self.lambda_cls = lambda_obj, lambda_cls
        self.size_term, self.confidence_target, self.reduction = size_term, confidence_target, reduction
        self.impl = impl
        if impl != "torch" and not self._sums_suffice(size_encoding):
            raise ValueError(
                f"impl: {impl!r} computes squared errors with size_term equal to size_encoding only"
            )
        self.register_buffer("class_weight", class_weight, persistent=False)
        self.codec = GridCodec(
            grid=(grid, grid) if isinstance(grid, int) else grid,
            boxes_per_cell=boxes_per_cell,
            num_classes=num_classes,
            size_encoding=size_encoding,
            layout=layout,
            xy_activation=activation_of(xy_penalty),
            size_activation=activation_of(wh_penalty),
            confidence_activation=activation_of(obj_penalty),
            class_activation=activation_of(cls_penalty),
        )

    def forward(
        self,
        raw: Tensor,
        targets: Targets,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The loss of a batch. A given ``assignment`` freezes who answers for what; ``normalizer``: see
        `LossOutput.reduce`."""
        if assignment is None and self.impl != "torch":
            self._require(raw, targets)
            if targets.ignore is None:
                assignment, terms = self._assigned_terms(raw, targets)
                return self.reduce(terms, assignment, normalizer)
        if assignment is None:
            assignment = self.assign(raw, targets)
        return self.reduce(self.terms(raw, targets, assignment), assignment, normalizer)

    @torch.no_grad()
    def assign(self, raw: Tensor, targets: Targets) -> Assignment:
        """Which box answers for which object, and its IoU now."""
        self._require(raw, targets)
        pairs = {"torch": self._pairs, "triton": self._fused_pairs, "numba": self._looped_pairs}[self.impl]
        assignment = pairs(raw, targets)
        if targets.ignore is None:
            return assignment
        spared = self.codec.cells_within(targets.boxes, targets.mask & targets.ignore)
        return replace(assignment, spared=spared.repeat_interleave(self.codec.boxes_per_cell, 1))

    def _pairs(self, raw: Tensor, targets: Targets) -> Assignment:
        cell, offset = self.codec.locate(targets.boxes)
        boxes = self.codec.split(raw).boxes.permute(2, 0, 1, 3)
        # (K, B, M, 4), one number after the other in memory
        numbers = boxes.movedim(-1, 0)[:, :, image_of(cell), cell].movedim(0, -1)
        pred = self.codec.decode_in_cell(at_least_float32(numbers)).permute(1, 2, 0, 3)
        truth = self.codec.in_cell(offset, targets.boxes[..., 2:])
        return assign_responsible(pred, truth, cell, targets.positive, num_cells=self.codec.num_cells)

    def _fused_pairs(self, raw: Tensor, targets: Targets) -> Assignment:
        """The same in one launch."""
        return self._assigned_terms(raw, targets)[0]

    def _looped_pairs(self, raw: Tensor, targets: Targets) -> Assignment:
        """The same in one loop."""
        require_numba(raw)
        from yolosses.kernels.numba.responsible import responsible

        mask, codec = targets.positive, self.codec
        found = responsible(
            self._contiguous(raw),
            codec.offsets,
            targets.boxes,
            mask,
            codec.shape,
            codec.size_encoding == "sqrt",
        )
        return _assignment(*found)

    def _assigned_terms(self, raw: Tensor, targets: Targets) -> tuple[Assignment, tuple[TermSum, ...]]:
        """`assign` and `terms` in one, where no region is ignored."""
        codec = self.codec
        sums, found = self._kernels(raw).assigned_error_sums(
            self._contiguous(raw), codec.offsets, codec.shape, codec.size_encoding == "sqrt",
            (targets.boxes, targets.labels, targets.weight), targets.positive, self.class_weight,
            self.confidence_target == "iou",
        )  # fmt: skip
        return _assignment(*found), self._of_sums(sums)

    def _kernels(self, raw: Tensor) -> Any:
        """The module whose kernels compute the sums."""
        if self.impl == "numba":
            require_numba(raw)
            from yolosses.kernels.numba import squared_errors as loops

            return loops
        require_triton(raw)
        from yolosses.kernels.triton import squared_errors

        return squared_errors

    def terms(
        self, raw: Tensor, targets: Targets, assignment: Assignment
    ) -> tuple[Term, ...] | tuple[TermSum, ...]:
        """The five terms, squared errors already summed: the same as `elementwise`, with fewer passes over memory."""
        if not self._sums_suffice(self.codec.size_encoding):
            return self.elementwise(raw, targets, assignment)
        self._require(raw, targets)
        sums = self._sums if self.impl == "torch" else self._fused_sums
        return self._of_sums(sums(raw, targets, assignment))

    def _of_sums(self, sums: Tensor) -> tuple[TermSum, ...]:
        scales = (self.lambda_coord, self.lambda_coord, self.lambda_obj, self.lambda_noobj, self.lambda_cls)
        return TermSum.columns(TERMS, scales, sums)

    def _sums(self, raw: Tensor, targets: Targets, assignment: Assignment) -> Tensor:
        """(B, 5) of each image, before any lambda."""
        dtype = torch.promote_types(raw.dtype, torch.float32)
        listed = host.lengths_are_free(raw)
        image, predictor, object, iou = _counting(assignment) if listed else _all_pairs(assignment)
        at = image, object
        boxes, cell = targets.boxes[at], predictor // self.codec.boxes_per_cell
        row = self.codec.encode(boxes, cell)
        if boxes.dtype != dtype:
            row = torch.cat((row[..., :2].to(dtype), self.codec.encode(boxes.to(dtype), cell)[..., 2:]), -1)
        confidence = iou if self.confidence_target == "iou" else torch.ones_like(iou)
        classes = targets.labels[at][..., None] == torch.arange(self.codec.num_classes, device=raw.device)
        target = torch.cat((row, confidence[..., None].to(dtype), classes.to(dtype)), -1)
        weight = self._row_weight(targets, at, None if listed else assignment.mask, dtype)
        background = None
        if not listed or assignment.spared is not None:
            background = assignment.background(self.codec.num_predictors)
        return squared_sums(raw, self.codec, image, predictor, target, weight, background)

    def _fused_sums(self, raw: Tensor, targets: Targets, assignment: Assignment) -> Tensor:
        """The same by kernels."""
        codec, targeted = self.codec, self.confidence_target == "iou"
        sums: Tensor = self._kernels(raw).squared_error_sums(
            self._contiguous(raw), codec.offsets, codec.shape, codec.size_encoding == "sqrt",
            (assignment.predictor, assignment.object, assignment.mask), assignment.iou if targeted else None,
            (targets.boxes, targets.labels, targets.weight), self.class_weight, assignment.spared,
        )  # fmt: skip
        return sums

    def _contiguous(self, raw: Tensor) -> Tensor:
        """(B, L) as `codecs.GridCodec.offsets` counts."""
        flat = self.codec.flat(raw)
        return (at_least_float32(flat) if self.impl == "numba" else flat).contiguous()

    def elementwise(self, raw: Tensor, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The five terms before any sum."""
        self._require(raw, targets)
        output, k = self.codec.split(raw), self.codec.boxes_per_cell
        cell, box = assignment.predictor // k, assignment.predictor % k
        pred, truth = output.at(cell).box(box), targets.at(assignment.object, assignment.mask)
        offset = self.codec.encode(truth.boxes, cell)[..., :2]
        pred_size, size = self._sizes_compared(pred.boxes[..., 2:], truth.boxes[..., 2:])
        one = torch.ones_like(pred.confidence)
        confidence = assignment.iou[..., None] if self.confidence_target == "iou" else one
        classes = truth.labels[..., None] == torch.arange(self.codec.num_classes, device=raw.device)
        every = at_least_float32(output.confidence.flatten(1))[..., None]

        obj = assignment.mask[..., None].to(one.dtype)  # 1obj_ij, and 1obj_i
        if truth.weight is not None:
            obj = obj * truth.weight[..., None].to(obj.dtype)
        noobj = assignment.background(every.shape[1])[..., None].to(obj.dtype)  # 1noobj_ij
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)

        def term(
            name: str,
            scale: float,
            pred: Tensor,
            target: Tensor,
            weight: Tensor,
            *elements: str,
            **where: Tensor,
        ) -> Term:
            penalty = self.penalties[name]
            activation = activation_of(penalty)
            return Term.compare(
                name, scale, penalty, pred, target, weight, elements=elements or None,
                activation=None if activation is identity else activation, **where,
            )  # fmt: skip

        pairs = {"predictor": assignment.predictor, "object": assignment.object}
        sides = ("sqrt w", "sqrt h") if self.size_term == "sqrt" else ("w", "h")
        return (
            term("xy", self.lambda_coord, pred.boxes[..., :2], offset, obj, "x", "y", **pairs),
            term("wh", self.lambda_coord, pred_size, size, obj, *sides, **pairs),
            term("obj", self.lambda_obj, pred.confidence, confidence, obj, "confidence", **pairs),
            term("noobj", self.lambda_noobj, every, torch.zeros_like(every), noobj, "confidence"),
            term("cls", self.lambda_cls, pred.classes, classes, cls, **pairs),
        )

    def reduce(
        self,
        terms: Sequence[Term | TermSum],
        assignment: Assignment,
        normalizer: Tensor | float | None = None,
    ) -> LossOutput:
        """The sums of ``terms``, divided by ``normalizer``, see `LossOutput.reduce`."""
        return LossOutput.reduce(terms, assignment, reduction=self.reduction, normalizer=normalizer)

    def codec_for(self, raw: Tensor) -> GridCodec:
        """The codec that reads ``raw``: here always the same."""
        return self.codec

    def decode(self, raw: Tensor) -> Predictions:
        """The boxes and scores that ``raw`` means, for A = rows * cols * K predictors."""
        return self.codec.predictions(raw)

    def _sizes_compared(self, pred: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        truth = truth.to(pred.dtype)
        target = truth.sqrt() if self.size_term == "sqrt" else truth
        if self.size_term == self.codec.size_encoding:
            return pred, target
        return (tangent_sqrt(pred) if self.size_term == "sqrt" else pred.square()), target

    def _sums_suffice(self, size_encoding: str) -> bool:
        """Whether all penalties are squared errors of what the network emits."""
        squared = all(penalty is squared_error for penalty in self.penalties.values())
        return squared and self.size_term == size_encoding

    def _row_weight(
        self, targets: Targets, at: tuple[Tensor, Tensor], mask: Tensor | None, dtype: torch.dtype
    ) -> Tensor | None:
        """Weights of the rows of `terms`, or None where all are 1."""
        weight = None if mask is None else mask.to(dtype)
        if targets.weight is not None:
            weight = targets.weight[at].to(dtype)
            weight = weight if mask is None else torch.where(mask, weight, 0)
        weight = None if weight is None else weight[..., None]
        if self.class_weight is None:
            return weight
        columns = torch.cat((self.class_weight.new_ones(5), self.class_weight)).to(dtype)
        return columns if weight is None else weight * columns

    def _require(self, raw: Tensor, targets: Targets) -> None:
        require_targets(targets, images=len(self.codec.flat(raw)), device=raw.device)

    def extra_repr(self) -> str:
        c = self.codec
        return (
            f"grid={c.grid}, boxes_per_cell={c.boxes_per_cell}, num_classes={c.num_classes}, "
            f"lambda_coord={self.lambda_coord:g}, lambda_noobj={self.lambda_noobj:g}, "
            f"lambda_obj={self.lambda_obj:g}, lambda_cls={self.lambda_cls:g}, "
            f"size_encoding={c.size_encoding!r}, size_term={self.size_term!r}, "
            f"confidence_target={self.confidence_target!r}, layout={c.layout!r}, reduction={self.reduction!r}"
        )


def _assignment(predictor: Tensor, first: Tensor, iou: Tensor, num_dropped: Tensor) -> Assignment:
    """One pair for each object."""
    object = torch.arange(first.shape[1], device=first.device).expand_as(first)
    return Assignment(predictor=predictor, object=object, mask=first, iou=iou, num_dropped=num_dropped)


def _counting(assignment: Assignment) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(N,) image, predictor, object and IoU of the pairs that count."""
    pairs = assignment.mask.shape[1]
    place = assignment.mask.flatten().nonzero().squeeze(1)
    columns = (assignment.predictor, assignment.object, assignment.iou)
    predictor, object, iou = (column.flatten().index_select(0, place) for column in columns)
    return place // pairs, predictor, object, iou


def _all_pairs(assignment: Assignment) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(B, 1) image, and (B, P) predictor, object and IoU of all pairs."""
    return image_of(assignment.mask), assignment.predictor, assignment.object, assignment.iou


def _require_readable(penalties: dict[str, Penalty], sizes_as_emitted: bool) -> None:
    """Each output has one reading, whichever terms use it."""
    reads = {name: activation_of(penalty) for name, penalty in penalties.items()}
    for name in TERMS[:-1]:
        if reads[name] is softmax:
            raise ValueError(f"{name}_penalty: expected a penalty without softmax, which only classes have")
    if reads["obj"] is not reads["noobj"]:
        raise ValueError(
            "obj_penalty, noobj_penalty: expected both on logits or neither; they share the confidence output"
        )
    if reads["wh"] is torch.sigmoid and not sizes_as_emitted:
        raise ValueError("wh_penalty: on logits, size_term and size_encoding must agree")
