"""The report in a real browser: nothing is asked of the network, nothing goes wrong, and what matters is seen first."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.apps.pages.shapes_report import report_of_shapes, study_of_shapes

from yolosses.studies.dataset_loss import DatasetLoss

CHROMIUM = shutil.which("chromium")
SIZE = {"width": 1280, "height": 720}

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this computer"),
]


@pytest.fixture(scope="module")
def study_and_report(tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetLoss, Path]:
    study = study_of_shapes()
    report = report_of_shapes(study, playground={}, language="en")
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report, "utf-8")
    return study, path


@pytest.fixture
def opened(
    browser: Any, study_and_report: tuple[DatasetLoss, Path]
) -> Iterator[tuple[Any, list[str], list[str]]]:
    """The page, what was requested, and what went wrong."""
    page = browser.new_page(viewport=SIZE)
    requests: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(study_and_report[1].as_uri(), wait_until="load")
    yield page, requests, wrong
    page.close()


def test_nothing_is_requested_and_nothing_goes_wrong(
    opened: tuple[Any, list[str], list[str]], study_and_report: tuple[DatasetLoss, Path]
) -> None:
    page, requests, wrong = opened
    page.wait_for_timeout(300)
    assert [url for url in requests if not url.startswith("data:")] == [study_and_report[1].as_uri()]
    assert wrong == []
    assert (
        page.evaluate(
            "performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length"
        )
        == 0
    )


def test_the_dominating_term_and_the_worst_picture_are_seen_at_once(
    opened: tuple[Any, list[str], list[str]], study_and_report: tuple[DatasetLoss, Path]
) -> None:
    page, study = opened[0], study_and_report[0]
    first = max(study.terms, key=lambda name: study.terms[name])
    share = f"{100 * study.terms[first] / study.loss:.0f} %"
    verdict = page.locator(".verdict")
    assert page.evaluate("window.scrollY") == 0
    for words in (first, share, study.worst_pictures(1)[0].name):
        assert words in verdict.inner_text()
    rows = page.locator("table.terms tbody tr[data-term]")
    assert rows.count() == 5
    assert rows.first.get_attribute("data-term") == first
    pictures = page.locator(".worst")
    assert [words.split("\n")[0] for words in pictures.all_inner_texts()] == [
        picture.name for picture in study.worst_pictures(3)
    ]
    for part in (verdict, rows.last, pictures.first, pictures.last):
        box = part.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= SIZE["height"]


def test_the_longest_bar_is_that_of_the_largest_value(
    opened: tuple[Any, list[str], list[str]], study_and_report: tuple[DatasetLoss, Path]
) -> None:
    page, study = opened[0], study_and_report[0]
    longest = max(*study.terms.values(), *study.unweighted.values())
    for name in study.scales:
        bars = page.locator(f'tr[data-term="{name}"] .bar rect')
        widths = [float(bars.nth(i).get_attribute("width")) for i in range(2)]
        assert widths == pytest.approx(
            [229 * study.terms[name] / longest, 229 * study.unweighted[name] / longest], abs=0.1
        )


def test_no_picture_is_broken_and_nothing_is_wider_than_the_page(
    opened: tuple[Any, list[str], list[str]],
) -> None:
    page = opened[0]
    assert page.locator("svg.marked image").count() > 8
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZE["width"]
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_it_prints(opened: tuple[Any, list[str], list[str]]) -> None:
    page = opened[0]
    page.emulate_media(media="print")
    assert page.locator("nav.contents").is_hidden()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_the_suspicion_tells_where_to_look(opened: tuple[Any, list[str], list[str]]) -> None:
    text = opened[0].locator(".suspect").inner_text()
    assert "1. shape-02" in text
    assert "misplaced, or one missing?" in text
    assert "32 pixels away" in text
    assert "label: 13, 13, 26, 26" in text
