"""Lesson 1: its right answers are the library's and PyTorch's, and learners' answers are understood."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import yolosses as yl
from yolosses import lessons as q
from yolosses.lessons.exercises.cross_entropy_loss import cross_entropy
from yolosses.lessons.exercises.huber_loss import huber
from yolosses.lessons.exercises.loss_functions import sse


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _numbers(seed, *shape):
    return np.random.default_rng(seed).normal(0, 2, shape)


@pytest.mark.parametrize("seed", range(5))
def test_regression_agrees_with_the_library(seed):
    pred, truth = _numbers(seed, 7), _numbers(seed + 100, 7)
    tensors = torch.from_numpy(pred), torch.from_numpy(truth)
    assert sse(pred, truth) == pytest.approx(yl.functional.squared_error(*tensors).sum().item())
    assert huber(pred, truth, 0.8) == pytest.approx(yl.functional.huber(*tensors, delta=0.8).sum().item())


@pytest.mark.parametrize("seed", range(5))
def test_cross_entropy_agrees_with_the_library_and_pytorch(seed):
    scores = _numbers(seed, 6)
    row, label = torch.from_numpy(scores)[None], torch.tensor([seed % 6])
    ours = yl.functional.softmax_cross_entropy(row, F.one_hot(label, 6).double()).sum().item()
    assert cross_entropy(scores, seed % 6) == pytest.approx(ours)
    assert cross_entropy(scores, seed % 6) == pytest.approx(F.cross_entropy(row, label).item())


def _sse_loop(pred, truth):
    total = 0
    for i in range(len(pred)):
        total += (pred[i] - truth[i]) ** 2
    return total


def _sse_lists(pred, truth):
    return sum((p - t) ** 2 for p, t in zip(list(pred), list(truth), strict=True))


def _sse_dot(pred, truth):
    error = np.subtract(pred, truth)
    return error @ error


def _sse_torch(pred, truth):
    return F.mse_loss(torch.as_tensor(pred), torch.as_tensor(truth), reduction="sum")


def _huber_loop(pred, truth, delta):
    total = 0.0
    for p, t in zip(pred, truth, strict=True):
        e = abs(p - t)
        if e < delta:
            total += 0.5 * e * e
        else:
            total += delta * e - 0.5 * delta * delta
    return total


def _huber_mask(pred, truth, delta):
    e = pred - truth
    small = (abs(e) <= delta).astype(float)
    return np.sum(small * 0.5 * e**2 + (1 - small) * delta * (np.abs(e) - 0.5 * delta))


def _huber_torch(pred, truth, delta):
    pred, truth = torch.tensor(pred), torch.tensor(truth)
    return F.huber_loss(pred, truth, reduction="sum", delta=float(delta))


def _cross_entropy_loop(scores, label):
    total = 0
    for s in scores:
        total = total + math.exp(s)
    return -math.log(math.exp(scores[label]) / total)


def _cross_entropy_stable(scores, label):
    shifted = scores - scores.max()
    return np.log(np.exp(shifted).sum()) - shifted[label]


def _cross_entropy_one_hot(scores, label):
    truth = np.zeros(len(scores))
    truth[label] = 1
    p = np.exp(scores) / np.sum(np.exp(scores))
    return -np.sum(truth * np.log(p))


def _cross_entropy_torch(scores, label):
    return torch.nn.CrossEntropyLoss()(torch.tensor(scores).unsqueeze(0), torch.tensor([label]))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sse", _sse_loop), ("sse", _sse_lists), ("sse", _sse_dot), ("sse", _sse_torch),
        ("huber", _huber_loop), ("huber", _huber_mask), ("huber", _huber_torch),
        ("cross_entropy", _cross_entropy_loop), ("cross_entropy", _cross_entropy_stable),
        ("cross_entropy", _cross_entropy_one_hot), ("cross_entropy", _cross_entropy_torch),
    ],
)  # fmt: skip
def test_right_answers_in_other_styles_are_taken(name, answer):
    assert getattr(q, name).check(answer).outcome == "right"


def _mse_torch(pred, truth):
    return F.mse_loss(torch.tensor(pred), torch.tensor(truth))


def _cancels(pred, truth):
    total = 0
    for p, t in zip(pred, truth, strict=True):
        total += p - t
    return total


def _overwritten(pred, truth):
    for i in range(len(pred)):
        total = (pred[i] - truth[i]) ** 2
    return total


def _returned_early(pred, truth):
    total = 0
    for i in range(len(pred)):
        total += (pred[i] - truth[i]) ** 2
        return total
    return total


def _norm(pred, truth):
    return np.linalg.norm(pred - truth)


def _smooth(pred, truth, delta):
    pred, truth = torch.tensor(pred), torch.tensor(truth)
    return F.smooth_l1_loss(pred, truth, beta=float(delta), reduction="sum")


def _huber_default_delta(pred, truth, delta):
    return torch.nn.HuberLoss(reduction="sum")(torch.tensor(pred), torch.tensor(truth))


def _huber_without_abs(pred, truth, delta):
    total = 0
    for p, t in zip(pred, truth, strict=True):
        if t - p <= delta:
            total += (p - t) ** 2 / 2
        else:
            total += delta * (abs(p - t) - delta / 2)
    return total


def _gradient_clipping(pred, truth, delta):
    return (np.clip(pred - truth, -delta, delta) ** 2).sum() / 2


def _twice(scores, label):
    p = torch.softmax(torch.tensor(scores), -1)
    return F.cross_entropy(p, torch.tensor(label))


def _bits(scores, label):
    p = [math.exp(s) for s in scores]
    return -math.log2(p[label] / sum(p))


def _called_cross_entropy(scores, label):
    loss = 0
    for c, score in enumerate(scores):
        loss += (score - (1 if c == label else 0)) ** 2
    return loss


def _binary_torch(scores, label):
    truth = torch.zeros(len(scores), dtype=torch.float64)
    truth[label] = 1
    return F.binary_cross_entropy_with_logits(torch.tensor(scores), truth, reduction="sum")


@pytest.mark.parametrize(
    ("name", "answer", "key"),
    [
        ("sse", _mse_torch, "mean"), ("sse", _cancels, "not-squared"), ("sse", _overwritten, "last-only"),
        ("sse", _returned_early, "first-only"), ("sse", _norm, "root"),
        ("huber", _smooth, "smooth-l1"), ("huber", _huber_default_delta, "delta-one"),
        ("huber", _huber_without_abs, "signed-other-way"), ("huber", _gradient_clipping, "clipped"),
        ("cross_entropy", _twice, "softmax-twice"), ("cross_entropy", _bits, "base-2"),
        ("cross_entropy", _called_cross_entropy, "yolov1-class-term"), ("cross_entropy", _binary_torch, "binary"),
    ],
)  # fmt: skip
def test_wrong_answers_as_learners_write_them_are_named(name, answer, key):
    verdict = getattr(q, name).check(answer)
    assert (verdict.outcome, verdict.misconception) == ("not yet", key)
    assert verdict.picture
