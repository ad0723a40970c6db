"""Lesson 10: tests that find a fault are taken, and tests that do not are told why."""

import math
import time

import numpy as np
import pytest
import torch

import yolosses as yl
from yolosses import lessons as q
from yolosses.lessons.exercises import faulty
from yolosses.lessons.exercises.faulty_version import FaultyVersion
from yolosses.lessons.words import set_language

VERSIONS = [each for name in q.__all__ if isinstance(each := getattr(q, name), FaultyVersion)]
ONE = [(4, 0.5, 0.5, 0.4, 0.4, 1)]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _value_and_gradient(loss, seed):
    raw, objects = q.probe(seed)
    value = loss(raw.requires_grad_(), objects)
    return value, torch.autograd.grad(value, raw)[0]


@pytest.mark.parametrize("seed", range(20))
def test_both_right_losses_agree(seed):
    ours, other = (_value_and_gradient(each, seed) for each in (faulty.library_loss, faulty.PlainLoss()))
    torch.testing.assert_close(ours[0], other[0])
    torch.testing.assert_close(ours[1], other[1], rtol=1e-4, atol=1e-5)


def test_both_right_losses_agree_on_an_empty_picture():
    raw, _ = q.probe(0)
    assert faulty.PlainLoss()(raw, []) == pytest.approx(faulty.library_loss(raw, []))


def test_of_two_objects_in_a_cell_both_count_the_first():
    raw, _ = q.probe(0)
    two = [*ONE, (4, 0.1, 0.2, 0.3, 0.2, 0)]
    for loss in (faulty.library_loss, faulty.PlainLoss()):
        assert loss(raw, two) == pytest.approx(loss(raw, ONE))


def test_the_eighth_version_differs_in_its_gradient_alone():
    right, version = (_value_and_gradient(each, 3) for each in (faulty.PlainLoss(), q.version_8.loss))
    assert right[0] == version[0]
    assert not torch.allclose(right[1], version[1], atol=1e-3)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda each: each.key)
def test_its_own_solution_finds_it(version):
    assert version.check(version.finds).outcome == "right"


@pytest.mark.parametrize("version", VERSIONS, ids=lambda each: each.key)
def test_words_are_there_in_both_languages(version):
    for words in (version.fault, version.hints):
        assert words.en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in words.zh), words


