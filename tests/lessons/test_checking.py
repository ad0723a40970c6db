"""What a learner may do in a notebook: half an answer, an error, an endless loop, an odd return value."""

import contextlib
import functools
import itertools
import json
import math
import random
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from yolosses import lessons as q
from yolosses.lessons import answers, checking
from yolosses.lessons.answers import TooLong, within


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    q.set_language("en")
    yield
    q.set_language("en")


def loops(pred, truth, obj, lambda_coord):
    total = 0.0
    for cell, (boxes, true) in enumerate(zip(pred, truth, strict=True)):
        for box, sides in enumerate(boxes):
            if obj[cell][box] == 1:
                for side, true_side in zip(sides, true, strict=True):
                    total += (math.sqrt(side) - math.sqrt(true_side)) ** 2
    return lambda_coord * total


def plain_numpy(pred, truth, obj, lambda_coord):
    chosen = obj == 1
    cell = np.nonzero(chosen)[0]
    return lambda_coord * np.sum((pred[chosen] ** 0.5 - truth[cell] ** 0.5) ** 2)


def plain_torch(pred, truth, obj, lambda_coord):
    error = (pred.sqrt() - truth.sqrt().unsqueeze(1)).pow(2).sum(-1)
    return lambda_coord * (obj * error).sum()


def torch_function(pred, truth, obj, lambda_coord):
    every = truth[:, None].expand_as(pred)
    mask = obj.bool()
    return lambda_coord * torch.nn.functional.mse_loss(pred[mask].sqrt(), every[mask].sqrt(), reduction="sum")


def lists_alone(pred, truth, obj, lambda_coord):
    pairs = [
        (side, true)
        for boxes, true_sides, marks in zip([*pred], [*truth], [*obj], strict=True)  # NumPy would add numbers
        for box, mark in zip(boxes, marks, strict=True)
        if mark
        for side, true in zip(box, true_sides, strict=True)
    ]
    return lambda_coord * sum((a**0.5 - b**0.5) ** 2 for a, b in pairs)


def half_precision(pred, truth, obj, lambda_coord):
    return torch.tensor(
        [float(plain_numpy(pred, truth, obj, lambda_coord))], dtype=torch.float32, requires_grad=True
    )


@pytest.mark.parametrize(
    "answer",
    [loops, plain_numpy, plain_torch, torch_function, lists_alone, half_precision,
     functools.partial(loops), lambda *parts: plain_numpy(*parts), lambda p, t, o, lam, unused=3: loops(p, t, o, lam)],
)  # fmt: skip
def test_a_right_answer_in_any_style_is_taken(answer):
    assert q.wh_term.check(answer).outcome == "right"


def stub(pred, truth, obj, lambda_coord): ...


def raises_not_implemented(pred, truth, obj, lambda_coord):
    raise NotImplementedError


@pytest.mark.parametrize("answer", [None, ..., stub, raises_not_implemented])
def test_not_tried_yet_is_no_mistake(answer, tmp_path):
    assert q.wh_term.check(answer).outcome == "not tried"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [0.8, np.ones(3), torch.tensor(1.0), "sqrt"])
def test_a_value_is_asked_to_be_a_function(value, capsys):
    assert q.wh_term.check(value).outcome == "not yet"
    assert "the function itself" in capsys.readouterr().out


def test_other_arguments_are_named(capsys):
    q.wh_term.check(lambda pred, truth: 0)
    assert "4 arguments (pred, truth, obj, lambda_coord); yours takes 2" in capsys.readouterr().out


def test_a_number_typed_in_cannot_pass():
    first = q.wh_term.chosen[0]
    value = float(q.wh_term.expected(first).value)
    verdict = q.wh_term.check(lambda *parts: value)
    assert verdict.outcome == "not yet"
    assert "the same value whatever comes in" in verdict.text


def test_an_error_is_the_learners_own_line_and_no_traceback(capsys):
    def helper(values):
        return values[99]  # the line

    def answer(pred, truth, obj, lambda_coord):
        return helper(pred)

    q.wh_term.check(answer)
    shown = capsys.readouterr().out
    assert "return values[99]  # the line" in shown
    assert "IndexError" in shown
    assert "Traceback" not in shown
    assert "checking.py" not in shown


def test_an_error_on_some_cases_shows_a_small_one():
    def only_one_box(pred, truth, obj, lambda_coord):
        if pred.shape[1] > 1:
            raise ValueError("one box only")
        return plain_numpy(pred, truth, obj, lambda_coord)

    verdict = q.wh_term.check(only_one_box)
    assert "one box only" in verdict.text
    assert verdict.case.arguments["pred"].shape == (1, 2, 2)


@pytest.mark.parametrize("ends", [SystemExit, RecursionError, MemoryError, StopIteration, AssertionError])
def test_whatever_is_raised_ends_nothing(ends):
    def answer(pred, truth, obj, lambda_coord):
        raise ends("told so")

    assert "told so" in q.wh_term.check(answer).text


def test_the_learner_can_interrupt():
    def answer(pred, truth, obj, lambda_coord):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        q.wh_term.check(answer)


