"""How long a run is: one of two units, and more than nothing."""

import math

import pytest

from yolosses.apps.runs.budget import budget_in_words, budget_of, require_budget, require_positive
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.request import TrainRequest


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"epochs": 1, "minutes": 2.0}, "--epochs, --minutes: expected one of them; got both"),
        (
            {"minutes_each": 2.0, "epochs_each": 1},
            "--minutes-each, --epochs-each: expected one of them; got both",
        ),
        ({"minutes_each": 0.0, "epochs_each": None}, "--minutes-each: expected a number > 0; got 0"),
        ({"minutes": math.inf, "epochs": None}, "--minutes: expected a number > 0; got inf"),
        ({"minutes": math.nan, "epochs": None}, "--minutes: expected a number > 0; got nan"),
    ],
)
def test_a_length_that_is_none(lengths: dict[str, float | None], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        require_budget(**lengths)
    assert str(caught.value) == message


def test_what_is_left_open_is_no_mistake() -> None:
    require_budget(epochs=None, minutes=None)
    require_budget(epochs=None, minutes=0.1)
    require_positive(learning_rate=None)


@pytest.mark.parametrize(
    ("request_", "budget", "words"),
    [
        (TrainRequest(data="digits", minutes=0.5), {"minutes": 0.5}, "0.5 minutes"),
        (TrainRequest(data="digits", minutes=1), {"minutes": 1}, "1 minute"),
        (TrainRequest(data="digits", epochs=1), {"epochs": 1}, "1 epoch"),
        (TrainRequest(data="digits", epochs=3), {"epochs": 3}, "3 epochs"),
    ],
)
def test_in_words(request_: TrainRequest, budget: dict[str, float], words: str) -> None:
    assert budget_of(request_) == budget
    assert budget_in_words(budget) == words
