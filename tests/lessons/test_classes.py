"""Lesson 6 agrees with the library, takes right answers in any style and names wrong ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from yolosses import lessons as q
from yolosses.lessons.cases import scenes
from yolosses.lessons.exercises.class_term import cls_term
from yolosses.lessons.exercises.detection_scores import class_scores


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@settings(deadline=None, max_examples=50)
@given(scenes())
def test_term_is_that_of_the_library(scene):
    terms = scene.loss(torch.from_numpy(scene.raw)[None], scene.targets).terms
    assert cls_term(scene.scores, scene.one_hot, scene.obj) == pytest.approx(float(terms["cls"]))


@settings(deadline=None, max_examples=50)
@given(scenes())
def test_scores_are_those_of_the_library(scene):
    scores = scene.loss.codec.predictions(torch.from_numpy(scene.raw)[None]).scores[0]
    mine = class_scores(scene.confidence, scene.scores)
    np.testing.assert_allclose(mine.reshape(scores.shape), scores, atol=1e-12)


def _term_by_loops(pred, truth, obj):
    total = 0
    for i in range(len(pred)):
        if sum(obj[i]) > 0:
            for p, t in zip(pred[i], truth[i], strict=True):
                total += (t - p) ** 2
    return total


def _term_by_choice(pred, truth, obj):
    cells = obj.any(axis=1)
    return np.square(pred[cells] - truth[cells]).sum()


def _term_in_torch(pred, truth, obj):
    pred, truth, obj = torch.as_tensor(pred), torch.as_tensor(truth), torch.as_tensor(obj)
    cells = obj.sum(1) > 0
    return torch.nn.functional.mse_loss(pred[cells], truth[cells], reduction="sum")


def _term_by_truth(pred, truth, obj):
    return (truth.sum(1, keepdims=True) * (truth - pred) ** 2).sum()


def _scores_by_loops(confidence, pred):
    return [[[c * p for p in pred[i]] for c in confidence[i]] for i in range(len(pred))]


def _scores_by_einsum(confidence, pred):
    return np.einsum("ij,ic->ijc", confidence, pred)


def _scores_in_torch(confidence, pred):
    return torch.as_tensor(confidence).unsqueeze(2) * torch.as_tensor(pred).unsqueeze(1)


RIGHT = [
    *(("cls_term", answer) for answer in (_term_by_loops, _term_by_choice, _term_in_torch, _term_by_truth)),
    *(("class_scores", answer) for answer in (_scores_by_loops, _scores_by_einsum, _scores_in_torch)),
]


@pytest.mark.parametrize(("key", "answer"), RIGHT, ids=lambda part: getattr(part, "__name__", part))
def test_right_answers_in_other_styles(key, answer):
    verdict = getattr(q, key).check(answer)
    assert verdict.outcome == "right", str(verdict)


def _for_each_box(pred, truth, obj):
    total = 0
    for i in range(len(obj)):
        for _ in range(len(obj[i])):
            if max(obj[i]) == 1:
                total += sum((p - t) ** 2 for p, t in zip(pred[i], truth[i], strict=True))
    return total


def _without_a_mask(pred, truth, obj):
    return torch.nn.functional.mse_loss(torch.as_tensor(pred), torch.as_tensor(truth), reduction="sum")


def _like_a_classifier(pred, truth, obj):
    cells = torch.as_tensor(obj).sum(1) > 0
    label = truth[cells].argmax(1)
    return torch.nn.functional.cross_entropy(pred[cells], label, reduction="sum")


def _as_printed(pred, truth, obj):
    total = 0
    for i in range(len(pred)):
        if obj[i].sum():
            total += (truth[i] - pred[i]).sum()
    return total


def _right_class_only(pred, truth, obj):
    cells = np.flatnonzero(obj.sum(1))
    return sum((1 - pred[i, truth[i].argmax()]) ** 2 for i in cells)


def _classes_first(confidence, pred):
    return np.einsum("ij,ic->icj", confidence, pred)


def _added(confidence, pred):
    return torch.as_tensor(confidence)[:, :, None] + torch.as_tensor(pred)[:, None]


WRONG = [
    ("cls_term", _for_each_box, "each-box"),
    ("cls_term", _without_a_mask, "every-cell"),
    ("cls_term", _like_a_classifier, "softmax-cross-entropy"),
    ("cls_term", _as_printed, "no-square"),
    ("cls_term", _right_class_only, "true-class-only"),
    ("class_scores", _classes_first, "other-order"),
    ("class_scores", _added, "sum"),
]


@pytest.mark.parametrize(("key", "answer", "name"), WRONG, ids=lambda part: getattr(part, "__name__", part))
def test_wrong_answers_get_their_name(key, answer, name):
    verdict = getattr(q, key).check(answer)
    assert verdict.misconception == name, str(verdict)