def forever(*parts):
    while True:
        pass


def forever_deaf(*parts):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


def forever_asleep(*parts):
    time.sleep(3600)


def forever_lazily(*parts):
    return sum(1 for _ in itertools.count())


@pytest.mark.parametrize("answer", [forever, forever_deaf, forever_asleep, forever_lazily])
def test_a_function_that_does_not_end_is_stopped(answer, monkeypatch):
    monkeypatch.setattr(answers, "SECONDS", 0.2)
    begin = time.monotonic()
    verdict = q.wh_term.check(answer)
    assert "stopped" in verdict.text
    assert time.monotonic() - begin < 5


def test_it_is_stopped_in_another_thread_too():
    stopped = []

    def work():
        try:
            with within(0.2):
                forever()
        except TooLong:
            stopped.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert stopped


@pytest.mark.parametrize("value", ["0.5", {"loss": 1}, object(), [1, [2, 3]], 1j, print])
def test_what_is_no_number_is_said(value):
    verdict = q.wh_term.check(lambda *parts: value)
    assert verdict.outcome == "not yet"
    assert type(value).__name__ in verdict.text


def test_elements_that_are_not_added_up():
    verdict = q.wh_term.check(lambda p, t, o, lam: lam * o[..., None] * (p**0.5 - t[:, None] ** 0.5) ** 2)
    assert "not added up" in verdict.text
    assert verdict.expected.any()


def test_a_factor_is_told():
    assert "3 times" in q.wh_term.check(lambda *parts: 3 * loops(*parts)).text
    assert "-1 times" in q.wh_term.check(lambda *parts: -loops(*parts)).text


def test_nan_where_a_number_is_expected_is_wrong():
    assert q.emitted_cost.check(lambda emitted, true: (emitted**0.5 - true**0.5) ** 2).outcome == "not yet"


def test_inputs_that_the_learner_changes_spoil_nothing():
    def answer(pred, truth, obj, lambda_coord):
        pred **= 0.5
        truth **= 0.5
        return lambda_coord * (obj[..., None] * (pred - truth[:, None]) ** 2).sum()

    assert q.wh_term.check(answer).outcome == "right"


def test_random_answers_are_not_right():
    assert q.wh_term.check(lambda *parts: random.random()).outcome == "not yet"


def test_what_the_function_prints_is_shown_once(capsys):
    def answer(pred, truth, obj, lambda_coord):
        print("look:", pred.shape)
        return 0.0

    q.wh_term.check(answer)
    assert capsys.readouterr().out.count("look:") == 1


def test_the_smallest_case_is_small():
    verdict = q.wh_term.check(lambda p, t, o, lam: lam * (o[..., None] * abs(p - t[:, None]) ** 3).sum())
    assert verdict.case.arguments["pred"].shape == (1, 1, 2)
    assert verdict.picture.startswith("<svg")


def test_no_case_is_drawn_when_the_time_is_over(monkeypatch):
    """The search for a smaller one would go on for seconds without trying any."""
    monkeypatch.setattr(checking, "PATIENCE", 0)
    drawn = []
    exercise = replace(q.wh_term, cases=q.wh_term.cases.map(lambda case: drawn.append(case) or case))
    assert exercise.check(lambda pred, truth, obj, lambda_coord: 0.0).outcome == "not yet"
    assert len(drawn) == 1


def test_a_card_escapes_what_the_learner_wrote():
    def answer(pred, truth, obj, lambda_coord):
        print("<script>alert(1)</script>")
        raise ValueError("<b>x</b>")

    card = q.wh_term.check(answer).card()
    assert "<script>" not in card
    assert "<b>x</b>" not in card


def test_hints_follow_the_misunderstanding(capsys):
    q.wh_term.hint()
    before = capsys.readouterr().out
    q.wh_term.check(lambda p, t, o, lam: lam * (o[..., None] * (p - t[:, None]) ** 2).sum())
    capsys.readouterr()
    q.wh_term.hint()
    after = capsys.readouterr().out
    assert before != after
    assert "root" in after


def test_the_printed_solution_is_right(capsys):
    q.wh_term.solution()
    names = {}
    exec(capsys.readouterr().out, names)
    assert q.wh_term.check(names["wh_term"]).outcome == "right"


def test_chinese_is_spoken(capsys):
    q.set_language("zh-TW")
    q.wh_term.check(lambda p, t, o, lam: lam * (o[..., None] * (p - t[:, None]) ** 2).sum())
    shown = capsys.readouterr().out
    assert "還不對" in shown
    assert "真實框" in shown
    with pytest.raises(ValueError, match="language"):
        q.set_language("fr")


