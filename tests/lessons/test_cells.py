"""Lesson 2: its right answers are the library's, and learners' answers are understood."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from yolosses import lessons as q
from yolosses.boxes import pairwise_iou
from yolosses.codecs import GridCodec
from yolosses.codecs.cells import locate
from yolosses.lessons.cases import scenes
from yolosses.lessons.exercises.cells import centres, decode, decoding, owner_cell
from yolosses.lessons.exercises.responsible_box import exercise, noobj_mask, responsible


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@settings(max_examples=200)
@given(centres())
def test_the_owner_is_the_cell_that_the_library_finds(case):
    cx, cy, grid = case.arguments.values()
    cell, _ = locate(torch.tensor([cx, cy, 0.1, 0.1], dtype=torch.float64), (grid, grid))
    assert owner_cell(cx, cy, grid) == cell.item()


@settings(max_examples=200)
@given(decoding.cases)
def test_outputs_are_decoded_as_by_the_library(case):
    cell, *numbers, grid = case.arguments.values()
    codec = GridCodec(grid=grid, boxes_per_cell=1, num_classes=1, size_encoding="sqrt")
    box = codec.decode(torch.tensor(numbers, dtype=torch.float64), torch.tensor(cell))
    assert decode(cell, *numbers, grid) == pytest.approx(box.tolist())


@given(exercise.cases)
def test_the_responsible_box_is_the_library_s(case):
    cell = case.scene.objects[0].cell
    assert case.scene.obj[cell].tolist().index(1) == responsible(**case.arguments)


@given(scenes(objects=(1, 3)))
def test_the_library_counts_the_boxes_of_the_mask(scene):
    raw = torch.from_numpy(scene.raw)[None]
    expected = 0.5 * (noobj_mask(scene.obj) * scene.confidence**2).sum()
    assert scene.loss(raw, scene.targets).terms["noobj"].item() == pytest.approx(expected)


def _owner_by_divmod(cx, cy, S):
    column, _ = divmod(cx * S, 1)
    row, _ = divmod(cy * S, 1)
    return row * S + column


def _owner_by_search(cx, cy, S):
    for cell in range(S * S):
        row, column = cell // S, cell % S
        if row / S <= cy < (row + 1) / S and column / S <= cx < (column + 1) / S:
            return cell
    return None


def _owner_torch(cx, cy, S):
    place = (torch.stack([torch.as_tensor(cy), torch.as_tensor(cx)]) * S).long()
    return place[0] * S + place[1]


def _decode_divmod(cell, x, y, root_w, root_h, S):
    row, column = divmod(cell, S)
    size = 1 / S
    return [column * size + x * size, row * size + y * size, root_w * root_w, root_h * root_h]


def _decode_numpy(cell, x, y, root_w, root_h, S):
    centre = (np.array([cell % S, cell // S]) + np.array([x, y])) / S
    return np.concatenate([centre, np.square([root_w, root_h])])


def _decode_torch(cell, x, y, root_w, root_h, S):
    rows = torch.arange(S).repeat_interleave(S)
    columns = torch.arange(S).repeat(S)
    return torch.stack([(columns[cell] + x) / S, (rows[cell] + y) / S, root_w.square(), root_h.square()])


def _iou(a, b):
    wide = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    tall = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    overlap = max(wide, 0) * max(tall, 0)
    return overlap / (a[2] * a[3] + b[2] * b[3] - overlap)


def _responsible_loop(boxes, confidence, truth):
    best, highest = None, -1
    for j, box in enumerate(boxes):
        if _iou(box, truth) > highest:
            best, highest = j, _iou(box, truth)
    return best


def _responsible_lists(boxes, confidence, truth):
    ious = [_iou(box, truth) for box in list(boxes)]
    return ious.index(max(ious))


def _responsible_torch(boxes, confidence, truth):
    return pairwise_iou(torch.as_tensor(boxes), torch.as_tensor(truth)[None])[:, 0].argmax()


def _mask_loop(obj):
    mask = np.zeros_like(np.asarray(obj))
    for i in range(len(obj)):
        for j in range(len(obj[i])):
            if obj[i][j] != 1:
                mask[i, j] = 1
    return mask


def _mask_bool(obj):
    return obj == 0


def _mask_torch(obj):
    return torch.ones(obj.shape) - torch.as_tensor(obj)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("owner_cell", _owner_by_divmod), ("owner_cell", _owner_by_search), ("owner_cell", _owner_torch),
        ("decode", _decode_divmod), ("decode", _decode_numpy), ("decode", _decode_torch),
        ("responsible", _responsible_loop), ("responsible", _responsible_lists),
        ("responsible", _responsible_torch),
        ("noobj_mask", _mask_loop), ("noobj_mask", _mask_bool), ("noobj_mask", _mask_torch),
    ],
)  # fmt: skip
def test_right_answers_in_other_styles_are_taken(name, answer):
    assert getattr(q, name).check(answer).outcome == "right"


def _rounded(cx, cy, S):
    return round(cy * S) * S + round(cx * S)


def _column_first(cx, cy, S):
    return math.floor(cx * S) * S + math.floor(cy * S)


def _floor_last(cx, cy, S):
    return math.floor(cy * S * S + cx * S)


def _added_as_fractions(cell, x, y, root_w, root_h, S):
    corner = np.array([cell % S, cell // S]) / S
    return [corner[0] + x, corner[1] + y, root_w**2, root_h**2]


def _not_squared(cell, x, y, root_w, root_h, S):
    row, column = divmod(cell, S)
    return torch.stack([(x + column) / S, (y + row) / S, root_w, root_h])


def _row_to_x(cell, x, y, root_w, root_h, S):
    i, j = divmod(cell, S)
    return (i + x) / S, (j + y) / S, root_w**2, root_h**2


def _confident(boxes, confidence, truth):
    return torch.as_tensor(confidence).argmax()


def _closest(boxes, confidence, truth):
    distance = [math.hypot(box[0] - truth[0], box[1] - truth[1]) for box in boxes]
    return distance.index(min(distance))


def _only_empty_cells(obj):
    mask = np.zeros(obj.shape)
    for i in range(len(obj)):
        if obj[i].sum() == 0:
            mask[i] = 1
    return mask


def _by_cell(obj):
    return [0 if any(box == 1 for box in cell) else 1 for cell in obj]


@pytest.mark.parametrize(
    ("name", "answer", "key"),
    [
        ("owner_cell", _rounded, "rounded"), ("owner_cell", _column_first, "column-first"),
        ("owner_cell", _floor_last, "floor-last"),
        ("decode", _added_as_fractions, "offset-not-divided"), ("decode", _not_squared, "root-not-squared"),
        ("decode", _row_to_x, "swapped"),
        ("responsible", _confident, "most-confident"), ("responsible", _closest, "nearest-centre"),
        ("noobj_mask", _only_empty_cells, "empty-cells"), ("noobj_mask", _by_cell, "one-a-cell"),
    ],
)  # fmt: skip
def test_wrong_answers_as_learners_write_them_are_named(name, answer, key):
    verdict = getattr(q, name).check(answer)
    assert (verdict.outcome, verdict.misconception) == ("not yet", key)
    assert verdict.picture
