"""What the losses of networks with anchors share: YOLOv2 to v5, and v7."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from yolosses.arguments import anchor_sizes, image_size_of, level_numbers, stride_sizes
from yolosses.codecs import AnchorCodec, Levels
from yolosses.codecs.anchor import Maps, grids_of, maps_of
from yolosses.codecs.level_reading import read_levels
from yolosses.losses.base import Loss
from yolosses.losses.pairs import Pairs
from yolosses.precision import at_least_float32

Anchors = Sequence[Any]
"""(w, h) in pixels, K for each level: nested sequences, a tensor or an array; or of each level one flat list."""


class AnchorLoss(Loss):
    """Base of losses whose codec is `AnchorCodec`. ``scale_xy``, ``decoding``: how it decodes."""

    anchors: Tensor
    strides: tuple[float, ...]
    image_size: tuple[float, float] | None
    scale_xy: tuple[float, ...]
    decoding: dict[str, Any]

    def _set_levels(self, anchors: Anchors, strides: Any, image_size: Any, scale_xy: Any) -> None:
        """Check and keep the anchors, and the geometry of the levels."""
        self.strides, self.image_size = stride_sizes(strides), image_size_of(image_size)
        count = len(self.strides)
        self._keep_table("anchors", anchor_sizes(anchors, count), count, -1, 2)
        self.scale_xy = level_numbers("scale_xy", scale_xy, count, least=1)
        self.decoding = {}

    @property
    def channels(self) -> int:
        """Numbers that a network emits at each location."""
        return int(self.anchors.shape[1]) * (5 + self.num_classes)

    def codec_for(self, raw: Maps) -> AnchorCodec:
        """The codec with the grids of ``raw``."""
        k = self.anchors.shape[1]
        grids = grids_of(maps_of(raw, boxes_per_cell=k, num_classes=self.num_classes))
        return AnchorCodec(
            levels=Levels(grids=grids, strides=self.strides, boxes_per_cell=k, image_size=self._size_in_units()),
            anchors=self.anchors, num_classes=self.num_classes, scale_xy=self.scale_xy, **self.decoding,
        )  # fmt: skip

    def _size_in_units(self) -> tuple[float, float] | None:
        """``image_size`` in the unit of ``strides``."""
        return self.image_size

    def read(self, codec: AnchorCodec, raw: Maps, pairs: Pairs, *, whole: bool) -> tuple[Tensor, Any]:
        """Of the pairs tx, ty, tw, th, objectness and classes; of all predictors the objectness."""
        if pairs.listed is None:
            return codec.at(raw, pairs.predictor), codec.objectness(raw)
        rows, objectness = read_levels(codec.split(raw), pairs.listed, channel=4)
        return at_least_float32(rows), at_least_float32(objectness)
