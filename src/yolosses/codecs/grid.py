"""YOLOv1's output: a grid of cells, each with K boxes and one class vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.arguments import choice, integer, rows_and_columns
from yolosses.codecs.cells import by_axis, cells_within, locate
from yolosses.functional import Activation, identity
from yolosses.precision import at_least_float32
from yolosses.structures import Place, Predictions


class GridOutput(NamedTuple):
    """The parts of a raw output, as the network emits them, over G cells (or any selection of cells in place
    of G).

    ``boxes``: (B, G, K, 4) x, y, then w, h in the network's encoding; ``confidence``: (B, G, K); ``classes``:
    (B, G, C).
    """

    boxes: Tensor
    confidence: Tensor
    classes: Tensor

    def at(self, cell: Tensor) -> GridOutput:
        """The outputs of one cell for each object; ``cell``: (B, M) int64. Half precision becomes float32
        here, when little is left."""
        return GridOutput(*(_gather_cells(part, cell) for part in self))

    def box(self, index: Tensor) -> GridOutput:
        """Of selected cells (B, M), the box with ``index`` (B, M) only: boxes (B, M, 4), confidence (B, M,
        1), classes (B, M, C)."""
        boxes = self.boxes.gather(2, index[..., None, None].expand(-1, -1, 1, 4)).squeeze(2)
        return GridOutput(boxes, self.confidence.gather(2, index[..., None]), self.classes)


@dataclass(frozen=True, kw_only=True)
class GridCodec:
    """Cells are numbered row by row, predictors cell * K + box.

    Attributes:
        grid: (rows, columns), or one number for both.
        boxes_per_cell: K, the paper's B.
        num_classes: C.
        size_encoding: "sqrt" when the network emits sqrt(w), sqrt(h), as the author's does; "linear" when it
            emits w, h.
        layout: "cell": each cell holds K x (x, y, w, h, confidence), then C classes. "darknet": all class
            scores, then all confidences, then all boxes, as Darknet's ``[detection]`` layer has them.

        xy_activation, size_activation, confidence_activation, class_activation: from the network's output to the
            quantity; the identity, unless the loss takes logits.

    x, y are offsets from the cell's left-top corner in cell units; w, h fractions of the image.
    """

    grid: tuple[int, int]
    boxes_per_cell: int
    num_classes: int
    size_encoding: str = "sqrt"
    layout: str = "cell"
    xy_activation: Activation = identity
    size_activation: Activation = identity
    confidence_activation: Activation = identity
    class_activation: Activation = identity

    def __post_init__(self) -> None:
        # The dataclass is frozen; numbers of NumPy become Python's.
        object.__setattr__(self, "grid", rows_and_columns("grid", self.grid))
        for name in ("boxes_per_cell", "num_classes"):
            object.__setattr__(self, name, integer(name, getattr(self, name)))
        choice("size_encoding", self.size_encoding, ("sqrt", "linear"))
        choice("layout", self.layout, ("cell", "darknet"))

    @property
    def num_cells(self) -> int:
        return self.grid[0] * self.grid[1]

    @property
    def num_predictors(self) -> int:
        """A, of an image."""
        return self.num_cells * self.boxes_per_cell

    @property
    def counts(self) -> tuple[int]:
        """Predictors of each level of the output: there is one."""
        return (self.num_predictors,)

    @property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of each level of the output: there is one."""
        return (self.grid,)

    @property
    def channels(self) -> int:
        """Numbers per cell: 5K + C."""
        return 5 * self.boxes_per_cell + self.num_classes

    @property
    def shape(self) -> list[int]:
        """Rows, columns, K and C."""
        return [*self.grid, self.boxes_per_cell, self.num_classes]

    @property
    def offsets(self) -> list[int]:
        """Where numbers are in an image's part of `flat`: the first box, from there to the next cell's and to the next
        box; the same of the confidences; the first class, and from there to the next cell's."""
        k, c, cells = self.boxes_per_cell, self.num_classes, self.num_cells
        if self.layout == "darknet":
            confidence, boxes = cells * c, cells * (c + k)
            return [boxes, 4 * k, 4, confidence, k, 1, 0, c]
        return [0, self.channels, 5, 4, self.channels, 5, 5 * k, self.channels]

    def split(self, raw: Tensor) -> GridOutput:
        """Views of the parts of ``raw``, (B, rows*cols*(5K+C)) or (B, rows, cols, 5K+C).

        Raises:
            TypeError: ``raw`` is not floating. ValueError: it has another shape, or four dimensions with the
                blocked "darknet" layout.
        """
        flat = self.flat(raw)
        k, c, cells = self.boxes_per_cell, self.num_classes, self.num_cells
        # Not slices: the backward of a split writes all parts into one gradient instead of one full-size gradient
        # for each part. And not `torch.split`, whose wrapper in Python takes longer than the split.
        if self.layout == "darknet":
            classes, confidence, boxes = flat.split_with_sizes((cells * c, cells * k, cells * k * 4), 1)
            return GridOutput(
                boxes.view(-1, cells, k, 4), confidence.view(-1, cells, k), classes.view(-1, cells, c)
            )
        predictors, classes = flat.view(-1, cells, self.channels).split_with_sizes((5 * k, c), -1)
        boxes, confidence = predictors.view(-1, cells, k, 5).split_with_sizes((4, 1), -1)
        return GridOutput(boxes, confidence.squeeze(-1), classes)

    def flat(self, raw: Tensor) -> Tensor:
        """(B, rows*cols*(5K+C)) of ``raw`` as `split` takes it; raises what it raises."""
        if not isinstance(raw, Tensor):
            raise TypeError(f"raw: expected a tensor; got {type(raw).__name__}")
        if not raw.is_floating_point():
            raise TypeError(f"raw: expected a floating dtype; got {raw.dtype}")
        (rows, cols), length = self.grid, self.num_cells * self.channels
        maps = (rows, cols, self.channels) if self.layout == "cell" else None
        if raw.shape[1:] not in ((length,), maps):
            accepted = f"(B, {length})" + (f" or (B, {rows}, {cols}, {self.channels})" if maps else "")
            grid = rows if rows == cols else self.grid
            raise ValueError(
                f"raw: expected {accepted} for grid={grid}, boxes_per_cell={self.boxes_per_cell}, "
                f"num_classes={self.num_classes}, layout={self.layout!r}; got {tuple(raw.shape)}"
            )
        return raw.reshape(raw.shape[0], length)

    def places(self, predictor: Tensor) -> Place:
        """Level, row, column and box of predictors, int64 of any shape."""
        cell, cols = predictor // self.boxes_per_cell, self.grid[1]
        return Place(torch.zeros_like(cell), cell // cols, cell % cols, predictor % self.boxes_per_cell)

    def locate(self, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """The cell that holds each box's centre, and the centre's offset within it, see `cells.locate`."""
        return locate(boxes, self.grid)

    def encode(self, boxes: Tensor, cell: Tensor) -> Tensor:
        """What a network should emit in ``cell`` (...) for ``boxes`` (..., 4) cxcywh fractions: (..., 4).
        Inverse of `decode` with identity activations: what a logit penalty takes as target is the quantity itself."""
        offset, size = self.offset(boxes, cell), boxes.movedim(-1, 0)[2:]
        # A power of 0.5 is the same root, for which a few numbers do not wake up all threads.
        size = size.pow(0.5) if self.size_encoding == "sqrt" else size
        return torch.cat((offset.movedim(-1, 0), size)).movedim(0, -1)

    def offset(self, boxes: Tensor, cell: Tensor) -> Tensor:
        """(..., 2) x, y of the centres of ``boxes`` (..., 4) from the corner of ``cell`` (...), in cell units."""
        rows, cols = self.grid
        row = cell // cols
        corner = torch.stack((cell - row * cols, row))
        return (by_axis(torch.mul, boxes.movedim(-1, 0)[:2], cols, rows) - corner).movedim(0, -1)

    def decode(self, output: Tensor, cell: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh in fractions of the image, of box outputs (..., 4) in ``cell`` (...)."""
        rows, cols = self.grid
        offset = self.xy_activation(output[..., :2])
        x, y = (offset[..., 0] + cell % cols) / cols, (offset[..., 1] + cell // cols) / rows
        return torch.cat((torch.stack((x, y), -1), self.size(output[..., 2:])), -1)

    def decode_in_cell(self, output: Tensor) -> Tensor:
        """Like `decode`, with the centre measured from the corner of the box's own cell, see `in_cell`."""
        return self.in_cell(self.xy_activation(output[..., :2]), self.size(output[..., 2:]))

    def in_cell(self, offset: Tensor, size: Tensor) -> Tensor:
        """Boxes (..., 4) cxcywh in fractions of the image, their centre measured from their cell's corner.

        This is the frame in which boxes of one cell are compared: leaving out the corner they share keeps
        bits that adding it would round away.

        Args:
            offset: (..., 2) x, y in cell units. size: (..., 2) w, h in fractions of the image.
        """
        rows, cols = self.grid
        centre = by_axis(torch.div, offset.movedim(-1, 0), cols, rows)
        return torch.cat((centre, size.movedim(-1, 0))).movedim(0, -1)

    def boxes_of_cells(self, raw: Tensor, cell: Tensor) -> Tensor:
        """(B, M, K, 4) the boxes of the cells (B, M), see `decode_in_cell`; at least float32."""
        image = torch.arange(len(cell), device=cell.device)[:, None]
        boxes = self.split(raw).boxes.permute(2, 0, 1, 3)
        # (K, B, M, 4), one number after the other in memory, so that each is a run of numbers until they are decoded.
        numbers = boxes.movedim(-1, 0)[:, :, image, cell].movedim(0, -1)
        return self.decode_in_cell(at_least_float32(numbers)).permute(1, 2, 0, 3)

    def within(self, boxes: Tensor, mask: Tensor) -> Tensor:
        """(B, A) bool: predictors of cells on ``boxes`` (B, M, 4) where ``mask`` (B, M), see `cells.cells_within`."""
        return cells_within(boxes, mask, self.grid).repeat_interleave(self.boxes_per_cell, 1)

    def size(self, output: Tensor) -> Tensor:
        """w, h in fractions of the image from the network's encoding of them."""
        value = self.size_activation(output)
        return value.square() if self.size_encoding == "sqrt" else value

    def confidence(self, raw: Tensor) -> Tensor:
        """How sure each predictor is that it holds an object, whatever its class: (B, A)."""
        return self.confidence_activation(at_least_float32(self.split(raw).confidence)).flatten(1)

    def predictions(self, raw: Tensor) -> Predictions:
        """Boxes, and the score of every class: confidence times class probability, for A = rows * cols * K
        predictors."""
        output = GridOutput(*map(at_least_float32, self.split(raw)))
        boxes = self.decode(output.boxes, torch.arange(self.num_cells, device=raw.device)[:, None])
        confidence = self.confidence_activation(output.confidence)[..., None]
        scores = confidence * self.class_activation(output.classes)[:, :, None]
        return Predictions(boxes.flatten(1, 2), scores.flatten(1, 2))


def _gather_cells(part: Tensor, cell: Tensor) -> Tensor:
    index = cell.view(*cell.shape, *(1,) * (part.ndim - 2)).expand(-1, -1, *part.shape[2:])
    return at_least_float32(part.gather(1, index))