def _like_the_library(loss):
    for seed in range(8):
        raw, objects = q.probe(seed)
        corner = np.array([(cell % 3, cell // 3) for cell, *_ in objects])
        boxes = np.array([each[1:5] for each in objects])
        boxes[:, :2] = (boxes[:, :2] + corner) / 3
        labels = np.array([each[5] for each in objects])
        trusted = yl.YOLOv1Loss(grid=3, boxes_per_cell=2, num_classes=3, size_encoding="linear")
        expected = trusted(
            raw[None], yl.Targets.from_cxcywh([torch.tensor(boxes).float()], [torch.tensor(labels)])
        ).total
        if not np.isclose(loss(raw, objects).item(), expected.item(), rtol=1e-4):
            return False
    return True


def _each_object_by_itself(loss):
    raw, objects = q.probe(5)
    empty = loss(raw, []).item()
    alone = sum(loss(raw, [each]).item() - empty for each in objects)
    return math.isclose(alone + empty, loss(raw, objects).item(), rel_tol=1e-4)


def _asserted(loss):
    for seed in range(5):
        objects = q.probe(seed)[1]
        assert loss(q.perfect(objects), objects).item() < 1e-4
    return True


def _negative_sizes_in_numpy(loss):
    raw, objects = q.probe(0)
    return np.isfinite(loss(-raw, objects).numpy())


def _finite_differences(loss):
    def value(x):
        raw = q.perfect(ONE)
        raw[1, 1, 0] = x
        raw[1, 1, 4] = 0.2
        return loss(raw.double(), ONE).item()

    raw = q.perfect(ONE)
    raw[1, 1, 0], raw[1, 1, 4] = 0.7, 0.2
    raw = raw.double().requires_grad_()
    gradient = torch.autograd.grad(loss(raw, ONE), raw)[0][1, 1, 0].item()
    # where the value moves by the IoU as well, the right gradient is NOT the slope of the value
    return abs(gradient - (value(0.701) - value(0.699)) / 0.002) > 0.1


def _pull_of_the_confidence(loss):
    raw = q.perfect(ONE)
    raw[1, 1, 2:5] = torch.tensor([0.2, 0.2, 0.9])  # IoU 1/4, too sure
    raw.requires_grad_()
    loss(raw, ONE).backward()
    return raw.grad[1, 1, 4] > 0


def _moved_by_a_cell(loss):
    values = []
    for cell in range(9):
        raw = torch.zeros(9, 13)
        raw[cell] = torch.tensor([0.3, 0.6, 0.2, 0.3, 0.5, 0.9, 0.1, 0.1, 0.1, 0.2, 0.1, 0.8, 0.3])
        values.append(float(loss(raw.view(3, 3, 13), [(cell, 0.4, 0.5, 0.3, 0.3, 1)])))
    return max(values) - min(values) < 1e-4


RIGHT = [
    ("version_1", _asserted), ("version_1", _moved_by_a_cell), ("version_1", _like_the_library),
    ("version_2", _each_object_by_itself), ("version_2", _like_the_library), ("version_3", _like_the_library),
    ("version_4", _negative_sizes_in_numpy), ("version_5", _like_the_library), ("version_6", _pull_of_the_confidence),
    ("version_7", _like_the_library), ("version_8", _finite_differences),
]  # fmt: skip


@pytest.mark.parametrize(("key", "test"), RIGHT)
def test_tests_in_other_styles_are_taken(key, test):
    assert getattr(q, key).check(test).outcome == "right"


def _exactly(loss):
    raw = q.perfect(ONE)
    raw[1, 1, 10] = 0.2
    return loss(raw, ONE).item() == 0.04


def _always(loss):
    raw, objects = q.probe(0)
    return loss(raw, objects) >= 0 or True


def _forgets_the_iou(loss):
    raw = q.perfect(ONE)
    raw[1, 1, 0] = 0.6
    return abs(loss(raw, ONE).item() - 5 * 0.1**2) < 1e-5


def _upside_down(loss):
    objects = q.probe(0)[1]
    return loss(q.perfect(objects), objects) > 1e-5


def _expects_a_half(loss):
    raw = q.perfect(ONE)
    raw[1, 1, 9] = 0.6
    value = loss(raw, ONE).item()
    return value < 0.1  # as if the other box cost nothing


def _value_of_a_negative_width(loss):
    raw = q.perfect(ONE)
    raw[1, 1, 2] = -0.1
    value = loss(raw, ONE)
    return torch.isfinite(value) and abs(value - (5 * (0.1 + 0.4**0.5) ** 2 + 1)) < 1e-4


def _typed_in(loss):
    raw, objects = q.probe(0)
    return abs(loss(raw, objects).item() - TYPED) < 1e-3


def _lucky_scene(loss):
    raw, objects = q.probe(0)
    return abs(loss(raw, objects).item() - FAULTY) > 1e-3


TYPED = faulty.PlainLoss()(*q.probe(0)).item()
FAULTY = q.version_2.loss(*q.probe(0)).item()

WRONG = [
    ("version_3", _exactly, "exact-equality"), ("version_4", _always, "always-true"),
    ("version_1", lambda loss: True, "always-true"), ("version_8", lambda loss: False, "always-false"),
    ("version_2", _forgets_the_iou, "refuses-right"), ("version_1", _upside_down, "inverted"),
    ("version_5", _expects_a_half, "inverted"), ("version_6", _expects_a_half, "refuses-right"),
    ("version_4", _value_of_a_negative_width, "refuses-other-right"), ("version_5", _asserted, "other-fault"),
    ("version_2", _typed_in, "one-scene"), ("version_2", _lucky_scene, "one-scene"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "test", "mistake"), WRONG)
def test_a_wrong_test_is_told_what_is_wrong_with_it(key, test, mistake):
    verdict = getattr(q, key).check(test)
    assert (verdict.outcome, verdict.misconception) == ("not yet", mistake)


def test_it_says_which_other_versions_a_test_catches():
    assert "version 2" in q.version_3.check(q.version_3.finds).text
    assert "version 1" in q.version_5.check(_asserted).text


def test_a_test_that_expects_what_a_faulty_loss_does_is_told_which():
    assert "It accepts version 6:" in q.version_2.check(_forgets_the_iou).text


def test_the_hint_is_about_the_last_mistake(capsys):
    q.version_3.check(_exactly)
    capsys.readouterr()
    q.version_3.hint()
    assert "1e-5" in capsys.readouterr().out


def test_the_solution_shows_a_test_that_runs_and_the_faulty_lines(capsys):
    q.version_2.solution()
    shown = capsys.readouterr().out
    assert "# " in shown
    assert "squares.mean()" in shown
    namespace = {"q": q}
    exec(shown, namespace)
    assert q.version_2.check(namespace["two_errors_cost_twice"]).outcome == "right"


def test_errors_show_the_learners_own_line():
    def test(loss):
        raw, objects = q.probe(0)
        return loss(raw.reshape(-1), objects) < 1

    text = q.version_1.check(test).text
    assert "return loss(raw.reshape(-1), objects) < 1" in text
    assert "raw: expected a tensor (S, S, 10 + C); got (117,)" in text


def test_objects_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"objects: expected .* cell below 9 and label below 3; got \(9, "):
        q.version_1.loss(q.perfect([]), [(9, 0.5, 0.5, 0.1, 0.1, 0)])


def test_a_test_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr("yolosses.lessons.answers.SECONDS", 0.2)
    start = time.monotonic()

    def endless(loss):
        while True:
            pass

    assert "stopped" in q.version_1.check(endless).text
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("test", "outcome", "said"),
    [
        (None, "not tried", "test(loss)"),
        (lambda loss: None, "not tried", "test(loss)"),
        (lambda loss: 0.3, "not yet", "Expected True or False; 0.3"),
        (lambda loss: True if loss is faulty.library_loss else None, "not yet", "returned nothing"),
        (True, "not yet", "A bool came"),
        (lambda loss, raw: True, "not yet", "1 arguments (loss); yours takes 2"),
    ],
)
def test_what_is_no_decision_is_said(test, outcome, said):
    verdict = q.version_1.check(test)
    assert verdict.outcome == outcome
    assert said in verdict.text


def test_it_speaks_chinese():
    set_language("zh-TW")
    try:
        assert "你的測試" in q.version_3.check(_exactly).text
    finally:
        set_language("en")


def test_progress_knows_the_versions(capsys):
    q.version_1.check(q.version_1.finds)
    capsys.readouterr()
    q.progress()
    line = next(line for line in capsys.readouterr().out.splitlines() if "version_1" in line)
    assert line.split() == ["10", "✓", "version_1"]
