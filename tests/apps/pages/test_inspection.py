"""The page of an inspection: what it says, and that a browser needs nothing else."""

import importlib.util
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from tests.studies.doctor import faults
from tests.studies.doctor.faults import SHAPES, scenes, write_yolo

from yolosses.apps.pages.inspection import inspection_page
from yolosses.studies.doctor import Inspection, examine
from yolosses.training.data import DetectionDataset, open_whole

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def right(root: Path) -> tuple[Inspection, DetectionDataset]:
    return inspected(write_yolo(root / "right", scenes(root / "painted", 24), SHAPES))


@pytest.fixture(scope="module")
def wrong(root: Path, right: object) -> tuple[Inspection, DetectionDataset]:
    pictures = scenes(root / "painted", 24)
    return inspected(write_yolo(root / "wrong", pictures, SHAPES, faults.swapped_xy, 0.25))


def inspected(root: Path) -> tuple[Inspection, DetectionDataset]:
    dataset = open_whole(root).dataset
    return examine(dataset, grids=[4, 7], boxes_per_cell=2), dataset


def text_of(html: str) -> str:
    visible = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return re.sub(r"\s+", " ", unescape(visible))


def tables(html: str) -> list[list[list[str]]]:
    """The text of the cells of each table, row by row."""
    return [
        [
            [text_of(cell).strip() for cell in re.findall(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
            for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        ]
        for table in re.findall(r"<table[^>]*>(.*?)</table>", html, re.DOTALL)
    ]


# ------------------------------------------------------------ the page


def test_right_data(right: tuple[Inspection, DetectionDataset]) -> None:
    inspection, dataset = right
    html = inspection_page(inspection, dataset, language="en")
    text = text_of(html)
    assert "No fault suspected that many labels would share." in text
    assert "Suspected faults" not in text
    tiles = dict(re.findall(r'data-tile="(\w+)"[^>]*><b>([^<]+)</b>', html))
    first = inspection.grids[0]
    assert tiles == {
        "pictures": "24",
        "objects": str(inspection.num_objects),
        "classes": "3/3",
        "median": f"{inspection.objects_per_picture[1]:g}",
        "lost": str(first.lost),
        "broken": "0",
        "odd": str(len(inspection.odd_boxes)),
        "duplicates": "0",
        "unlabelled": "0",
    }
    for grid in inspection.grids:
        assert f"{grid.zero_total:,.2f}" in text
        assert f"{grid.positive_share:.2%}" in text
        assert f"{grid.balancing_noobj:.3g}" in text
        assert grid.occupancy.sum() == inspection.num_objects
    (classes,) = [
        table[1:] for table in tables(html) if table[0] == ["class", "share", "objects", "pictures"]
    ]
    per_class = dict(zip(inspection.class_names, inspection.counts.sum(0).tolist(), strict=True))
    assert {name: int(objects) for name, _, objects, _ in classes} == per_class


def test_a_suspicion_comes_first_with_its_reasons_and_both_readings(
    wrong: tuple[Inspection, DetectionDataset],
) -> None:
    inspection, dataset = wrong
    html = inspection_page(inspection, dataset, language="en")
    text = text_of(html)
    (suspicion,) = inspection.suspicions
    assert f"Suspected: x and y are swapped in the labels of {len(suspicion.pictures)} of 24 pictures" in text
    for reason in suspicion.reasons():
        assert reason in text
    assert html.index("Suspected: x and y") < html.index('class="tiles"')
    index = suspicion.pictures[0]
    name = inspection.picture_names[index]
    assert f"{name}: as written" in text
    assert f"{name}: as suspected" in text
    files = [inspection.label_files[picture].name for picture in suspicion.pictures]
    assert re.findall(r"<li><code>([^<]+)</code>", html)[: len(files)] == files
    written = dataset.records[index].written
    assert written is not None
    cx, cy, w, h = written.numbers[0]
    shape = f'x="{(cx - w / 2) * 200:.1f}" y="{(cy - h / 2) * 140:.1f}" width="{w * 200:.1f}" height="{h * 140:.1f}"'
    turned = f'x="{(cy - h / 2) * 200:.1f}" y="{(cx - w / 2) * 140:.1f}" width="{h * 200:.1f}" height="{w * 140:.1f}"'
    assert f'<rect class="other" {shape}/>' in html
    assert f'<rect class="answer" {turned}/>' in html


def test_shifted_classes_are_shown_by_name(root: Path, right: object) -> None:
    pictures = scenes(root / "painted", 24)
    inspection, dataset = inspected(write_yolo(root / "shifted", pictures, SHAPES, faults.class_too_high))
    html = inspection_page(inspection, dataset, language="en")
    assert "class numbers are off by one: 1 too high" in html
    assert ">3</text>" in html  # as written: no class has this number
    assert ">tower</text>" in html  # as suspected, and never as written


def test_chinese(wrong: tuple[Inspection, DetectionDataset]) -> None:
    inspection, dataset = wrong
    html = inspection_page(inspection, dataset, language="zh-TW")
    text = text_of(html)
    assert '<html lang="zh-TW">' in html
    for words in ("懷疑：x 與 y 對調了", "一個格子一個物件", "物件大小與格子", "正樣本", "照懷疑的寫法"):
        assert words in text
    for words in ("Suspected", "lost", "picture", "objects"):
        assert words not in text


def test_the_page_is_the_same_each_time_and_asks_for_nothing(
    wrong: tuple[Inspection, DetectionDataset],
) -> None:
    inspection, dataset = wrong
    html = inspection_page(inspection, dataset, language="en")
    assert html == inspection_page(inspection, dataset, language="en")
    for address in re.findall(r'(?:src|href)="([^"]+)"', html):
        assert address.startswith(("data:", "#")), address


@pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed")
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this computer")
@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_in_a_browser(wrong: tuple[Inspection, DetectionDataset], tmp_path: Path, language: Any) -> None:
    from playwright.sync_api import sync_playwright

    inspection, dataset = wrong
    path = tmp_path / "inspection.html"
    path.write_text(inspection_page(inspection, dataset, language=language), "utf-8")
    requests: list[str] = []
    faults_told: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1240, "height": 720})
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: faults_told.append(message.text))
        page.on("pageerror", lambda error: faults_told.append(str(error)))
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_timeout(200)
        verdict = page.locator(".verdict").bounding_box()
        last_tile = page.locator(".tiles li").last.bounding_box()
        wide = page.evaluate("document.documentElement.scrollWidth")
        page.set_viewport_size({"width": 420, "height": 800})
        narrow = page.evaluate("document.documentElement.scrollWidth")
        shortest = page.evaluate(
            "Math.min(...[...document.querySelectorAll('svg.stacked, figure > svg')].map(e => e.clientWidth))"
        )
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    assert faults_told == []
    for part in (verdict, last_tile):
        assert part is not None
        assert part["y"] + part["height"] < 720
    assert (wide, narrow) == (1240, 420)
    assert shortest >= 100  # on a phone, too, charts and bars can be read
