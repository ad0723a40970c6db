"""`GridCodec`: raw output <-> parts <-> boxes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import exactly
from torch import Tensor

from yolosses.codecs import GridCodec

grids = st.tuples(st.integers(1, 9), st.integers(1, 9))


def codec(grid: tuple[int, int] = (2, 3), k: int = 2, c: int = 2, **options: Any) -> GridCodec:
    return GridCodec(grid=grid, boxes_per_cell=k, num_classes=c, **options)


def test_the_cell_layout() -> None:
    # Of every number: 100 * cell + its channel.
    raw = (100 * torch.arange(6)[:, None] + torch.arange(12)).float()[None]
    boxes, confidence, classes = codec().split(raw.flatten(1))
    assert boxes.shape == (1, 6, 2, 4)
    assert confidence.shape == (1, 6, 2)
    assert classes.shape == (1, 6, 2)
    assert boxes[0, 4].tolist() == [[400, 401, 402, 403], [405, 406, 407, 408]]
    assert confidence[0, 4].tolist() == [404, 409]
    assert classes[0, 4].tolist() == [410, 411]
    for part, same in zip(codec().split(raw.view(1, 2, 3, 12)), (boxes, confidence, classes), strict=True):
        assert torch.equal(part, same)


def test_the_darknet_layout() -> None:
    # 6 x 2 class scores, then 6 x 2 confidences, then 6 x 2 boxes.
    boxes, confidence, classes = codec(layout="darknet").split(torch.arange(72.0)[None])
    assert classes[0].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]
    assert confidence[0, 4].tolist() == [12 + 8, 12 + 9]
    assert boxes[0, 4].tolist() == [[24 + 32, 57, 58, 59], [60, 61, 62, 63]]


@pytest.mark.parametrize("layout", ["cell", "darknet"])
def test_the_parts_are_views_of_the_output(layout: str) -> None:
    raw = torch.zeros(2, 72)
    for part in codec(layout=layout).split(raw):
        part.fill_(1)
    assert (raw == 1).all()


def test_parts_of_some_cells_and_of_one_box_in_each() -> None:
    raw = torch.arange(2 * 72.0).view(2, 72)
    parts = codec().split(raw)
    cell, box = torch.tensor([[4, 0, 0], [5, 5, 1]]), torch.tensor([[1, 0, 1], [0, 1, 1]])
    at = parts.at(cell)
    one = at.box(box)
    for image in range(2):
        for m in range(3):
            where, which = int(cell[image, m]), int(box[image, m])
            for mine, whole in zip(at, parts, strict=True):
                assert torch.equal(mine[image, m], whole[image, where])
            assert torch.equal(one.boxes[image, m], parts.boxes[image, where, which])
            assert one.confidence[image, m].tolist() == [parts.confidence[image, where, which].item()]
            assert torch.equal(one.classes[image, m], parts.classes[image, where])


@given(
    grid=grids,
    encoding=st.sampled_from(["sqrt", "linear"]),
    box=st.tuples(*[st.floats(-3, 3)] * 2, *[st.floats(0, 2)] * 2),
    row=st.integers(0, 8),
    col=st.integers(0, 8),
)
def test_decode_undoes_encode_in_any_cell(
    grid: tuple[int, int], encoding: str, box: tuple[float, ...], row: int, col: int
) -> None:
    mine = codec(grid, size_encoding=encoding)
    cell = torch.tensor([(row % grid[0]) * grid[1] + col % grid[1]])
    boxes = torch.tensor([box], dtype=torch.float64)
    torch.testing.assert_close(mine.decode(mine.encode(boxes, cell), cell), boxes, rtol=1e-12, atol=1e-12)
    output = boxes.clone()  # any output with sizes >= 0 is the encoding of its box
    torch.testing.assert_close(mine.encode(mine.decode(output, cell), cell), output, rtol=1e-12, atol=1e-12)


@given(grid=grids, x=st.floats(0, 0.999), y=st.floats(0, 0.999))
def test_locate_agrees_with_encode_and_with_arithmetic(grid: tuple[int, int], x: float, y: float) -> None:
    rows, cols = grid
    boxes = torch.tensor([[x, y, 0.1, 0.1]], dtype=torch.float64)
    cell, offset = codec(grid).locate(boxes)
    near_border = min(abs(v * n - round(v * n)) for v, n in ((x, cols), (y, rows))) < 1e-5
    if not near_border:
        assert int(cell) == math.floor(y * rows) * cols + math.floor(x * cols)
        assert ((offset >= 0) & (offset < 1)).all()
    torch.testing.assert_close(codec(grid).encode(boxes, cell)[:, :2], offset, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_centres_on_borders_fall_into_the_same_cell_in_every_dtype(dtype: torch.dtype) -> None:
    for cells in (3, 7, 13, 20):
        edges = torch.arange(cells, dtype=torch.float32) / cells
        boxes = torch.stack((edges, torch.zeros(cells), torch.ones(cells), torch.ones(cells)), -1)
        cell, _ = codec((1, cells)).locate(boxes.to(dtype))
        assert cell.tolist() == (edges * cells).long().tolist()  # in float32, as Darknet


def test_the_last_edge_belongs_to_the_last_cell() -> None:
    boxes = torch.tensor(
        [[1.0, 1.0, 0.1, 0.1], [0.0, 1.0, 0.1, 0.1], [1.0, 0.0, 0.1, 0.1], [0.0, 0.0, 0.1, 0.1]]
    )
    cell, offset = codec((2, 3)).locate(boxes)
    assert cell.tolist() == [5, 3, 2, 0]
    assert offset.tolist() == [[1, 1], [0, 1], [1, 0], [0, 0]]


def test_sizes_follow_the_encoding() -> None:
    output = torch.tensor([0.5, 0.5, -0.5, 0.3])
    assert codec(size_encoding="sqrt").size(output[2:]).tolist() == pytest.approx([0.25, 0.09])
    assert codec(size_encoding="linear").size(output[2:]).tolist() == pytest.approx([-0.5, 0.3])


def test_in_cell_leaves_out_the_corner() -> None:
    mine = codec((2, 5), size_encoding="linear")
    output = torch.tensor([[0.25, 0.75, 0.3, 0.4]])
    framed = mine.in_cell(output[:, :2], output[:, 2:])
    corner = torch.tensor([[3 / 5, 1 / 2, 0, 0]])
    torch.testing.assert_close(framed + corner, mine.decode(output, torch.tensor([8])))


def middle_within(centre: float, side: float, cells: int) -> int | None:
    """The cell of the middle of what lies in the image, along one axis; None if nothing does."""
    if 0 <= centre <= 1:
        return int(centre * cells)
    low, high = max(centre - side / 2, 0.0), min(centre + side / 2, 1.0)
    return int((low + high) / 2 * cells) if low < high else None


def within_by_loop(mine: GridCodec, boxes: Tensor, mask: Tensor) -> list[list[bool]]:
    rows, cols = mine.grid
    return [
        [
            any(
                (abs((col + 0.5) / cols - x) <= w / 2 and abs((row + 0.5) / rows - y) <= h / 2)
                or (min(w, h) >= 0 and (middle_within(y, h, rows), middle_within(x, w, cols)) == (row, col))
                for (x, y, w, h), there in zip(image.tolist(), present.tolist(), strict=True)
                if there
            )
            for row in range(rows)
            for col in range(cols)
        ]
        for image, present in zip(boxes, mask, strict=True)
    ]


@given(grid=grids, count=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_boxes_of_cells_within_regions_equal_a_loop(grid: tuple[int, int], count: int, seed: int) -> None:
    noise = torch.Generator().manual_seed(seed)
    boxes = (
        torch.rand(3, count, 4, generator=noise, dtype=torch.float64) * 1.4 - 0.2
    )  # beyond the image, and negative sizes
    mask = torch.rand(3, count, generator=noise) < 0.6
    mine = codec(grid)
    wanted = within_by_loop(mine, boxes, mask)
    assert mine.within(boxes, mask).tolist() == [
        [cell for cell in row for _ in range(mine.boxes_per_cell)] for row in wanted
    ]


def test_a_region_reaches_the_centres_on_its_edge() -> None:
    mine = codec((1, 4))  # centres at 1/8, 3/8, 5/8, 7/8
    region = torch.tensor([[[0.25, 0.5, 0.25, 0.1]]])
    everyone = torch.ones(1, 1, dtype=torch.bool)
    assert mine.within(region, everyone)[:, ::2].tolist() == [[True, True, False, False]]
    whole = torch.tensor([[[0.5, 0.5, 1.0, 1.0]]])
    assert mine.within(whole, everyone).all()
    assert not mine.within(whole, ~everyone).any()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"grid": "7"}, TypeError, "grid: expected an integer or (rows, columns); got '7'"),
        ({"grid": (0, 7)}, ValueError, "grid: expected an integer >= 1; got 0"),
        ({"grid": (7, True)}, TypeError, "grid: expected an integer >= 1; got True"),
        ({"k": 0}, ValueError, "boxes_per_cell: expected an integer >= 1; got 0"),
        ({"c": 0}, ValueError, "num_classes: expected an integer >= 1; got 0"),
        ({"size_encoding": "log"}, ValueError, "size_encoding: expected one of 'sqrt', 'linear'; got 'log'"),
        ({"layout": "nchw"}, ValueError, "layout: expected one of 'cell', 'darknet'; got 'nchw'"),
    ],
)
def test_a_wrong_argument_is_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=exactly(message)):
        codec(**options)


@pytest.mark.parametrize("shape", [(2, 71), (2, 3, 2, 12), (2, 12, 2, 3), (72,), (), (2, 2, 3, 12, 1)])
def test_a_wrong_shape_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ValueError,
        match=exactly(
            "raw: expected (B, 72) or (B, 2, 3, 12) for grid=(2, 3), boxes_per_cell=2, num_classes=2, layout='cell'; "
            f"got {shape}"
        ),
    ):
        codec().split(torch.zeros(shape))


def test_the_blocked_layout_has_no_maps() -> None:
    with pytest.raises(
        ValueError,
        match=exactly(
            "raw: expected (B, 72) for grid=(2, 3), boxes_per_cell=2, num_classes=2, layout='darknet'; "
            "got (2, 2, 3, 12)"
        ),
    ):
        codec(layout="darknet").split(torch.zeros(2, 2, 3, 12))
