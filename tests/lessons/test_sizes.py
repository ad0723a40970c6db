"""Lesson 4: its right answers are the library's, and learners' answers are understood."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from tests.lessons.test_checking import lists_alone, loops, plain_numpy, plain_torch, torch_function

from yolosses import lessons as q
from yolosses.lessons.cases import scenes
from yolosses.lessons.exercises.sizes import wh_term


@settings(max_examples=40, deadline=None)
@given(scenes(objects=(1, 3)))
def test_the_term_is_that_of_the_library(scene):
    raw = torch.from_numpy(scene.raw)[None]
    expected = scene.loss(raw, scene.targets).terms["wh"].item()
    assert wh_term(scene.boxes[..., 2:], scene.of_cells("w", "h"), scene.obj, 5.0) == pytest.approx(
        expected, abs=1e-9
    )


def _side_math(true, error):
    return (math.sqrt(true + error) - math.sqrt(true)) ** 2


def _side_torch(true, error):
    return (torch.sqrt(true + error) - torch.sqrt(true)).square()


def _emitted_power(emitted, true):
    return (true**0.5 - emitted) ** 2


def _squares_like_the_centre(pred, truth, obj, lambda_coord):
    total = 0
    for i in range(len(pred)):
        for j in range(len(pred[i])):
            if obj[i][j]:
                total += (pred[i][j][0] - truth[i][0]) ** 2 + (pred[i][j][1] - truth[i][1]) ** 2
    return lambda_coord * total


def _root_of_the_sum(pred, truth, obj, lambda_coord):
    return lambda_coord * np.sqrt(np.sum(obj[..., None] * (pred - truth[:, None]) ** 2))


def _root_of_each_difference(pred, truth, obj, lambda_coord):
    difference = (pred - truth.unsqueeze(1)).abs().sqrt()
    return lambda_coord * (obj.unsqueeze(-1) * difference.pow(2)).sum()


def _mse_of_roots(pred, truth, obj, lambda_coord):
    every = truth[:, None].expand_as(pred)
    return lambda_coord * torch.nn.functional.mse_loss(
        obj[..., None] * pred.sqrt(), obj[..., None] * every.sqrt()
    )


def _without_lambda(pred, truth, obj, lambda_coord):
    return wh_term(pred, truth, obj, 1)


def _every_box_of_the_cell(pred, truth, obj, lambda_coord):
    total = 0
    for boxes, sides, marks in zip(pred, truth, obj, strict=True):
        if sum(marks) > 0:
            for box in boxes:
                total += sum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(box, sides, strict=True))
    return lambda_coord * total


def _only_width(pred, truth, obj, lambda_coord):
    return lambda_coord * np.sum(obj * (np.sqrt(pred[..., 0]) - np.sqrt(truth[:, None, 0])) ** 2)


def _squared_before(pred, truth, obj, lambda_coord):
    return lambda_coord * np.sum(obj[..., None] * (np.square(pred) - np.square(truth)[:, None]) ** 2)


def _lambda_inside(pred, truth, obj, lambda_coord):
    return np.sum(obj[..., None] * (lambda_coord * (np.sqrt(pred) - np.sqrt(truth)[:, None])) ** 2)


def _plain_difference(true, error):
    prediction = true + error
    return (prediction - true) ** 2


def _rooted_again(emitted, true):
    return (np.sqrt(emitted) - np.sqrt(true)) ** 2


RIGHT = [
    ("wh_term", loops), ("wh_term", plain_numpy), ("wh_term", plain_torch), ("wh_term", torch_function),
    ("wh_term", lists_alone), ("side_cost", _side_math), ("side_cost", _side_torch), ("emitted_cost", _emitted_power),
]  # fmt: skip
WRONG = [
    ("wh_term", _squares_like_the_centre, "no-root"), ("wh_term", _root_of_the_sum, "rmse"),
    ("wh_term", _root_of_each_difference, "root-of-difference"), ("wh_term", _mse_of_roots, "mean-of-all"),
    ("wh_term", _without_lambda, "no-lambda"), ("wh_term", _every_box_of_the_cell, "whole-cell"),
    ("wh_term", _only_width, "width-alone"), ("wh_term", _squared_before, "squared-first"),
    ("wh_term", _lambda_inside, "lambda-squared"), ("side_cost", _plain_difference, "no-root"),
    ("emitted_cost", _rooted_again, "root-again"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answers_in_other_styles_are_taken(name, answer):
    assert getattr(q, name).check(answer).outcome == "right"


@pytest.mark.parametrize(("name", "answer", "key"), WRONG)
def test_wrong_answers_as_learners_write_them_are_named(name, answer, key):
    verdict = getattr(q, name).check(answer)
    assert (verdict.outcome, verdict.misconception) == ("not yet", key)
