"""Lesson 7 agrees with the library, takes right answers in any style, and names one mistake or two."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import yolosses as yl
from yolosses import lessons as q
from yolosses.lessons.exercises.whole import is_clear, my_loss
from yolosses.lessons.exercises.whole_faults import terms
from yolosses.lessons.words import set_language


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _library(raw, objects, S, B, C):
    loss = yl.YOLOv1Loss(grid=S, boxes_per_cell=B, num_classes=C, impl="torch")
    rows = torch.from_numpy(objects)
    targets = yl.Targets.from_cxcywh([rows[:, :4]], [rows[:, 4].long()])
    return loss(torch.from_numpy(raw)[None], targets)


@settings(deadline=None, max_examples=60)
@given(q.my_loss.cases)
def test_loss_is_that_of_the_library(case):
    out = _library(**case.arguments)
    assert my_loss(**case.arguments) == pytest.approx(float(out.total))
    assert terms(**case.arguments) == pytest.approx({name: float(value) for name, value in out.terms.items()})


def test_chosen_cases_are_clear_and_one_has_two_objects_in_a_cell():
    assert all(is_clear(case) for case in q.my_loss.chosen)
    assert any(len(case.scene.objects) < len(case.arguments["objects"]) for case in q.my_loss.chosen)


def _overlap(a, b):
    left, right = max(a[0] - a[2] / 2, b[0] - b[2] / 2), min(a[0] + a[2] / 2, b[0] + b[2] / 2)
    top, bottom = max(a[1] - a[3] / 2, b[1] - b[3] / 2), min(a[1] + a[3] / 2, b[1] + b[3] / 2)
    if right <= left or bottom <= top:
        return 0.0
    both = (right - left) * (bottom - top)
    return both / (a[2] * a[3] + b[2] * b[3] - both + 1e-6)


def _by_loops(
    raw, objects, S, B, C, *, target_one=False, empty_cells=False, lambda_coord=5.0, each_box=False
):
    owner = {}
    for row in objects:
        owner.setdefault((int(row[1] * S), int(row[0] * S)), row)
    total = 0.0
    for i in range(S):
        for j in range(S):
            numbers = raw[i][j]
            best = None
            if (i, j) in owner:
                cx, cy, w, h, label = owner[i, j]
                ious = []
                for k in range(B):
                    x, y, rw, rh = numbers[5 * k : 5 * k + 4]
                    ious.append(_overlap([(j + x) / S, (i + y) / S, rw**2, rh**2], [cx, cy, w, h]))
                best = ious.index(max(ious))
                x, y, rw, rh, confidence = numbers[5 * best : 5 * best + 5]
                total += lambda_coord * ((x - cx * S + j) ** 2 + (y - cy * S + i) ** 2)
                total += lambda_coord * ((rw - w**0.5) ** 2 + (rh - h**0.5) ** 2)
                total += (confidence - (1 if target_one else ious[best])) ** 2
                for c in range(C):
                    total += (B if each_box else 1) * (numbers[5 * B + c] - (1 if c == label else 0)) ** 2
            for k in range(B):
                if k != best and not (empty_cells and best is not None):
                    total += 0.5 * numbers[5 * k + 4] ** 2
    return total


def _by_tables(raw, objects, S, B, C, first_wins=True, same_cells=False):
    """Fills tables of targets and masks, as most public losses do."""
    truth, label, holds = np.zeros((S, S, 4)), np.zeros((S, S, C)), np.zeros((S, S), dtype=bool)
    for cx, cy, w, h, c in objects:
        place = int(cy * S), int(cx * S)
        if holds[place] and first_wins:
            continue
        holds[place], truth[place], label[place] = True, (cx, cy, w, h), np.arange(C) == int(c)
    boxes, classes = raw[..., : 5 * B].reshape(S, S, B, 5), raw[..., 5 * B :]
    corner = np.stack(np.meshgrid(np.arange(S), np.arange(S)), -1)[:, :, None]
    centre, size = (corner + boxes[..., :2]) / S, boxes[..., 2:4] ** 2
    low = np.maximum(centre - size / 2, truth[:, :, None, :2] - truth[:, :, None, 2:] / 2)
    high = np.minimum(centre + size / 2, truth[:, :, None, :2] + truth[:, :, None, 2:] / 2)
    both = np.clip(high - low, 0, None).prod(-1)
    iou = both / (size.prod(-1) + truth[..., 2:].prod(-1)[..., None] - both)
    obj = (np.arange(B) == iou.argmax(-1)[..., None]) & holds[..., None]
    offset = truth[:, :, None, :2] * S - corner
    xy = ((boxes[..., :2] - offset) ** 2)[obj].sum()
    wh = ((boxes[..., 2:4] - np.sqrt(truth[:, :, None, 2:])) ** 2)[obj].sum()
    confidence = boxes[..., 4]
    cls = ((classes - label) ** 2)[slice(None) if same_cells else holds].sum()
    return 5 * (xy + wh) + ((confidence - iou) ** 2)[obj].sum() + 0.5 * (confidence**2)[~obj].sum() + cls


def _in_torch(raw, objects, S, B, C):
    raw, objects = torch.as_tensor(raw), torch.as_tensor(objects)
    targets = yl.Targets.from_cxcywh([objects[:, :4]], [objects[:, 4].long()])
    loss = yl.YOLOv1Loss(grid=S, boxes_per_cell=B, num_classes=C, impl="torch")
    return loss(raw[None].float(), targets).total


RIGHT = [("my_loss", answer) for answer in (_by_loops, _by_tables, _in_torch)]


@pytest.mark.parametrize(("key", "answer"), RIGHT, ids=lambda part: getattr(part, "__name__", part))
def test_right_answers_in_other_styles(key, answer):
    verdict = getattr(q, key).check(answer)
    assert verdict.outcome == "right", str(verdict)


def _sure(raw, objects, S, B, C):
    return _by_loops(raw, objects, S, B, C, target_one=True)


def _quiet_cells(raw, objects, S, B, C):
    return _by_loops(raw, objects, S, B, C, empty_cells=True)


def _without_five(raw, objects, S, B, C):
    return _by_loops(raw, objects, S, B, C, lambda_coord=1)


def _classes_of_boxes(raw, objects, S, B, C):
    return _by_loops(raw, objects, S, B, C, each_box=True)


def _overwritten(raw, objects, S, B, C):
    return _by_tables(raw, objects, S, B, C, first_wins=False)


def _classes_of_all_cells(raw, objects, S, B, C):
    return _by_tables(raw, objects, S, B, C, same_cells=True)


def _sure_and_quiet_cells(raw, objects, S, B, C):
    return _by_loops(raw, objects, S, B, C, target_one=True, empty_cells=True)


def _without_five_and_classes_of_boxes(raw, objects, S, B, C):
    return _by_loops(raw, objects, S, B, C, lambda_coord=1, each_box=True)


def _overwritten_and_classes_of_all_cells(raw, objects, S, B, C):
    return _by_tables(raw, objects, S, B, C, first_wins=False, same_cells=True)


WRONG = [
    ("my_loss", _sure, "target-one"),
    ("my_loss", _quiet_cells, "empty-cells"),
    ("my_loss", _without_five, "no-lambda-coord"),
    ("my_loss", _classes_of_boxes, "class-each-box"),
    ("my_loss", _overwritten, "last-object"),
    ("my_loss", _classes_of_all_cells, "class-every-cell"),
    ("my_loss", _sure_and_quiet_cells, "target-one+empty-cells"),
    ("my_loss", _without_five_and_classes_of_boxes, "class-each-box+no-lambda-coord"),
    ("my_loss", _overwritten_and_classes_of_all_cells, "last-object+class-every-cell"),
]


@pytest.mark.parametrize(("key", "answer", "name"), WRONG, ids=lambda part: getattr(part, "__name__", part))
def test_wrong_answers_get_their_name(key, answer, name):
    verdict = getattr(q, key).check(answer)
    assert verdict.misconception == name, str(verdict)


def test_two_mistakes_are_told_apart_from_other_two():
    """Some pairs are alike by nature: a term that is missing hides any other mistake in it."""
    exercise = q.my_loss
    singles = {_values(each.mutant) for each in exercise.misconceptions}
    pairs = [values for each in exercise.pairs if (values := _values(each.mutant)) not in singles]
    assert _values(exercise.right) not in {*singles, *pairs}
    assert len(pairs) > 0.9 * len(exercise.pairs)
    assert len(set(pairs)) > 0.99 * len(pairs)


def _values(function):
    with np.errstate(invalid="ignore"):  # the root of a negative loss
        return tuple(round(float(function(**case.arguments)), 6) for case in q.my_loss.chosen)


def test_of_one_scaled_term_its_name_is_told():
    verdict = q.my_loss.check(_doubled_classes)
    assert verdict.misconception is None
    assert "cls counts 2 times" in verdict.text
    set_language("zh-TW")
    try:
        assert "cls 這一項是正確值的 2 倍" in q.my_loss.check(_doubled_classes).text
    finally:
        set_language("en")


def _doubled_classes(raw, objects, S, B, C):
    return my_loss(raw, objects, S, B, C) + terms(raw, objects, S, B, C)["cls"]
