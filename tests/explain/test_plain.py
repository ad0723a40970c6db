"""Values as json has them."""

import numpy as np

from yolosses.explain.plain import plain
from yolosses.explain.words import Sentence


def test_what_json_has_no_word_for_becomes_none() -> None:
    assert plain({"a": [1.0, float("nan"), (float("inf"), "x")], "b": 2}) == {
        "a": [1.0, None, [None, "x"]],
        "b": 2,
    }


def test_arrays_become_lists_and_dataclasses_dictionaries() -> None:
    assert plain(np.array([[1.0, np.nan]])) == [[1.0, None]]
    sentence = Sentence(image=0, object=None, loss=float("inf"), text="t")
    assert plain([sentence]) == [{"image": 0, "object": None, "loss": None, "text": "t"}]
