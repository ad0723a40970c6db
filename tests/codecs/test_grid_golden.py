"""`GridCodec.locate` against Darknet's own truth arrays, built from label files.

Darknet moves a label's corners (crop, flip), clips them to the image, makes centre and size of them again, drops
what is smaller than 0.005, and gives each cell to one object, the first in an order it shuffled.
"""

from __future__ import annotations

import pytest
import torch
from tests.golden.cases import GoldenCase, golden_cases
from torch import Tensor

from yolosses.assigners import first_in_cell
from yolosses.boxes import clip_to_image, cxcywh_to_xyxy, xyxy_to_cxcywh
from yolosses.codecs import GridCodec

CASES = [case for case in golden_cases("darknet", "truth_building") if case.record["layout"] == "v1 grid"]
over = pytest.mark.parametrize("case", CASES, ids=str)
TINY = 0.005


def codec_of(case: GoldenCase) -> GridCodec:
    side = case.options["side"]
    return GridCodec(grid=(side, side), boxes_per_cell=1, num_classes=case.options["classes"])


def label_boxes(case: GoldenCase) -> tuple[Tensor, Tensor]:
    """Boxes (n, 4) and classes (n,) of the label file after Darknet's crop, flip, clipping and dropping."""
    o, labels = case.options, case.arrays["labels"]
    scale, shift = torch.tensor([o["sx"], o["sy"]] * 2), torch.tensor([o["dx"], o["dy"]] * 2)
    edges = cxcywh_to_xyxy(labels[:, 1:]) * scale - shift
    if o["flip"]:
        left, top, right, bottom = edges.unbind(-1)
        edges = torch.stack((1 - right, top, 1 - left, bottom), -1)
    boxes = clip_to_image(xyxy_to_cxcywh(edges))
    large = (boxes[:, 2:] >= TINY).all(-1)
    return boxes[large], labels[large, 0].long()


def winners_first(case: GoldenCase, boxes: Tensor, labels: Tensor, cell: Tensor) -> Tensor:
    """An order of the objects with Darknet's winner of each cell, recognised by its class, before its rivals."""
    truth, classes = case.arrays["truth"], case.options["classes"]
    wins = truth[cell, 1:-4].gather(1, labels.clamp(max=classes - 1)[:, None]).squeeze(1) == 1
    return (~wins).int().argsort(stable=True)


def test_eight_cases_have_the_grid_layout() -> None:
    names = [case.name for case in CASES]
    assert sorted(names) == [
        "cell_borders",
        "class_out_of_range",
        "flip_crop",
        "image_edge",
        "partly_outside",
        "random",
        "same_cell",
        "tiny_dropped",
    ]


@over
def test_the_same_cells_hold_an_object(case: GoldenCase) -> None:
    boxes, _ = label_boxes(case)
    cell, _ = codec_of(case).locate(boxes)
    occupied = (case.arrays["truth"][:, 0] == 1).nonzero().flatten()
    assert sorted(set(cell.tolist())) == occupied.tolist()


@over
def test_the_winner_has_the_same_offset_size_and_class(case: GoldenCase) -> None:
    truth, codec = case.arrays["truth"], codec_of(case)
    boxes, labels = label_boxes(case)
    cell, _ = codec.locate(boxes)
    order = winners_first(case, boxes, labels, cell)
    boxes, labels = boxes[order], labels[order]
    cell, offset = codec.locate(boxes)
    first = first_in_cell(
        cell[None], torch.ones_like(cell[None], dtype=torch.bool), num_cells=codec.num_cells
    )
    assert int(first.sum()) == int(truth[:, 0].sum())
    for index in first[0].nonzero().flatten().tolist():
        row = truth[cell[index]]
        wanted = torch.cat((offset[index], boxes[index, 2:]))
        # A rounding of the centre counts S times in the offset.
        torch.testing.assert_close(row[-4:], wanted, rtol=0, atol=1e-6)
        hot = row[1:-4].nonzero().flatten().tolist()
        known = int(labels[index]) < case.options["classes"]
        assert hot == ([int(labels[index])] if known else [])


def test_of_two_in_one_cell_the_first_in_order_wins() -> None:
    case = next(case for case in CASES if case.name == "same_cell")
    boxes, labels = label_boxes(case)
    cell, _ = codec_of(case).locate(boxes)
    assert cell.tolist() == [24, 24]
    everyone = torch.ones(1, 2, dtype=torch.bool)
    assert first_in_cell(cell[None], everyone, num_cells=49).tolist() == [[True, False]]
    winner = int(case.arrays["truth"][24, 1:-4].argmax())  # Darknet shuffles: either is legitimate
    assert winner in labels.tolist()


def test_a_grid_that_is_not_square_equals_a_loop() -> None:
    rows, cols = 3, 5
    codec = GridCodec(grid=(rows, cols), boxes_per_cell=1, num_classes=1)
    boxes = torch.rand(400, 4, generator=torch.Generator().manual_seed(0))
    cell, offset = codec.locate(boxes)
    for (x, y, _, _), where, (dx, dy) in zip(boxes.tolist(), cell.tolist(), offset.tolist(), strict=True):
        col, row = int(x * cols), int(y * rows)
        assert where == row * cols + col
        assert dx == pytest.approx(x * cols - col, abs=1e-6)
        assert dy == pytest.approx(y * rows - row, abs=1e-6)
    assert set(cell.tolist()) == set(range(rows * cols))
