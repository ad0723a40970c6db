"""Every term of every loss has a name and a meaning in both languages, and no two of one loss share a name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from yolosses.explain.terms import term_fault, term_meaning, term_name, term_shares

V1 = ("xy", "wh", "obj", "noobj", "cls")
HEAD = ("box", "cls", "dfl")
TERMS: dict[str, Sequence[str]] = {
    "v1": V1,
    "v2": (*V1, "prior"),
    "v3": V1,
    "v4": ("box", "obj", "noobj", "cls"),
    "v5": ("box", "obj", "cls"),
    "v6": HEAD,
    "v8": HEAD,
    "v10": tuple(f"{head}_{term}" for head in ("o2o", "o2m") for term in HEAD),
    "yolo26": tuple(f"{head}_{term}" for head in ("o2o", "o2m") for term in ("box", "cls", "l1")),
    "yolox": ("box", "obj", "cls", "l1"),
}


@pytest.mark.parametrize("loss", TERMS)
@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_every_term_has_a_name_of_its_own_and_a_meaning(loss: str, language: str) -> None:
    names = [term_name(name, TERMS[loss], language=language) for name in TERMS[loss]]
    assert not set(names) & set(TERMS[loss]) - {"objectness", "class"}
    assert len(set(names)) == len(names)
    for name in TERMS[loss]:
        assert term_meaning(name, TERMS[loss], language=language)
        assert term_fault(name, TERMS[loss], language=language)


def test_confidence_is_numbered_only_where_it_is_told_from_that_of_background() -> None:
    assert term_name("obj", V1) == term_name("obj", TERMS["v4"]) == "3-1 confidence, object"
    assert term_name("obj", TERMS["v5"]) == "objectness"
    assert term_name("o2m_dfl", TERMS["v10"]) == "sides, as distributions, one-to-many head"


def test_a_term_that_nobody_knows_has_its_own_name_and_no_meaning() -> None:
    assert term_name("another", V1, language="zh-TW") == "another"
    assert term_meaning("another", V1) == term_fault("another", V1) == ""


def test_shares_are_parts_of_the_loss() -> None:
    inf, nan = np.inf, np.nan
    shares = term_shares({"xy": [1.0, 0.0, inf, nan, 2.0], "cls": [3.0, 0.0, 1.0, 1.0, 0.0]})
    np.testing.assert_array_equal(shares["xy"], [0.25, nan, nan, nan, 1.0])
    np.testing.assert_array_equal(shares["cls"], [0.75, nan, nan, nan, 0.0])
    assert float(term_shares({"xy": 1.0, "cls": 3.0})["cls"]) == 0.75
    assert term_shares({}) == {}
