"""The output of YOLOv2 to v5 and v7: K boxes in each cell, each measured by an anchor, a prior size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from yolosses import modes
from yolosses.arguments import choice
from yolosses.codecs.cells import Grid
from yolosses.codecs.levels import Levels, take_by_level, unravel
from yolosses.precision import at_least_float32
from yolosses.structures import Place, Predictions

Maps = Tensor | Sequence[Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class AnchorCodec:
    """A location emits tx, ty, tw, th, objectness and C classes for each of its K anchors. In the cell at (col, row) of
    a level with stride ``n`` and scale ``s``::

        cx = (col + s sigmoid(tx) - (s - 1) / 2) n          cy likewise with ty and row
        w = anchor_w exp(tw)                                 "exp": v2, v3, v4
        w = anchor_w (2 sigmoid(tw))^2                       "squared_sigmoid": v5, v7, v4 with new coordinates

    Boxes here are cxcywh in pixels; predictors are numbered level by level, box by box, row by row, see `Levels`.

    Attributes:
        levels: with ``boxes_per_cell`` K. Its strides give the unit of everything here: pixels, or cells where the
            stride is 1.
        anchors: (L, K, 2) w, h in that unit, a constant on the device of the output.
        num_classes: C.
        scale_xy: s of each level: 1 keeps a centre strictly inside its cell, 2 lets it reach half a cell beyond.
        size_decoding: "exp" or "squared_sigmoid".
        activated: the network applies the sigmoids itself (v4's ``new_coords``).
        class_activation: "sigmoid", or "softmax" over the classes (v2).
    """

    levels: Levels
    anchors: Tensor
    num_classes: int
    scale_xy: tuple[float, ...]
    size_decoding: str = "exp"
    activated: bool = False
    class_activation: str = "sigmoid"

    def __post_init__(self) -> None:
        choice("size_decoding", self.size_decoding, ("exp", "squared_sigmoid"))
        choice("class_activation", self.class_activation, ("sigmoid", "softmax"))
        wanted = (len(self.levels.grids), self.levels.boxes_per_cell, 2)
        if tuple(self.anchors.shape) != wanted:
            raise ValueError(
                f"anchors: expected {wanted}, w and h of each level and box; got {tuple(self.anchors.shape)}"
            )
        if len(self.scale_xy) != wanted[0]:
            raise ValueError(f"scale_xy: expected one for each of {wanted[0]} levels; got {self.scale_xy!r}")

    @property
    def counts(self) -> tuple[int, ...]:
        """Predictors of each level."""
        return self.levels.counts

    def within(self, boxes: Tensor, mask: Tensor) -> Tensor:
        """(B, A) bool: predictors on ``boxes`` (B, M, 4) where ``mask`` (B, M), see `Levels.within`."""
        return self.levels.within(boxes, mask)

    @property
    def grids(self) -> tuple[Grid, ...]:
        """(rows, columns) of each level."""
        return self.levels.grids

    def places(self, predictor: Tensor) -> Place:
        """Level, row, column and box of predictors, int64 of any shape."""
        return self.levels.places(predictor)

    def locate(self, boxes: Tensor, level: int = 0) -> tuple[Tensor, Tensor]:
        """The cell of one level that holds each centre, and the offset within it, see `Levels.locate`."""
        return self.levels.locate(boxes, level)

    def split(self, raw: Maps) -> tuple[Tensor, ...]:
        """Views (B, K, rows, cols, 5+C) of the maps of ``raw``, see `maps_of`."""
        return maps_of(raw, boxes_per_cell=self.levels.boxes_per_cell, num_classes=self.num_classes)

    def at(self, raw: Maps, predictor: Tensor) -> Tensor:
        """(B, P, 5+C) the numbers of the predictors (B, P), at least float32."""
        maps = self.split(raw)
        image = torch.arange(len(predictor), device=predictor.device)[:, None]

        def take(level: int, local: Tensor, here: Tensor) -> Tensor:
            return maps[level][(image, *unravel(local, maps[level].shape[1:4]))]

        return at_least_float32(take_by_level(self.levels, predictor, take))

    def box_numbers(self, raw: Maps, predictor: Tensor, mask: Tensor) -> Tensor:
        """(B, P, 4) tx, ty, tw, th of the predictors (B, P) where ``mask`` (B, P); elsewhere any. At least float32."""
        maps = self.split(raw)
        if not modes.dynamic_lengths(mask):
            image = torch.arange(len(predictor), device=predictor.device)[:, None]

            def take(level: int, local: Tensor, here: Tensor) -> Tensor:
                return maps[level][..., :4][(image, *unravel(local, maps[level].shape[1:4]))]

            return at_least_float32(take_by_level(self.levels, predictor, take))
        numbers = maps[0].new_zeros(*predictor.shape, 4)
        for start, count, level in zip(self.levels.starts, self.levels.counts, maps, strict=True):
            local = predictor - start
            image, pair = (mask & (local >= 0) & (local < count)).nonzero().unbind(1)
            place = unravel(local[image, pair], level.shape[1:4])
            numbers[image, pair] = level[..., :4][(image, *place)]
        return at_least_float32(numbers)

    def objectness(self, raw: Maps) -> Tensor:
        """(B, A) the fifth number of every predictor, at least float32."""
        return at_least_float32(torch.cat([level[..., 4].flatten(1) for level in self.split(raw)], 1))

    def classes(self, raw: Maps) -> Tensor:
        """(B, A, C) the class numbers of every predictor, at least float32."""
        return at_least_float32(torch.cat([level[..., 5:].flatten(1, 3) for level in self.split(raw)], 1))

    def numbers(self, raw: Maps) -> Tensor:
        """(B, A, 4) tx, ty, tw, th of every predictor, at least float32."""
        return at_least_float32(torch.cat([level[..., :4].flatten(1, 3) for level in self.split(raw)], 1))

    def boxes(self, raw: Maps) -> Tensor:
        """(B, A, 4) cxcywh in pixels, of every predictor."""
        values = self.numbers(raw)
        return self.decode(values, torch.arange(self.levels.num_predictors, device=values.device))

    def offset(self, values: Tensor, predictor: Tensor) -> Tensor:
        """(..., 2) the centre within the cell in cell units, of the numbers ``values`` (..., 2 or more)."""
        t = at_least_float32(values[..., :2])
        scale = self.scale_of(predictor, t)
        return (t if self.activated else t.sigmoid()) * scale - (scale - 1) / 2

    def scale_of(self, predictor: Tensor, like: Tensor) -> Tensor:
        """(..., 1) ``scale_xy`` of each predictor's level."""
        return self._of_level(list(self.scale_xy), predictor, like)[..., None]

    def size(self, values: Tensor, predictor: Tensor) -> Tensor:
        """(..., 2) w, h in pixels, of the numbers ``values`` (..., 4 or more)."""
        t = at_least_float32(values[..., 2:4])
        if self.size_decoding == "exp":
            # Beyond this a box is larger than any image; without a bound half of all outputs of 89 are infinite.
            factor = t.clamp(max=MAX_LOG_SIZE).exp()
        else:
            factor = (2 * (t if self.activated else t.sigmoid())).square()
        return factor * self.anchor(predictor).to(t.dtype)

    def decode(self, values: Tensor, predictor: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh in pixels, of numbers (..., 4 or more) of predictors (...) that broadcast."""
        place = self.places(predictor)
        cell = torch.stack((place.col, place.row), -1)
        stride = self._of_level(list(self.levels.strides), predictor, values)[..., None]
        centre = (self.offset(values, predictor) + cell) * stride
        return torch.cat((centre, self.size(values, predictor)), -1)

    def encode(self, boxes: Tensor, predictor: Tensor) -> tuple[Tensor, Tensor]:
        """What predictors (...) of a codec with "exp" should say of boxes (..., 4) cxcywh fractions: (..., 2) the
        offset in the cell, and (..., 2) log(w / anchor_w), log(h / anchor_h). An object without a size counts as one of
        1e-6 of the image."""
        place = self.places(predictor)
        spans = torch.stack(
            [self._of_level([span[axis] for span in self.levels.spans], predictor, boxes) for axis in (1, 0)],
            -1,
        )
        cell = torch.stack((place.col, place.row), -1)
        offset = boxes[..., :2] * spans - cell
        size = self.in_pixels(boxes.clamp(min=LEAST_SIZE))[..., 2:] / self.anchor(predictor).to(boxes.dtype)
        return offset, size.log()

    def anchor(self, predictor: Tensor) -> Tensor:
        """(..., 2) w, h of the anchor of each predictor in pixels."""
        cells = zip(self.anchors, self.grids, strict=True)
        every = [sizes[:, None].expand(-1, rows * cols, -1).flatten(0, 1) for sizes, (rows, cols) in cells]
        return torch.cat(every)[predictor]

    def in_pixels(self, boxes: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh from fractions of the image."""
        return self.levels.in_pixels(boxes)

    def in_fractions(self, boxes: Tensor) -> Tensor:
        """Inverse of `in_pixels`."""
        return self.levels.in_fractions(boxes)

    def confidence(self, raw: Maps) -> Tensor:
        """(B, A) how sure each predictor is that it holds an object, whatever its class."""
        objectness = self.objectness(raw)
        return objectness if self.activated else objectness.sigmoid()

    def predictions(self, raw: Maps) -> Predictions:
        """All boxes, and the score of every class: objectness times class probability."""
        classes = self.classes(raw)
        if self.class_activation == "softmax":
            classes = classes.softmax(-1)
        elif not self.activated:
            classes = classes.sigmoid()
        return Predictions(self.in_fractions(self.boxes(raw)), self.confidence(raw)[..., None] * classes)

    def _of_level(self, values: list[float], predictor: Tensor, like: Tensor) -> Tensor:
        """(...) the value of each predictor's level."""
        return self.levels.fill(values, like)[predictor]


MAX_LOG_SIZE = 20.0
LEAST_SIZE = 1e-6


def maps_of(raw: Maps, *, boxes_per_cell: int, num_classes: int) -> tuple[Tensor, ...]:
    """Views (B, K, rows, cols, 5+C) of a network's maps, each (B, K*(5+C), rows, cols) as convolutions emit them, or
    (B, K, rows, cols, 5+C), or (B, K, 5+C, rows, cols).

    Raises:
        TypeError: a map is no floating tensor. ValueError: a map has another shape, or none is there.
    """
    given: Any = raw
    if not isinstance(given, (Tensor, Sequence)) or isinstance(given, str):
        raise TypeError(f"raw: expected a tensor, or a list of them; got {type(raw).__name__}")
    maps = (raw,) if isinstance(raw, Tensor) else tuple(raw)
    if not maps:
        raise ValueError("raw: expected one map a level; got none")
    k, n = boxes_per_cell, 5 + num_classes
    views = []
    for index, level in enumerate(maps):
        name = "raw" if isinstance(raw, Tensor) else f"raw[{index}]"
        if not isinstance(level, Tensor):
            raise TypeError(f"{name}: expected a tensor; got {type(level).__name__}")
        if not level.is_floating_point():
            raise TypeError(f"{name}: expected a floating dtype; got {level.dtype}")
        if level.ndim == 4 and level.shape[1] == k * n:
            level = level.view(level.shape[0], k, n, *level.shape[2:]).permute(0, 1, 3, 4, 2)
        elif level.ndim == 5 and level.shape[1] == k and level.shape[4] != n and level.shape[2] == n:
            level = level.permute(0, 1, 3, 4, 2)
        elif not (level.ndim == 5 and level.shape[1] == k and level.shape[4] == n):
            raise ValueError(
                f"{name}: expected (B, {k * n}, rows, cols), (B, {k}, rows, cols, {n}) or (B, {k}, {n}, rows, cols) "
                f"for {k} anchors a level and num_classes={num_classes}; got {tuple(level.shape)}"
            )
        if level.shape[0] != maps[0].shape[0]:
            raise ValueError(f"{name}: expected {maps[0].shape[0]} images like raw[0]; got {level.shape[0]}")
        views.append(level)
    return tuple(views)


def grids_of(maps: Sequence[Tensor]) -> tuple[Grid, ...]:
    """(rows, columns) of views as `maps_of` gives them."""
    return tuple((level.shape[2], level.shape[3]) for level in maps)
