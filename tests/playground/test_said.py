"""What the page says of its faults and tells a reader to try is so."""

from typing import Any

import pytest
from tests.playground.conftest import settle
from tests.playground.test_page import check, predictors


def faulty(page: Any, number: int) -> dict[str, float]:
    """Numbers of the right loss and of a fault, of the state that is shown now."""
    settle(page)
    page.wait_for_function(
        f"""window.yolossesPlayground.result.total > 0 &&
        Math.abs(Number(document.querySelector('[data-name="right"]')?.dataset.value)
          - Number(document.querySelector('[data-name="total"]').dataset.value)) < 1e-4
        && document.querySelector('[data-name="faulty.{number}"]')"""
    )
    numbers: dict[str, float] = check(page)["numbers"]
    return {**numbers, "faulty": numbers[f"faulty.{number}"]}


def set_confidence(page: Any, predictor: int, value: float) -> None:
    page.evaluate(f"window.yolossesPlayground.setConfidence({predictor}, {value})")


def test_1_does_not_fall_to_0_with_the_right_loss(opened: Any) -> None:
    page = opened("lang=en&bug=1&rate=0.1")
    page.evaluate("for (let i = 0; i < 150; i++) window.yolossesPlayground.step()")
    numbers = faulty(page, 1)
    assert numbers["right"] < 0.01
    assert numbers["faulty"] > 0.5


def test_2_is_smaller_and_3_counts_term_4_once_more(opened: Any) -> None:
    numbers = faulty(opened("lang=en&bug=2"), 2)
    assert numbers["faulty"] < numbers["right"]
    numbers = faulty(opened("lang=en&bug=3"), 3)
    assert numbers["difference"] == pytest.approx(numbers["term.cls"], rel=1e-5)


def test_5_does_not_move_with_the_confidence_of_a_dashed_box(opened: Any) -> None:
    page = opened("lang=en&bug=5")
    before = faulty(page, 5)
    set_confidence(page, predictors(check(page), responsible=False)[0], 0.9)
    after = faulty(page, 5)
    assert after["faulty"] == pytest.approx(before["faulty"], abs=1e-6)
    assert after["right"] > before["right"] + 0.1


def test_6_falls_where_the_right_loss_rises(opened: Any) -> None:
    page = opened("lang=en&bug=6")
    box = next(box for box in check(page)["boxes"] if box["responsible"])
    set_confidence(page, box["predictor"], float(box["tag"].split()[-1]))
    before = faulty(page, 6)
    set_confidence(page, box["predictor"], 1.0)
    after = faulty(page, 6)
    assert after["faulty"] < before["faulty"]
    assert after["right"] > before["right"]


def test_7_jumps_where_the_right_loss_changes_little(opened: Any) -> None:
    page = opened("lang=en&bug=7")
    mine = check(page)["boxes"]
    winner = next(box["predictor"] for box in mine if box["responsible"])
    loser = winner ^ 1
    set_confidence(page, winner, 0.5)
    set_confidence(page, loser, 0.49)
    before = faulty(page, 7)
    set_confidence(page, loser, 0.51)
    after = faulty(page, 7)
    assert abs(after["right"] - before["right"]) < 0.02
    assert abs(after["faulty"] - before["faulty"]) > 0.05


def test_8_has_the_right_value_and_another_gradient(opened: Any) -> None:
    numbers = faulty(opened("lang=en&bug=8"), 8)
    assert numbers["faulty"] == pytest.approx(numbers["right"], rel=1e-5)
    assert numbers["gradient-difference"] > 1e-4


def test_a_large_lambda_noobj_lets_the_boxes_without_an_object_outweigh_the_rest(opened: Any) -> None:
    numbers = check(opened("lang=en&l.noobj=5"))["numbers"]
    assert numbers["term.noobj"] > 0.5 * numbers["total"]


def test_of_two_sizes_the_small_box_pays_more_with_roots_and_the_same_without(opened: Any) -> None:
    def small_share(roots: str) -> float:
        page = opened(f"lang=en&scene=2&term=wh&roots={roots}")
        shown = check(page)
        costs = page.evaluate(
            """[...document.querySelectorAll(".elements li")].map(
                e => [e.textContent, Number(e.querySelector(".number").dataset.value)])"""
        )
        areas = {
            box["predictor"]: box["box"][2] * box["box"][3] for box in shown["boxes"] if box["responsible"]
        }
        cell = divmod(min(areas, key=lambda predictor: areas[predictor]) // 2, 3)
        small = sum(value for text, value in costs if f"cell ({cell[0]},{cell[1]})" in text)
        return float(small / sum(value for _, value in costs))

    assert small_share("linear") == pytest.approx(0.5, abs=1e-4)
    assert small_share("sqrt") > 0.65


def test_with_lambda_coord_0_descent_leaves_the_boxes_where_they_are(opened: Any) -> None:
    page = opened("lang=en&l.coord=0&rate=0.1")
    before = check(page)
    page.evaluate("for (let i = 0; i < 10; i++) window.yolossesPlayground.step()")
    after = check(page)
    assert after["numbers"]["total"] < before["numbers"]["total"]
    for old, new in zip(before["boxes"], after["boxes"], strict=True):
        assert new["box"] == pytest.approx(old["box"], abs=1e-6)
