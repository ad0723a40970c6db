"""Every exercise: right answers are taken, every misunderstanding is told by its name, and no two look alike."""

import itertools

import pytest

from yolosses import lessons as q
from yolosses.lessons import checking
from yolosses.lessons.answers import run, same
from yolosses.lessons.exercise import Exercise

EXERCISES = [each for name in q.__all__ if isinstance(each := getattr(q, name), Exercise)]
MUTANTS = [pytest.param(each, m, id=f"{each.key}-{m.key}") for each in EXERCISES for m in each.misconceptions]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_no_module_hides_an_exercise_of_its_name():
    """Importing ``yolosses.lessons.iou`` would replace ``q.iou``."""
    for lesson in q._LESSONS:
        for each in lesson.EXERCISES:
            assert getattr(q, each.key) is each


def _values(function, exercise):
    return [run(function, case.arguments).value for case in exercise.chosen]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.key)
def test_its_own_solution_is_right(exercise):
    assert exercise.check(exercise.right).outcome == "right"


@pytest.mark.parametrize(("exercise", "misconception"), MUTANTS)
def test_a_misunderstanding_is_told_by_its_name(exercise, misconception, monkeypatch):
    monkeypatch.setattr(checking, "PATIENCE", 0.0)  # there are many of them: the chosen cases alone
    monkeypatch.setattr(checking, "DRAWN", 1)
    verdict = exercise.check(misconception.mutant)
    assert (verdict.outcome, verdict.misconception) == ("not yet", misconception.key)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.key)
def test_chosen_cases_tell_all_misunderstandings_apart(exercise):
    answers = {m.key: _values(m.mutant, exercise) for m in exercise.misconceptions}
    answers["right"] = _values(exercise.right, exercise)
    for (one, first), (other, second) in itertools.combinations(answers.items(), 2):
        alike = all(
            a is not None and b is not None and same(a, b) for a, b in zip(first, second, strict=True)
        )
        assert not alike, f"{one} and {other} give the same on all chosen cases"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.key)
def test_words_are_there_in_both_languages(exercise):
    texts = [exercise.task, exercise.hints]
    texts += [words for m in exercise.misconceptions for words in (m.says, m.why, m.hint)]
    for words in texts:
        assert words.en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in words.zh), words


def test_no_two_exercises_have_one_name():
    keys = [each.key for lesson in q._LESSONS for each in lesson.EXERCISES]
    assert len(keys) == len(set(keys))
