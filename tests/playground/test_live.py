"""The same page with the library itself behind it, as ``yolosses play`` serves it."""

from typing import Any

import pytest
from tests.playground.conftest import settle
from tests.playground.test_page import check, drag, locate, serious


def test_both_engines_give_the_same_numbers_after_a_drag(
    opened: Any, address: str, live_address: str
) -> None:
    both = []
    for url, engine in ((address, "static"), (live_address, "live")):
        page = opened(f"lang=en&scene=1&S=5&B=3&term=xy&l.noobj=1.5&engine={engine}", url=url)
        assert page.evaluate("window.yolossesPlayground.capabilities.training") == (engine == "live")
        before = check(page)
        drag(page, locate(page, "truth", 0), 17, -12)
        predictor = next(box["predictor"] for box in check(page)["boxes"] if box["responsible"])
        drag(page, locate(page, "pred", predictor), -14, 11)
        after = check(page)  # every number is that of the library, to 1e-5
        assert after["numbers"]["total"] != before["numbers"]["total"]
        both.append(after)
    static, live = both
    assert live["raw"] == pytest.approx(static["raw"], rel=1e-5, abs=1e-6)
    assert live["truths"] == static["truths"]
    assert live["numbers"] == pytest.approx(static["numbers"], rel=1e-5, abs=1e-6)
    assert [box["tag"] for box in live["boxes"]] == [box["tag"] for box in static["boxes"]]


def test_more_cells_and_boxes_than_there_are_graphs_for(opened: Any, live_address: str) -> None:
    page = opened("lang=en&S=13&B=5&roots=linear&classes=cross_entropy&engine=live", url=live_address)
    assert check(page)["layout"] == {"grid": 13, "boxes": 5, "classes": 10, "slots": 6}
    page.locator("#variants").get_by_role("button", name="1", exact=True).first.click()
    page.wait_for_function("window.yolossesPlayground.result.layout.grid === 1")
    assert check(page)["layout"]["grid"] == 1


def test_faulty_losses_and_later_generations_are_there_too(
    opened: Any, address: str, live_address: str
) -> None:
    shown = []
    for url, engine in ((address, "static"), (live_address, "live")):
        page = opened(f"lang=en&bug=3&loss=v8&engine={engine}", url=url)
        page.wait_for_selector('[data-name="faulty.3"]')
        page.wait_for_selector("circle.positive")
        settle(page)
        faulty = page.locator('[data-name="faulty.3"]').get_attribute("data-value")
        shown.append((float(faulty), page.locator("#generations figcaption").inner_text()))
    assert shown[1][0] == pytest.approx(shown[0][0], rel=1e-5)
    assert shown[1][1] == shown[0][1]


def test_without_a_server_the_page_computes_by_itself_and_says_so(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}#lang=zh-TW&engine=live")
    page.wait_for_function("window.yolossesPlayground?.result", timeout=60_000)
    check(page)
    assert "yolosses play" in page.locator(".notice").inner_text()
    assert page.locator("#training").count() == 0
    page.close()


def test_two_settings_are_trained_side_by_side_until_stopped(opened: Any, live_address: str) -> None:
    page = opened("lang=en&engine=live", url=live_address)
    panel = page.locator("#training")
    panel.get_by_role("button", name="Train").click()
    for name in "AB":
        page.wait_for_selector(f'[data-name="recall.{name}"]', timeout=180_000)
    assert panel.locator("path.curve").count() == 2 * (5 + 2)
    settle(page)
    check(page)
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_role("button", name="Train").wait_for()
    panel.get_by_role("button", name="Train").click()  # the server is free again
    panel.get_by_role("button", name="Stop").wait_for()
    page.wait_for_timeout(500)
    assert page.locator(".failure").count() == 0
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_role("button", name="Train").wait_for()


def test_choices_made_before_the_first_is_shown_are_all_kept(opened: Any, live_address: str) -> None:
    page = opened("lang=en&engine=live", url=live_address)
    page.evaluate("""() => {
        const buttons = [...document.querySelectorAll("#variants button")];
        for (const name of ["5", "w, h", "Huber"]) buttons.find(each => each.textContent === name).click();
        window.yolossesPlayground.setLambda("coord", 2);
    }""")
    shown = check(page)
    assert (shown["layout"]["grid"], shown["lambdas"]["coord"]) == (5, 2)
    assert (shown["options"]["size_encoding"], shown["options"]["penalty"]) == ("linear", "huber")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_with_a_server(opened: Any, live_address: str, theme: str) -> None:
    page = opened(f"lang=en&theme={theme}&engine=live", url=live_address)
    assert serious(page) == []
