"""Lesson 5 agrees with the library, takes right answers in any style and names wrong ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from yolosses import lessons as q
from yolosses.boxes import paired_iou
from yolosses.lessons.cases import scenes
from yolosses.lessons.exercises.background import noobj_term
from yolosses.lessons.exercises.objectness import obj_term
from yolosses.lessons.exercises.overlap import iou


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@settings(deadline=None, max_examples=50)
@given(scenes())
def test_terms_are_those_of_the_library(scene):
    terms = scene.loss(torch.from_numpy(scene.raw)[None], scene.targets).terms
    assert obj_term(scene.confidence, scene.iou, scene.obj) == pytest.approx(float(terms["obj"]))
    background = noobj_term(scene.confidence, scene.iou, scene.obj, 0.5)
    assert background == pytest.approx(float(terms["noobj"]))


_box = st.tuples(*[st.integers(0, 90)] * 2, *[st.integers(1, 90)] * 2)


@settings(deadline=None, max_examples=50)
@given(_box, _box)
def test_iou_is_that_of_the_library(a, b):
    pair = paired_iou(torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64))
    assert iou(a, b) == pytest.approx(float(pair[0]), abs=1e-9)


def _iou_by_corners(a, b):
    def corners(box):
        return box[:2] - box[2:] / 2, box[:2] + box[2:] / 2

    (a_low, a_high), (b_low, b_high) = corners(a), corners(b)
    both = np.prod(np.clip(np.minimum(a_high, b_high) - np.maximum(a_low, b_low), 0, None))
    return both / (np.prod(a[2:]) + np.prod(b[2:]) - both + 1e-6)


def _iou_in_torch(a, b):
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    low = torch.max(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    high = torch.min(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2)
    both = (high - low).clamp(min=0).prod()
    return both / (a[2:].prod() + b[2:].prod() - both)


def _iou_with_ifs(a, b):
    left, right = max(a[0] - a[2] / 2, b[0] - b[2] / 2), min(a[0] + a[2] / 2, b[0] + b[2] / 2)
    top, bottom = max(a[1] - a[3] / 2, b[1] - b[3] / 2), min(a[1] + a[3] / 2, b[1] + b[3] / 2)
    if right <= left or bottom <= top:
        return 0
    both = (right - left) * (bottom - top)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def _obj_by_loops(confidence, iou, obj):
    total = 0
    for i in range(len(obj)):
        for j in range(len(obj[i])):
            if obj[i][j]:
                total += (iou[i][j] - confidence[i][j]) ** 2
    return total


def _obj_by_choice(confidence, iou, obj):
    chosen = obj == 1
    return np.sum(np.square(confidence[chosen] - iou[chosen]))


def _obj_in_torch(confidence, iou, obj):
    confidence, iou, obj = torch.as_tensor(confidence), torch.as_tensor(iou), torch.as_tensor(obj)
    return torch.nn.functional.mse_loss(confidence[obj > 0], iou[obj > 0], reduction="sum")


def _noobj_by_loops(confidence, iou, obj, lambda_noobj):
    return lambda_noobj * sum(
        c * c
        for row, flags in zip(confidence, obj, strict=True)
        for c, f in zip(row, flags, strict=True)
        if not f
    )


def _noobj_by_where(confidence, iou, obj, lambda_noobj):
    return lambda_noobj * np.where(obj > 0, 0, confidence**2).sum()


def _noobj_in_torch(confidence, iou, obj, lambda_noobj):
    others = torch.as_tensor(confidence)[torch.as_tensor(obj) == 0]
    return lambda_noobj * others.square().sum().float()


RIGHT = [
    *(("iou", answer) for answer in (_iou_by_corners, _iou_in_torch, _iou_with_ifs)),
    *(("obj_term", answer) for answer in (_obj_by_loops, _obj_by_choice, _obj_in_torch)),
    *(("noobj_term", answer) for answer in (_noobj_by_loops, _noobj_by_where, _noobj_in_torch)),
]


@pytest.mark.parametrize(("key", "answer"), RIGHT, ids=lambda part: getattr(part, "__name__", part))
def test_right_answers_in_other_styles(key, answer):
    verdict = getattr(q, key).check(answer)
    assert verdict.outcome == "right", str(verdict)


def _iou_of_top_left(a, b):
    across = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    down = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    both = across * down
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def _iou_without_clamp(a, b):
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    low = torch.max(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    high = torch.min(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2)
    both = (high - low).prod()
    return both / (a[2:].prod() + b[2:].prod() - both)


def _iou_forgets_the_overlap(a, b):
    low = np.maximum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    high = np.minimum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2)
    return np.maximum(high - low, 0).prod() / (a[2] * a[3] + b[2] * b[3])


def _sure(confidence, iou, obj):
    total = 0
    for row, flags in zip(confidence, obj, strict=True):
        for c, flag in zip(row, flags, strict=True):
            total += (1 - c) ** 2 if flag == 1 else 0
    return total


def _binary(confidence, iou, obj):
    mask = torch.as_tensor(obj).bool()
    confidence, iou = torch.as_tensor(confidence)[mask], torch.as_tensor(iou)[mask]
    return torch.nn.functional.binary_cross_entropy(confidence, iou, reduction="sum")


def _averaged(confidence, iou, obj):
    chosen = obj > 0
    return ((confidence - iou)[chosen] ** 2).mean() if chosen.any() else 0.0


def _empty_cells(confidence, iou, obj, lambda_noobj):
    empty = obj.sum(axis=1) == 0
    return lambda_noobj * (confidence[empty] ** 2).sum()


def _empty_cells_by_loops(confidence, iou, obj, lambda_noobj):
    total = 0
    for i in range(len(obj)):
        if sum(obj[i]) == 0:
            for c in confidence[i]:
                total += lambda_noobj * c**2
    return total


def _lambda_inside(confidence, iou, obj, lambda_noobj):
    return torch.as_tensor((lambda_noobj * confidence * (1 - obj)) ** 2).sum()


WRONG = [
    ("iou", _iou_of_top_left, "corner-as-centre"),
    ("iou", _iou_without_clamp, "not-clamped"),
    ("iou", _iou_forgets_the_overlap, "over-sum"),
    ("obj_term", _sure, "target-one"),
    ("obj_term", _binary, "cross-entropy"),
    ("obj_term", _averaged, "mean"),
    ("noobj_term", _empty_cells, "empty-cells"),
    ("noobj_term", _empty_cells_by_loops, "empty-cells"),
    ("noobj_term", _lambda_inside, "lambda-squared"),
]


@pytest.mark.parametrize(("key", "answer", "name"), WRONG, ids=lambda part: getattr(part, "__name__", part))
def test_wrong_answers_get_their_name(key, answer, name):
    verdict = getattr(q, key).check(answer)
    assert verdict.misconception == name, str(verdict)
