"""You Only Look Once: Unified, Real-Time Object Detection. Redmon, Divvala, Girshick, Farhadi, CVPR 2016."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import choice, functions, numbers
from yolosses.assigners import assign_responsible
from yolosses.codecs import GridCodec
from yolosses.codecs.grid_reading import read_grid
from yolosses.engines import GridSquares
from yolosses.functional import (
    Penalty,
    activation_of,
    softmax,
    softmax_cross_entropy,
    squared_error,
    tangent_sqrt,
)
from yolosses.losses.base import Loss
from yolosses.losses.pairs import Pairs, everyone
from yolosses.precision import at_least_float32
from yolosses.structures import Assignment, Cost, Targets

TERMS = ("xy", "wh", "obj", "noobj", "cls")


class YOLOv1Loss(Loss):
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
        impl: "auto", "torch", "triton" or "numba", see `engines`; kernels know squared errors with ``size_term`` equal
            to ``size_encoding``.
        xy_penalty, wh_penalty, obj_penalty, noobj_penalty, cls_penalty: elementwise function (pred, target)
            of each term; for "noobj" None means that of "obj". With a penalty on logits the network's output for
            that quantity is a logit, and is decoded so (`functional.activation_of`).

    Shapes:
        raw: (B, rows*cols*(5K+C)) or (B, rows, cols, 5K+C), K = boxes_per_cell; any floating dtype, computed
            in at least float32.
        x, y are offsets in the cell in cell units, w, h fractions of the image.

    Detached: the assignment and the IoU that is the confidence target. Normaliser: the number of images.

    Deviations from the paper, which leaves these open: with no overlap at all the smallest squared distance
    decides (Darknet); ties go to the lowest index; one object a cell, the first wins and the others are
    counted in ``num_dropped``. In cells on an ignored region, boxes that are responsible for nothing are left alone.

    Raises:
        ValueError, TypeError: an argument is not one of the above; ``raw`` or ``targets`` does not fit;
            naming it.
    """

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
        class_weight: Any = None,
        impl: str = "auto",
        xy_penalty: Penalty = squared_error,
        wh_penalty: Penalty = squared_error,
        obj_penalty: Penalty = squared_error,
        noobj_penalty: Penalty | None = None,
        cls_penalty: Penalty | None = None,
    ) -> None:
        super().__init__()
        self.lambda_coord, self.lambda_noobj, self.lambda_obj, self.lambda_cls = numbers(
            lambda_coord=lambda_coord, lambda_noobj=lambda_noobj, lambda_obj=lambda_obj, lambda_cls=lambda_cls
        )
        self.size_term = choice("size_term", size_term, ("sqrt", "linear"))
        self.confidence_target = choice("confidence_target", confidence_target, ("iou", "one"))
        self.class_term = choice("class_term", class_term, ("squared_error", "cross_entropy"))
        if class_term == "cross_entropy" and cls_penalty is not None:
            raise ValueError(
                "cls_penalty: expected None with class_term='cross_entropy', a penalty itself; got one"
            )
        self.xy_penalty, self.wh_penalty, self.obj_penalty = functions(
            xy_penalty=xy_penalty, wh_penalty=wh_penalty, obj_penalty=obj_penalty
        )
        (self.noobj_penalty,) = functions(
            noobj_penalty=obj_penalty if noobj_penalty is None else noobj_penalty
        )
        if cls_penalty is None:
            cls_penalty = softmax_cross_entropy if class_term == "cross_entropy" else squared_error
        (self.cls_penalty,) = functions(cls_penalty=cls_penalty)
        self.codec = GridCodec(
            grid=grid, boxes_per_cell=boxes_per_cell, num_classes=num_classes,  # type: ignore[arg-type]
            size_encoding=size_encoding, layout=layout,
            xy_activation=activation_of(xy_penalty), size_activation=activation_of(wh_penalty),
            confidence_activation=activation_of(obj_penalty), class_activation=activation_of(self.cls_penalty),
        )  # fmt: skip
        self._require_one_reading()
        self._finish(num_classes, class_weight, reduction, impl)

    def codec_for(self, raw: Tensor) -> GridCodec:
        """The codec that reads ``raw``: here always the same."""
        self.codec.flat(raw)  # says what is wrong with its form
        return self.codec

    def match(self, codec: GridCodec, raw: Tensor, targets: Targets) -> Assignment:
        """1obj_ij: of the boxes of the cell that holds an object's centre the one with the highest IoU."""
        cell, offset = codec.locate(targets.boxes)
        pred = codec.boxes_of_cells(raw, cell)
        truth = codec.in_cell(offset, targets.boxes[..., 2:])
        return assign_responsible(pred, truth, cell, targets.positive, num_cells=codec.num_cells)

    def read(self, codec: GridCodec, raw: Tensor, pairs: Pairs, *, whole: bool) -> tuple[Tensor, Tensor]:
        """Of the pairs x, y, w, h, confidence and classes; of all boxes the confidence."""
        rows, confidences = read_grid(raw, codec, pairs.image, pairs.predictor)
        return at_least_float32(rows), at_least_float32(confidences)

    def formula(self, codec: GridCodec, pairs: Pairs, confidences: Tensor) -> tuple[Cost, ...]:
        """Equation (3)."""
        xy, wh, confidence, classes = pairs.split(2, 2, 1, codec.num_classes)
        cell = pairs.predictor // codec.boxes_per_cell
        offset, size = codec.offset(pairs.boxes, cell), pairs.boxes[..., 2:].to(wh.dtype)
        size = size.pow(0.5) if self.size_term == "sqrt" else size
        if self.size_term != codec.size_encoding:  # compare what the network does not emit
            wh = tangent_sqrt(wh) if self.size_term == "sqrt" else wh.square()
        iou = pairs.iou[..., None] if self.confidence_target == "iou" else torch.ones_like(confidence)
        obj, noobj = pairs.each, pairs.background()[..., None]  # 1obj_ij, 1noobj_ij
        cls = obj if self.class_weight is None else obj * self.class_weight.to(obj.dtype)
        every, zero, label = (
            confidences[..., None],
            confidences.new_zeros(()),
            pairs.one_hot(codec.num_classes),
        )
        sides = ("sqrt w", "sqrt h") if self.size_term == "sqrt" else ("w", "h")
        return (
            pairs.cost("xy", self.lambda_coord, self.xy_penalty, xy, offset, obj, ("x", "y")),
            pairs.cost("wh", self.lambda_coord, self.wh_penalty, wh, size, obj, sides),
            pairs.cost("obj", self.lambda_obj, self.obj_penalty, confidence, iou, obj, ("confidence",)),
            everyone("noobj", self.lambda_noobj, self.noobj_penalty, every, zero, noobj, ("confidence",)),
            pairs.cost("cls", self.lambda_cls, self.cls_penalty, classes, label, cls),
        )

    def recipe(self) -> GridSquares | None:
        """Sums of squared errors of what the network emits, if that is what the formula comes to."""
        penalties = (self.xy_penalty, self.wh_penalty, self.obj_penalty, self.noobj_penalty, self.cls_penalty)
        squared = all(penalty is squared_error for penalty in penalties)
        if not squared or self.size_term != self.codec.size_encoding:
            return None
        scales = (self.lambda_coord, self.lambda_coord, self.lambda_obj, self.lambda_noobj, self.lambda_cls)
        return GridSquares(
            codec=self.codec, names=TERMS, scales=scales, iou_is_target=self.confidence_target == "iou",
            class_weight=self.class_weight,
        )  # fmt: skip

    def _option(self, name: str, default: Any) -> Any:
        value = super()._option(name, default)
        unset = {"noobj_penalty": self.obj_penalty, "cls_penalty": squared_error}
        return default if name in unset and value is unset[name] else value

    def _require_one_reading(self) -> None:
        """Each output has one reading, whichever terms use it."""
        reads = {name: activation_of(getattr(self, f"{name}_penalty")) for name in TERMS}
        for name in TERMS[:-1]:
            if reads[name] is softmax:
                raise ValueError(
                    f"{name}_penalty: expected a penalty without softmax, which only classes have; got one"
                )
        if reads["obj"] is not reads["noobj"]:
            raise ValueError(
                "obj_penalty, noobj_penalty: expected both on logits or neither, since they share the confidence "
                "output; got one on logits"
            )
        if reads["wh"] is torch.sigmoid and self.size_term != self.codec.size_encoding:
            raise ValueError(
                "wh_penalty: expected size_term equal to size_encoding for a penalty on logits; got "
                f"{self.size_term!r} and {self.codec.size_encoding!r}"
            )
