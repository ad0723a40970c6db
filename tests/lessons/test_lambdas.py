"""Lesson 8: its answers agree with the library, other styles are accepted, and its numbers are those of the study."""

import json
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import yolosses as yl
from yolosses import lessons as q
from yolosses.lessons.cases import scenes
from yolosses.lessons.exercises.lambdas import TERMS, quiet_boxes, settled_confidence, shares
from yolosses.lessons.notebooks import lesson_files

STUDY = Path(__file__).parents[2] / "docs" / "data" / "lambdas" / "digits.json"
DEFAULTS = {"lambda_coord": 5.0, "lambda_noobj": 0.5}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# ------------------------------------------------------------ with the library


@settings(max_examples=30, deadline=None)
@given(scenes(objects=(1, 3)), st.floats(0.1, 9), st.floats(0.1, 9))
def test_shares_are_those_of_the_loss(scene, lambda_coord, lambda_noobj):
    loss = yl.YOLOv1Loss(
        grid=scene.grid, boxes_per_cell=scene.boxes_per_cell, num_classes=scene.num_classes,
        lambda_coord=lambda_coord, lambda_noobj=lambda_noobj, impl="torch",
    )  # fmt: skip
    out = loss(torch.from_numpy(scene.raw)[None], scene.targets)
    terms = np.array([float(out.unweighted[name]) for name in TERMS])
    if float(out.total) > 0:
        ours = shares(terms, np.array([lambda_coord, lambda_coord, 1, lambda_noobj, 1]))
        np.testing.assert_allclose(ours, [float(out.terms[name] / out.total) for name in TERMS], rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(scenes(objects=(1, 3)))
def test_the_boxes_counted_are_those_that_the_loss_assigns(scene):
    counted = quiet_boxes(scene.grid, scene.boxes_per_cell, len(scene.objects))
    assert counted == pytest.approx((1 - scene.obj).sum() / scene.obj.sum())


@pytest.mark.parametrize("lambda_noobj", [0.1, 0.5, 3.0])
def test_at_the_settled_confidence_the_loss_has_no_gradient(lambda_noobj):
    """One cell of one box, the same output for twenty pictures, an object in three of them."""
    loss = yl.YOLOv1Loss(grid=1, boxes_per_cell=1, num_classes=1, lambda_noobj=lambda_noobj, impl="torch")
    box = torch.tensor([0.5, 0.5, 0.6, 0.8], dtype=torch.float64)
    roots = torch.cat([box[:2], box[2:].sqrt()])
    iou = 0.6 * 0.8  # with an object as large as the picture
    confidence = torch.tensor(settled_confidence(3 / 20, iou, lambda_noobj)).requires_grad_()
    raw = torch.cat([roots, confidence[None], torch.ones(1)]).expand(20, 1, 1, 6)
    whole = torch.tensor([[0.5, 0.5, 1.0, 1.0]], dtype=torch.float64)
    boxes = [whole if picture < 3 else whole[:0] for picture in range(20)]
    targets = yl.Targets.from_cxcywh(boxes, [torch.zeros(len(b), dtype=torch.int64) for b in boxes])
    (gradient,) = torch.autograd.grad(loss(raw, targets).total, confidence)
    assert abs(float(gradient)) < 1e-6


# ------------------------------------------------------------ what learners write


def _shares_loop(terms, lambdas):
    total = 0
    for i in range(len(terms)):
        total += terms[i] * lambdas[i]
    return [terms[i] * lambdas[i] / total for i in range(len(terms))]


def _shares_torch(terms, lambdas):
    weighted = torch.as_tensor(terms) * torch.as_tensor(lambdas)
    return weighted / torch.sum(weighted)


def _quiet_loop(grid, boxes_per_cell, objects):
    count = 0
    for _row in range(grid):
        for _column in range(grid):
            count += boxes_per_cell
    return count / objects - 1


def _settled_fractions(p, iou, lambda_noobj):
    return iou / (1 + lambda_noobj * (1 - p) / p)


def _settled_torch(p, iou, lambda_noobj):
    p, iou = torch.as_tensor(p), torch.as_tensor(iou)
    return torch.div(p * iou, p + lambda_noobj - lambda_noobj * p)


RIGHT = [
    ("shares", _shares_loop),
    ("shares", _shares_torch),
    ("shares", lambda terms, lambdas: np.multiply(terms, lambdas) / np.dot(terms, lambdas)),
    ("quiet_boxes", _quiet_loop),
    ("quiet_boxes", lambda s, b, m: np.array([s * s * b - m]) / m),
    ("quiet_boxes", lambda s, b, m: ((s**2 - m) * b + m * (b - 1)) / m),
    ("settled_confidence", _settled_fractions),
    ("settled_confidence", _settled_torch),
]


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_in_other_styles_are_accepted(key, answer):
    assert getattr(q, key).check(answer).outcome == "right"


def _lambdas_forgotten(terms, lambdas):
    total = 0
    for term in terms:
        total = total + term
    return [term / total for term in terms]


def _weighted_only(terms, lambdas):
    return [a * b for a, b in zip(terms, lambdas, strict=True)]


def _softmax(terms, lambdas):
    return torch.softmax(torch.as_tensor(terms) * torch.as_tensor(lambdas), 0)


def _of_empty_cells(grid, boxes_per_cell, objects):
    empty = 0
    for cell in range(grid * grid):
        if cell >= objects:
            empty += boxes_per_cell
    return empty / objects


def _wrong_side(p, iou, lambda_noobj):
    up = lambda_noobj * p
    return torch.tensor(iou) * up / (up + (1 - p))


def _pushes_equal(p, iou, lambda_noobj):
    up = p * iou
    down = (1 - p) * lambda_noobj
    return up / down


WRONG = [
    ("shares", _lambdas_forgotten, "no-lambdas"),
    ("shares", _weighted_only, "not-normalised"),
    ("shares", _softmax, "softmax"),
    ("quiet_boxes", _of_empty_cells, "empty-cells"),
    ("quiet_boxes", lambda s, b, m: s * s * b - m, "count"),
    ("settled_confidence", _wrong_side, "lambda-on-object"),
    ("settled_confidence", _pushes_equal, "one-side-each"),
]


@pytest.mark.parametrize(("key", "answer", "name"), WRONG)
def test_wrong_answers_get_the_right_name(key, answer, name):
    verdict = getattr(q, key).check(answer)
    assert (verdict.outcome, verdict.misconception) == ("not yet", name)


# ------------------------------------------------------------ the study


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_numbers_of_the_lesson_are_those_of_the_study(language):
    path = next(path for path in lesson_files(language) if path.stem == "08-lambdas")
    cell = next(cell for cell in jupytext.read(path).cells if cell.source.startswith("measured ="))
    names: dict = {}
    exec(cell.source, names)
    results = json.loads(STUDY.read_text(encoding="utf-8"))["results"]
    for varied, columns in names["measured"].items():
        for place, value in enumerate(columns["values"]):
            setting = DEFAULTS | {varied: value}
            runs = [result["measures"] for result in results if result["setting"] == setting]
            assert len(runs) == 3
            for measure, shown in columns.items():
                key = {"mAP50": "map50", "recall_fixed": "recall_fixed"}.get(measure, measure)
                if measure != "values":
                    assert shown[place] == pytest.approx(100 * np.mean([run[key] for run in runs]), abs=0.051)
