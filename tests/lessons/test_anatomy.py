"""Lesson 11: what is right agrees with the library, in any style, and wrong answers get the right name."""

import math

import numpy as np
import pytest
import torch

import yolosses as yl
from yolosses import lessons as q
from yolosses.assigners.alignment import Alignment, best
from yolosses.functional.distribution import expected_distance


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _cases(exercise, count=40):
    """Cases drawn as a check draws them."""
    from hypothesis import HealthCheck, Phase, given, settings

    found = list(exercise.chosen)

    @settings(
        max_examples=count, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(exercise.cases)
    def collect(case):
        found.append(case)

    collect()
    return found


def test_decoding_agrees_with_the_library():
    for case in _cases(q.v3_decode):
        t, (column, row), anchor, grid = case.arguments.values()
        side = int(grid)
        raw = torch.zeros(1, 6, side, side, dtype=torch.float64)
        raw[0, :4, int(row), int(column)] = torch.from_numpy(t)
        loss = yl.YOLOv3Loss(num_classes=1, anchors=[[tuple(anchor * 32 * side)]], strides=(32,))
        boxes = loss.decode([raw]).boxes[0, int(row) * side + int(column)]
        np.testing.assert_allclose(q.v3_decode.expected(case).value, boxes.numpy(), rtol=1e-5)


def test_the_distance_agrees_with_the_library():
    for case in _cases(q.dfl_distance):
        expected = expected_distance(torch.from_numpy(case.arguments["logits"])).item()
        assert q.dfl_distance.expected(case).value == pytest.approx(expected, rel=1e-5)


def test_the_alignment_agrees_with_the_library():
    for case in _cases(q.alignment):
        score, iou, alpha, beta = case.arguments.values()
        measure = Alignment(
            levels=None, pred_boxes=None, pred_scores=None, alpha=alpha, beta=beta, overlap=None
        )
        expected = measure.of(torch.from_numpy(iou), torch.from_numpy(score))
        np.testing.assert_allclose(q.alignment.expected(case).value, expected.numpy())


def test_the_best_locations_agree_with_the_library():
    for case in _cases(q.best_locations):
        alignment, k = case.arguments.values()
        taken, where = best(torch.from_numpy(alignment).float()[None], min(int(k), len(alignment)))
        expected = np.zeros(len(alignment))
        expected[where[0][taken[0]].numpy()] = 1
        np.testing.assert_array_equal(q.best_locations.expected(case).value, expected)


def _decode_in_loops(t, cell, anchor, grid):
    box = [0.0] * 4
    for axis in range(2):
        box[axis] = (cell[axis] + 1 / (1 + math.exp(-t[axis]))) / grid
        box[2 + axis] = anchor[axis] * math.exp(t[2 + axis])
    return box


def _decode_in_torch(t, cell, anchor, grid):
    return torch.cat([(cell + torch.sigmoid(t[:2])) / grid, anchor * torch.exp(t[2:])])


def _distance_in_loops(logits):
    total = sum(math.exp(logit) for logit in logits)
    distance = 0
    for k, logit in enumerate(logits):
        distance += k * math.exp(logit) / total
    return distance


def _distance_in_torch(logits):
    return torch.softmax(logits, 0) @ torch.arange(len(logits), dtype=logits.dtype)


def _alignment_in_loops(score, iou, alpha, beta):
    return [s**alpha * u**beta for s, u in zip(score, iou, strict=True)]


def _alignment_by_logarithms(score, iou, alpha, beta):
    return torch.exp(alpha * torch.log(score) + beta * torch.log(iou))


def _best_in_loops(alignment, k):
    taken = [0.0] * len(alignment)
    for _ in range(int(k)):
        left = [i for i in range(len(alignment)) if not taken[i] and alignment[i] > 0]
        if left:
            taken[max(left, key=lambda i: alignment[i])] = 1.0
    return taken


def _best_in_torch(alignment, k):
    top = torch.topk(alignment, min(int(k), len(alignment)))
    taken = torch.zeros_like(alignment)
    taken[top.indices] = (top.values > 0).to(alignment.dtype)
    return taken


def _best_by_counting(alignment, k):
    return [(a > 0) and sum(other > a for other in alignment) < k for a in alignment]


RIGHT = [
    ("v3_decode", _decode_in_loops), ("v3_decode", _decode_in_torch), ("dfl_distance", _distance_in_loops),
    ("dfl_distance", _distance_in_torch), ("alignment", _alignment_in_loops),
    ("alignment", _alignment_by_logarithms), ("best_locations", _best_in_loops),
    ("best_locations", _best_in_torch), ("best_locations", _best_by_counting),
]  # fmt: skip


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_in_any_style_are_taken(key, answer):
    assert getattr(q, key).check(answer).outcome == "right"


def _decode_without_sigmoid(t, cell, anchor, grid):
    x = (cell[0] + t[0]) / grid
    y = (cell[1] + t[1]) / grid
    return [x, y, anchor[0] * math.exp(t[2]), anchor[1] * math.exp(t[3])]


def _decode_with_rows_first(t, cell, anchor, grid):
    column, row = cell[1], cell[0]
    tx, ty, tw, th = t
    return torch.stack([
        (column + tx.sigmoid()) / grid, (row + ty.sigmoid()) / grid, anchor[0] * tw.exp(), anchor[1] * th.exp()
    ])  # fmt: skip


def _decode_as_v5(t, cell, anchor, grid):
    s = 1 / (1 + np.exp(-t))
    return np.array([*((cell + s[:2]) / grid), *(4 * s[2:] ** 2 * anchor)])


def _decode_in_cells(t, cell, anchor, grid):
    s = torch.sigmoid(t[:2])
    return torch.cat((cell + s, anchor * t[2:].exp()))


def _distance_of_the_largest(logits):
    largest = 0
    for k in range(len(logits)):
        if logits[k] > logits[largest]:
            largest = k
    return largest


def _distance_from_one(logits):
    p = logits.softmax(0)
    return sum((k + 1) * p[k] for k in range(len(p)))


def _distance_of_logits(logits):
    return sum(k * logit for k, logit in enumerate(logits))


def _alignment_swapped(score, iou, alpha, beta):
    return [iou[i] ** alpha * score[i] ** beta for i in range(len(score))]


def _alignment_added(score, iou, alpha, beta):
    return torch.pow(score, alpha) + torch.pow(iou, beta)


def _alignment_plain(score, iou, alpha, beta):
    return np.multiply(score, iou)


def _best_with_zeros(alignment, k):
    taken = torch.zeros_like(alignment)
    taken[torch.topk(alignment, min(int(k), len(alignment))).indices] = 1
    return taken


def _best_upwards(alignment, k):
    order = sorted(range(len(alignment)), key=lambda i: alignment[i])
    return [1.0 if i in order[: int(k)] and alignment[i] > 0 else 0.0 for i in range(len(alignment))]


def _best_of_all(alignment, k):
    taken = np.zeros(len(alignment))
    taken[np.argmax(alignment)] = 1
    return taken


WRONG = [
    ("v3_decode", _decode_without_sigmoid, "no-sigmoid"), ("v3_decode", _decode_with_rows_first, "row-first"),
    ("v3_decode", _decode_as_v5, "v5"), ("v3_decode", _decode_in_cells, "cell-units"),
    ("dfl_distance", _distance_of_the_largest, "argmax"), ("dfl_distance", _distance_from_one, "from-one"),
    ("dfl_distance", _distance_of_logits, "no-softmax"), ("alignment", _alignment_swapped, "swapped"),
    ("alignment", _alignment_added, "sum"), ("alignment", _alignment_plain, "no-exponents"),
    ("best_locations", _best_with_zeros, "zeros-too"), ("best_locations", _best_upwards, "lowest"),
    ("best_locations", _best_of_all, "best-alone"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "answer", "misconception"), WRONG)
def test_wrong_answers_as_learners_write_them_get_the_right_name(key, answer, misconception):
    verdict = getattr(q, key).check(answer)
    assert (verdict.outcome, verdict.misconception) == ("not yet", misconception)


@pytest.mark.parametrize("key", ["v3_decode", "dfl_distance", "best_locations"])
def test_cases_are_drawn(key):
    exercise = getattr(q, key)
    assert "<svg" in exercise.check(lambda *_: 7.0).picture
