"""What an explanation speaks of: the predicted boxes of a batch and its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictedBoxes:
    """All A predicted boxes of B images.

    Attributes:
        boxes: (B, A, 4) cxcywh, fractions of the image.
        scores: (B, A, C).
        confidence: (B, A), or None where the loss has no confidence.
        responsible: (B, A) bool, whether it is responsible for an object.
        object: (B, A) int64, the object it is responsible for (the first of several), or -1.
        iou: (B, A) IoU with that object, NaN where there is none.
        level, row, col, box: (A,) int64, the place of each.
        grids: (rows, columns) of each level.
        gradient: (B, A, 4) derivative of the loss by cx, cy, w, h in fractions of the image: moving a box by the
            whole image changes the loss by that, to first order. The loss pulls the other way.
        confidence_gradient: (B, A) derivative of the loss by the network's confidence output (a logit where the
            penalty takes one); 0 where there is none.
    """

    boxes: Floats
    scores: Floats
    confidence: Floats | None
    responsible: NDArray[np.bool_]
    object: Ints
    iou: Floats
    level: Ints
    row: Ints
    col: Ints
    box: Ints
    grids: tuple[tuple[int, int], ...]
    gradient: Floats
    confidence_gradient: Floats

    def place(self, predictor: int) -> tuple[int | None, int, int, int]:
        """Level (None where the output has one level only), row, column and box of a predictor."""
        level, row, col, box = (int(p[predictor]) for p in (self.level, self.row, self.col, self.box))
        return level if len(self.grids) > 1 else None, row, col, box


@dataclass(frozen=True, kw_only=True, eq=False)
class ExplainedObject:
    """One object of the truth and what became of it.

    Attributes:
        image, index: where it stands in `Targets`.
        box: (4,) cxcywh, fractions of the image.
        state: "answered" by a predictor; "dropped": by none (its cell has another); "ignored": a region that
            asks for none.
        level, row, col, box_in_cell: place of the responsible predictor, or of the cell that dropped it
            (``box_in_cell`` is None then). ``level`` is None where the output has one level only.
        place: the same in words.
        predictors: all that are responsible for it (one in YOLOv1); ``predictor`` the first of them.
        iou: between the predicted box and the object when they were paired.
        pred_box: (4,) cxcywh of ``predictor``.
        out_of_reach: sides, "w" and "h", that the predictor cannot say because they end beyond its bins (v6, v8).
        terms: what the object adds to the loss, by term, weighted.
        loss: the sum of ``terms``.
    """

    image: int
    index: int
    label: int
    class_name: str
    box: Floats
    state: Literal["answered", "dropped", "ignored"]
    level: int | None
    row: int
    col: int
    box_in_cell: int | None
    place: str
    predictors: tuple[int, ...]
    iou: float | None
    pred_box: Floats | None
    out_of_reach: tuple[str, ...]
    terms: dict[str, float]
    loss: float

    @property
    def predictor(self) -> int | None:
        """The responsible predictor, or None."""
        return self.predictors[0] if self.predictors else None
