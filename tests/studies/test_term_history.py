"""Means over stretches of a log."""

import math

import pytest

from yolosses.studies.term_history import mean_history, term_history


def row(step: int, xy: float, cls: float) -> dict[str, object]:
    return {"step": step, "total": xy + cls, "terms": {"xy": xy, "cls": cls}}


def test_means_and_shares_of_stretches() -> None:
    history = term_history([row(1, 1, 3), row(2, 3, 5), row(3, 2, 2), row(4, 4, 0)], points=2)
    assert history is not None
    assert history.steps == (1.5, 3.5)
    assert history.terms == {"xy": (2.0, 3.0), "cls": (4.0, 1.0)}
    assert history.totals == [6.0, 4.0]
    assert history.shares["xy"] == pytest.approx([1 / 3, 3 / 4])


def test_steps_that_are_not_finite_are_left_out() -> None:
    history = term_history([row(1, 1, 1), row(2, math.nan, 1), row(3, 3, 1), row(4, math.inf, 1)])
    assert history is not None
    assert history.steps == (1.0, 3.0)
    assert history.terms["xy"] == (1.0, 3.0)


def test_no_history_of_less_than_two_steps() -> None:
    assert term_history([]) is None
    assert term_history([row(1, 1, 1), row(2, math.nan, 1)]) is None


def test_a_loss_of_zero_has_no_shares() -> None:
    history = term_history([row(1, 0, 0), row(2, 1, 3)])
    assert history is not None
    assert history.shares == {"xy": [0.0, 0.25], "cls": [0.0, 0.75]}


def test_the_mean_of_runs_goes_as_far_as_the_shortest() -> None:
    first = {"steps": [0, 10], "terms": {"xy": [1.0, 1.0], "cls": [3.0, 1.0]}}
    second = {"steps": [0, 20], "terms": {"xy": [1.0, 1.0], "cls": [3.0, 3.0], "more": [1.0, 1.0]}}
    found = mean_history([first, second, {}])
    assert found
    assert (found.steps[0], found.steps[-1]) == (0, 10)
    assert list(found.terms) == ["xy", "cls"]  # those that all runs have
    assert found.terms["cls"][0] == pytest.approx(3.0)
    assert found.terms["cls"][-1] == pytest.approx(2.0)
    assert found.shares["xy"][0] == pytest.approx(0.25)
    assert found.shares["xy"][-1] == pytest.approx(1 / 3)
    assert mean_history([{}]) is None
    nothing = mean_history([{"steps": [0, 1], "terms": {"xy": [0.0, 0.0]}}])
    assert nothing
    assert set(nothing.shares["xy"]) == {0.0}
