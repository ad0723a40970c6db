"""Pictures of 64 x 128 pixels, boxes on a grid of 8 x 4 pixels: every overlap is a fraction of small numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

SIZE = (64, 128)  # height, width
CELLS = 16  # of the grid, across and down
Edges = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

# Far from each other.
A, B, C = (0.0, 0.0, 40.0, 20.0), (64.0, 0.0, 104.0, 20.0), (0.0, 40.0, 40.0, 60.0)
NOWHERE = (80.0, 40.0, 120.0, 60.0)


def part_of(box: Edges, share: float) -> Edges:
    """The left part of a box: their IoU is ``share``."""
    left, top, right, bottom = box
    return left, top, left + share * (right - left), bottom


def fractions(*boxes: Edges) -> Any:
    """(N, 4) cxcywh fractions of the picture."""
    left, top, right, bottom = np.array(boxes, np.float64).reshape(-1, 4).T
    height, width = SIZE
    columns = [(left + right) / 2 / width, (top + bottom) / 2 / height]
    return np.stack([*columns, (right - left) / width, (bottom - top) / height], axis=1).astype(np.float32)


def record(
    *objects: tuple[int, Edges], ignored: Sequence[tuple[int, Edges]] = (), name: str = "a.png"
) -> Record:
    """A picture with objects (class, box), and others that are to be ignored."""
    rows = [*objects, *ignored]
    return Record(
        name=name,
        path=None,
        image_size=SIZE,
        boxes=fractions(*(box for _, box in rows)),
        labels=np.array([label for label, _ in rows], np.int64),
        ignore=np.array([False] * len(objects) + [True] * len(ignored), bool),
    )


def found(*rows: tuple[int, float, Edges]) -> Detections:
    """Detections (class, score, box)."""
    return Detections(
        boxes=fractions(*(box for _, _, box in rows)),
        scores=np.array([score for _, score, _ in rows], np.float32),
        labels=np.array([label for label, _, _ in rows], np.int64),
    )


@st.composite
def _boxes(draw: st.DrawFn, near: Sequence[Edges] = ()) -> Edges:
    """A box anywhere, also in part or wholly outside; or one of ``near``, moved by a little."""
    if near and draw(st.integers(0, 3)):
        left, top, right, bottom = draw(st.sampled_from(near))
        moves = draw(st.sampled_from([(0, 0, 0, 0), *((dx, dy, dw, dh) for dx in (-1, 0, 2) for dy in (0, 1)
                                                      for dw in (-2, 0, 1) for dh in (-1, 0))]))  # fmt: skip
        left, top = left + 8 * moves[0], top + 4 * moves[1]
        return left, top, max(left, right + 8 * moves[2]), max(top, bottom + 4 * moves[3])
    x, y = draw(st.integers(-2, CELLS - 1)), draw(st.integers(-2, CELLS - 1))
    w, h = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    return 8.0 * x, 4.0 * y, 8.0 * (x + w), 4.0 * (y + h)


@st.composite
def _objects(draw: st.DrawFn) -> Edges:
    x, y = draw(st.integers(0, CELLS - 3)), draw(st.integers(0, CELLS - 3))
    w, h = draw(st.integers(1, CELLS - x)), draw(st.integers(1, CELLS - y))
    return 8.0 * x, 4.0 * y, 8.0 * (x + w), 4.0 * (y + h)


@st.composite
def splits(draw: st.DrawFn) -> tuple[list[Record], list[Detections]]:
    """A few pictures with objects of three classes, some ignored, and detections of four; scores of five values."""
    records, detections = [], []
    for picture in range(draw(st.integers(0, 4))):
        objects = draw(st.lists(st.tuples(st.integers(0, 2), _objects()), max_size=4))
        ignored = draw(st.lists(st.tuples(st.integers(0, 2), _objects()), max_size=1))
        near = [box for _, box in [*objects, *ignored]]
        rows = st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]), _boxes(near))
        records.append(record(*objects, ignored=ignored, name=f"{picture}.png"))
        detections.append(found(*draw(st.lists(rows, max_size=8))))
    return records, detections
