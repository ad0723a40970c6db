"""Lesson 9: its answers agree with the library and PyTorch, other styles are accepted, wrong ones are named."""

import dataclasses

import jupytext
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import yolosses as yl
from yolosses import lessons as q
from yolosses.lessons.cases import scenes
from yolosses.lessons.exercises.detector import average_curve, precision_recall, worst
from yolosses.lessons.notebooks import lesson_files
from yolosses.training.data import Record, digit_scenes
from yolosses.training.evaluation import Detections, evaluate


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# ------------------------------------------------------------ with the library


def test_the_average_is_that_of_pytorch():
    values = np.random.default_rng(0).random(12)
    weight = nn.Linear(1, 1, bias=False).double()
    average = AveragedModel(weight, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    expected = []
    for value in values:
        nn.init.constant_(weight.weight, value)
        average.update_parameters(weight)
        expected.append(average.module.weight.item())
    np.testing.assert_allclose(average_curve(values, 0.8), expected, rtol=1e-6)


def test_precision_and_recall_are_those_of_the_evaluation():
    """Objects side by side; of each the detection lies on it or beside it, or there is none."""
    random = np.random.default_rng(3)
    records, detections, hits, scores = [], [], [], []
    for picture in range(6):
        boxes = np.array([[0.125 + 0.25 * n, 0.5, 0.2, 0.2] for n in range(4)], np.float32)
        record = Record(
            name=f"{picture}.png", path=None, image_size=(100, 100), boxes=boxes,
            labels=np.zeros(4, np.int64), ignore=np.zeros(4, np.bool_),
        )  # fmt: skip
        seen = random.random(4) < 0.8
        hit = random.random(4) < 0.6
        moved = boxes + np.where(hit, 0, 0.4)[:, None] * np.array([0, 1, 0, 0], np.float32)
        score = random.random(4).astype(np.float32)
        records.append(record)
        detections.append(
            Detections(
                boxes=moved[seen].astype(np.float32),
                scores=score[seen],
                labels=np.zeros(seen.sum(), np.int64),
            )
        )
        hits += hit[seen].astype(float).tolist()
        scores += score[seen].tolist()
    best = evaluate(records, ["digit"], detections).best_f1
    assert best is not None
    ours = precision_recall(np.array(scores), np.array(hits), 24, best.threshold - 1e-6)
    np.testing.assert_allclose(ours, [best.precision, best.recall], rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(scenes(grids=(3, 3), objects=(3, 3)))
def test_the_worst_are_those_that_the_explanation_makes_worst(scene):
    explanation = yl.explain(scene.loss, torch.from_numpy(scene.raw)[None], scene.targets)
    losses = np.array([each.loss for each in explanation.objects])
    found = [losses[index] for index in worst(losses, 2)]
    assert found == sorted(losses, reverse=True)[:2]


# ------------------------------------------------------------ what learners write


def _average_loop(values, beta):
    result = []
    average = None
    for value in values:
        average = value if average is None else average * beta + value * (1 - beta)
        result.append(average)
    return result


def _average_torch(values, beta):
    values = torch.as_tensor(values)
    out = torch.empty_like(values)
    out[0] = values[0]
    for step in range(1, len(values)):
        out[step] = torch.lerp(values[step], out[step - 1], beta)
    return out


def _average_weights(values, beta):
    n = len(values)
    return [
        beta**t * values[0] + sum((1 - beta) * beta ** (t - s) * values[s] for s in range(1, t + 1))
        for t in range(n)
    ]


def _counted(scores, hits, num_objects, threshold):
    shown = right = 0
    for score, hit in zip(scores, hits, strict=True):
        if score >= threshold:
            shown += 1
            right += hit
    return right / shown, right / num_objects


def _counted_torch(scores, hits, num_objects, threshold):
    keep = torch.gt(torch.as_tensor(scores), threshold).double()
    right = (keep * torch.as_tensor(hits)).sum()
    return torch.stack([right / keep.sum(), right / num_objects])


def _sorted_pairs(losses, k):
    pairs = sorted(enumerate(losses), key=lambda pair: pair[1], reverse=True)
    return [index for index, _ in pairs[:k]]


def _taken_out(losses, k):
    left = [float(loss) for loss in losses]
    found = []
    for _ in range(k):
        found.append(left.index(max(left)))
        left[found[-1]] = -1.0
    return found


RIGHT = [
    ("average_curve", _average_loop),
    ("average_curve", _average_torch),
    ("average_curve", _average_weights),
    ("precision_recall", _counted),
    ("precision_recall", _counted_torch),
    ("precision_recall", lambda s, h, n, t: [h[s > t].mean(), h[s > t].sum() / n]),
    ("worst", _sorted_pairs),
    ("worst", _taken_out),
    ("worst", lambda losses, k: torch.topk(torch.as_tensor(losses), k).indices),
    ("worst", lambda losses, k: np.flip(np.argsort(losses))[:k]),
]


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_in_other_styles_are_accepted(key, answer):
    assert getattr(q, key).check(answer).outcome == "right"


def _average_swapped(values, beta):
    out = [values[0]]
    for i in range(1, len(values)):
        out.append((1 - beta) * out[i - 1] + beta * values[i])
    return out


def _average_from_zero(values, beta):
    average = 0
    out = []
    for value in values:
        average = beta * average + (1 - beta) * value
        out.append(average)
    return out


def _average_of_neighbours(values, beta):
    out = values.clone() if isinstance(values, torch.Tensor) else np.array(values)
    out[1:] = beta * values[:-1] + (1 - beta) * values[1:]
    return out


def _recall_first(scores, hits, num_objects, threshold):
    right = shown = 0
    for i in range(len(scores)):
        if scores[i] > threshold:
            shown += 1
            right += hits[i]
    return [right / num_objects, right / shown]


def _of_all_detections(scores, hits, num_objects, threshold):
    right = torch.sum(torch.as_tensor(hits)[torch.as_tensor(scores) > threshold])
    return torch.stack([right / len(scores), right / num_objects])


def _ascending(losses, k):
    order = sorted(range(len(losses)), key=lambda i: losses[i])
    return order[-k:]


WRONG = [
    ("average_curve", _average_swapped, "swapped-weights"),
    ("average_curve", _average_from_zero, "from-zero"),
    ("average_curve", _average_of_neighbours, "two-values"),
    ("precision_recall", _recall_first, "swapped"),
    ("precision_recall", _of_all_detections, "all-detections"),
    ("worst", _ascending, "upwards"),
    ("worst", lambda losses, k: torch.topk(torch.as_tensor(losses), k).values, "values"),
    ("worst", lambda losses, k: torch.topk(torch.as_tensor(losses), k, largest=False).indices, "smallest"),
]


@pytest.mark.parametrize(("key", "answer", "name"), WRONG)
def test_wrong_answers_get_the_right_name(key, answer, name):
    verdict = getattr(q, key).check(answer)
    assert (verdict.outcome, verdict.misconception) == ("not yet", name)


# ------------------------------------------------------------ the lesson


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_lesson_makes_two_wrong_labels(language):
    path = next(path for path in lesson_files(language) if path.stem == "09-train-a-detector")
    cell = next(cell for cell in jupytext.read(path).cells if cell.source.startswith("checked_set ="))
    names: dict = {"dataclasses": dataclasses, "digit_scenes": digit_scenes}
    exec(cell.source, names)
    right = digit_scenes("val", count=100, image_size=(64, 64)).records
    wrong = names["checked_set"].records
    relabelled = [(r.labels != w.labels).sum() for r, w in zip(right, wrong, strict=True)]
    moved = [(r.boxes != w.boxes).any(-1).sum() for r, w in zip(right, wrong, strict=True)]
    assert (sum(relabelled), sum(moved)) == (1, 1)
    for record in wrong:
        assert (record.boxes[:, :2] - record.boxes[:, 2:] / 2 >= -1e-6).all()
        assert (record.boxes[:, :2] + record.boxes[:, 2:] / 2 <= 1 + 1e-6).all()