def test_progress_is_kept_and_shown(capsys, tmp_path):
    q.wh_term.check(lambda p, t, o, lam: lam * (o[..., None] * (p - t[:, None]) ** 2).sum())
    q.wh_term.check(loops)
    q.wh_term.check(lambda *parts: 0.0)  # what was right once stays so
    q.roots_question.check("roots make small boxes count")
    capsys.readouterr()
    q.progress()
    lines = capsys.readouterr().out.splitlines()
    assert any("✓ wh_term" in line and "no-root" in line for line in lines)
    assert any("✓ roots_question" in line for line in lines)
    assert lines[-1].startswith("2 of ")
    assert json.loads((tmp_path / "yolosses-progress.json").read_text())["wh_term"]["right"] is True


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"wh_term": 3}', b"\xff\xfe"])
def test_a_broken_progress_file_is_set_aside(content, tmp_path, capsys):
    file = tmp_path / "yolosses-progress.json"
    file.write_bytes(content)
    q.progress()
    assert "starts anew" in capsys.readouterr().err
    assert (tmp_path / "yolosses-progress.unreadable.json").read_bytes() == content


def test_a_question_shows_its_answer_after_the_learners(capsys):
    q.roots_question.check()
    q.roots_question.solution()
    assert "8 times" not in capsys.readouterr().out
    q.roots_question.check("because of small boxes")
    assert "8 times" in capsys.readouterr().out
    q.roots_question.solution()
    assert "8 times" in capsys.readouterr().out


def test_a_name_that_is_no_exercise():
    with pytest.raises(AttributeError, match="wh_term"):
        _ = q.wh_tern


def test_a_function_that_prints_its_value_is_told_to_return_it(capsys):
    verdict = q.wh_term.check(lambda *parts: print(loops(*parts)))
    assert verdict.outcome == "not yet"
    assert "returns nothing" in verdict.text
    assert verdict.printed.strip() in capsys.readouterr().out


@pytest.mark.parametrize("exercise", ["wh_term", "xy_term", "obj_term", "noobj_term", "noobj_mask"])
def test_an_answer_for_small_pictures_alone_is_not_right(exercise):
    exercise = getattr(q, exercise)

    def answer(*arguments):
        small = [each[:9] if np.ndim(each) else each for each in arguments]
        return exercise.right(*(each[:, :3] if np.ndim(each) > 2 else each for each in small))

    assert exercise.check(answer).outcome == "not yet"


@pytest.mark.parametrize(
    "answer",
    [lambda emitted, true: (math.sqrt(emitted) - math.sqrt(true)) ** 2,
     lambda emitted, true: (emitted**0.5 - true**0.5) ** 2,
     lambda emitted, true: [(emitted**0.5 - true**0.5) ** 2],
     lambda emitted, true: (np.sqrt(emitted) - np.sqrt(true)) ** 2],
)  # fmt: skip
def test_the_root_of_a_negative_output_has_its_name_whether_an_error_a_complex_number_or_nan(answer):
    verdict = q.emitted_cost.check(answer)
    assert verdict.misconception == "root-again"
    assert "root already" in verdict.text


def test_other_errors_have_no_name():
    def answer(emitted, true):
        raise ValueError("no")

    assert q.emitted_cost.check(answer).misconception is None


def _responsible_sides(pred, truth, obj):
    mask = torch.as_tensor(obj).bool()
    pred, truth = torch.as_tensor(pred), torch.as_tensor(truth)
    return pred[mask], truth[:, None].expand_as(pred)[mask]


def _torch_mean(pred, truth, obj, lambda_coord):
    pred, truth = _responsible_sides(pred, truth, obj)
    return lambda_coord * torch.nn.functional.mse_loss(pred.sqrt(), truth.sqrt())


def _torch_rmse(pred, truth, obj, lambda_coord):
    pred, truth = _responsible_sides(pred, truth, obj)
    return lambda_coord * torch.nn.functional.mse_loss(pred, truth).sqrt()


@pytest.mark.parametrize(
    ("answer", "name"), [(_torch_mean, "mean-of-numbers"), (_torch_rmse, "rmse-with-mean")]
)
def test_a_mean_is_named_though_it_is_nan_where_there_is_no_object(answer, name):
    assert q.wh_term.check(answer).misconception == name


@pytest.mark.parametrize(
    ("answer", "name"),
    [(lambda p, t, o, lam: (o[..., None] * (p - t[:, None]) ** 2).sum(), "no-root+no-lambda"),
     (lambda p, t, o, lam: 5 * (o[..., None] * (p - t[:, None]) ** 2).sum(), "no-root+lambda-typed-in"),
     (lambda p, t, o, lam: lam * (o[..., None] * (p - t[:, None]) ** 2).mean(), "no-root+mean-of-all"),
     (lambda p, t, o, lam: lam * ((p**2 - t[:, None] ** 2) ** 2).sum(), "squared-first+no-mask")],
)  # fmt: skip
def test_two_mistakes_in_the_second_term_are_named(answer, name):
    assert q.wh_term.check(answer).misconception == name


def test_two_mistakes_in_term_3_2_are_named():
    def answer(confidence, iou, obj, lambda_noobj):
        return 0.5 * sum(
            c * c for row, marks in zip(confidence, obj, strict=True) if not any(marks) for c in row
        )

    assert q.noobj_term.check(answer).misconception == "empty-cells+lambda-typed-in"


def test_chinese_sentences_end_with_a_chinese_stop():
    q.set_language("zh-TW")
    assert str(q.wh_term.check(lambda *parts: 0)).startswith("✗ 還不對。")
