"""Lesson 3: its right answers are the library's, and learners' answers are understood."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings

from yolosses import lessons as q
from yolosses.codecs.cells import locate
from yolosses.lessons.cases import scenes
from yolosses.lessons.exercises.cells import centres
from yolosses.lessons.exercises.centres import offset, x_gradient, xy_term


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@settings(max_examples=200)
@given(centres())
def test_the_offset_is_the_one_that_the_library_finds(case):
    cx, cy, grid = case.arguments.values()
    _, expected = locate(torch.tensor([cx, cy, 0.1, 0.1], dtype=torch.float64), (grid, grid))
    assert offset(cx, cy, grid) == pytest.approx(expected.tolist())


@given(scenes(objects=(0, 3)))
def test_term_1_is_the_library_s(scene):
    expected = scene.loss(torch.from_numpy(scene.raw)[None], scene.targets).terms["xy"].item()
    assert xy_term(scene.boxes[..., :2], scene.of_cells("x", "y"), scene.obj, 5.0) == pytest.approx(expected)


@given(scenes(objects=(1, 1)))
def test_the_gradient_is_the_library_s(scene):
    raw = torch.from_numpy(scene.raw)[None].requires_grad_()
    scene.loss(raw, scene.targets).terms["xy"].backward()
    true = scene.objects[0]
    box = int(scene.obj[true.cell].argmax())
    pulled = raw.grad[0].flatten(0, 1)[true.cell, 5 * box]
    assert x_gradient(scene.boxes[true.cell, box, 0], true.x, 5.0) == pytest.approx(pulled.item())


def _offset_modf(cx, cy, S):
    return [math.modf(cx * S)[0], math.modf(cy * S)[0]]


def _offset_numpy(cx, cy, S):
    place = np.array([cx, cy]) * S
    return place - np.floor(place)


def _offset_torch(cx, cy, S):
    return (torch.stack([torch.as_tensor(cx), torch.as_tensor(cy)]) * S).frac()


def _term_loop(pred, truth, obj, lambda_coord):
    total = 0
    for i in range(len(pred)):
        for j in range(len(pred[i])):
            if obj[i][j] == 1:
                total += (pred[i][j][0] - truth[i][0]) ** 2
                total += (pred[i][j][1] - truth[i][1]) ** 2
    return lambda_coord * total


def _term_index(pred, truth, obj, lambda_coord):
    cell, box = np.nonzero(obj)
    return lambda_coord * np.square(pred[cell, box] - truth[cell]).sum()


def _term_torch(pred, truth, obj, lambda_coord):
    pred, truth, chosen = torch.as_tensor(pred), torch.as_tensor(truth), torch.as_tensor(obj).bool()
    target = truth.unsqueeze(1).expand_as(pred)
    return lambda_coord * F.mse_loss(pred[chosen], target[chosen], reduction="sum")


def _gradient_plain(x, true, lambda_coord):
    return lambda_coord * 2 * x - lambda_coord * 2 * true


def _gradient_autograd(x, true, lambda_coord):
    x = torch.as_tensor(x, dtype=torch.float64).clone().requires_grad_()
    (lambda_coord * (x - true) ** 2).backward()
    return x.grad


def _gradient_differences(x, true, lambda_coord):
    def cost(x):
        return lambda_coord * (x - true) ** 2

    return (cost(x + 0.01) - cost(x - 0.01)) / 0.02


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("offset", _offset_modf), ("offset", _offset_numpy), ("offset", _offset_torch),
        ("xy_term", _term_loop), ("xy_term", _term_index), ("xy_term", _term_torch),
        ("x_gradient", _gradient_plain), ("x_gradient", _gradient_autograd),
        ("x_gradient", _gradient_differences),
    ],
)  # fmt: skip
def test_right_answers_in_other_styles_are_taken(name, answer):
    assert getattr(q, name).check(answer).outcome == "right"


def _not_scaled(cx, cy, S):
    return cx - math.floor(cx * S) / S, cy - math.floor(cy * S) / S


def _rounded(cx, cy, S):
    return np.array([cx * S - round(cx * S), cy * S - round(cy * S)])


def _mse(pred, truth, obj, lambda_coord):
    pred, truth, obj = torch.as_tensor(pred), torch.as_tensor(truth), torch.as_tensor(obj)
    target = truth.unsqueeze(1).expand_as(pred)
    return lambda_coord * F.mse_loss(pred * obj[..., None], target * obj[..., None])


def _root_like_the_size(pred, truth, obj, lambda_coord):
    total = 0
    for cell, true, mask in zip(pred, truth, obj, strict=True):
        for box, chosen in zip(cell, mask, strict=True):
            total += chosen * sum((math.sqrt(p) - math.sqrt(t)) ** 2 for p, t in zip(box, true, strict=True))
    return lambda_coord * total


def _rmse(pred, truth, obj, lambda_coord):
    chosen = np.argwhere(obj == 1)
    return lambda_coord * math.sqrt(sum(((pred[i, j] - truth[i]) ** 2).sum() for i, j in chosen))


def _euclid(pred, truth, obj, lambda_coord):
    total = 0
    for i, j in np.argwhere(obj == 1):
        total += np.hypot(pred[i, j, 0] - truth[i, 0], pred[i, j, 1] - truth[i, 1])
    return lambda_coord * total


def _cells_with_objects(pred, truth, obj, lambda_coord):
    has_object = torch.as_tensor(obj).any(1)
    error = torch.as_tensor(pred)[has_object] - torch.as_tensor(truth)[has_object].unsqueeze(1)
    return lambda_coord * error.square().sum()


def _descent(x, true, lambda_coord):
    return -2 * lambda_coord * (x - true)


@pytest.mark.parametrize(
    ("name", "answer", "key"),
    [
        ("offset", _not_scaled, "not-scaled"), ("offset", _rounded, "nearest-corner"),
        ("xy_term", _mse, "mean-of-all"), ("xy_term", _root_like_the_size, "root"), ("xy_term", _rmse, "rmse"),
        ("xy_term", _euclid, "distance"), ("xy_term", _cells_with_objects, "whole-cell"),
        ("x_gradient", _descent, "sign"),
    ],
)  # fmt: skip
def test_wrong_answers_as_learners_write_them_are_named(name, answer, key):
    verdict = getattr(q, name).check(answer)
    assert (verdict.outcome, verdict.misconception) == ("not yet", key)
