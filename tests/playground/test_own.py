"""Pictures of the reader's own, and what the network of a run emits for them, as ``yolosses play`` shows them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.apps.cli.command import succeed
from tests.apps.play.own import CLASSES, CROWD, TRAIN, file_of, halves, write_data
from tests.playground.conftest import serving, settle
from tests.playground.test_page import check, drag, locate, serious

from yolosses.apps.cli.play import open_scenes
from yolosses.apps.play.graphs import MOST_SLOTS
from yolosses.apps.runs.build import load_detector
from yolosses.training.data import Batches, open_dataset
from yolosses.training.run import RunFolder


class Silent:
    def print(self, *_: Any, **__: Any) -> None:
        pass


def address_of(home: Path, run: str | None) -> Any:
    console: Any = Silent()
    return serving(open_scenes(console, home / run if run else None, str(home / "data"), "val"))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``data`` like VOC's, and short runs of YOLOv1 and of YOLOv8 on it."""
    home = tmp_path_factory.mktemp("own")
    write_data(home / "data")
    succeed("train", "data", "--out", "v1", *TRAIN, "--grid", 4, "--lambda-coord", 40, cwd=home)
    succeed("train", "data", "--out", "v8", "--loss", "v8", *TRAIN, cwd=home)
    return home


@pytest.fixture(scope="session")
def data_address(home: Path) -> Iterator[str]:
    with address_of(home, None) as address:
        yield address


@pytest.fixture(scope="session")
def run_address(home: Path) -> Iterator[str]:
    with address_of(home, "v1") as address:
        yield address


def own(page: Any) -> str:
    settle(page)
    return str(page.locator(".own-notes").inner_text())


def next_picture(page: Any, number: int) -> None:
    page.get_by_role("button", name="Next picture").click()
    page.wait_for_function(f"window.yolossesPlayground.state.own === {number}")


def test_own_pictures_have_their_classes_and_the_librarys_numbers(
    opened: Any, home: Path, data_address: str
) -> None:
    page = opened("lang=en&engine=live&own=1&S=5&term=cls", url=data_address)
    dataset = open_dataset(home / "data", "val")
    for number, record in enumerate(dataset.records):
        if number:
            next_picture(page, number)
        shown = check(page)
        assert shown["layout"]["classes"] == len(CLASSES)
        kept = record.labels[:MOST_SLOTS]
        assert [truth["label"] for truth in shown["truths"]] == kept.tolist()
        assert [truth["ignored"] for truth in shown["truths"]] == record.ignore[: len(kept)].tolist()
        names = page.locator("svg.scene g.box.truth .tag text").all_text_contents()
        assert {CLASSES[label] for label in kept} >= {re.sub(r"\W.*", "", name) for name in names}
        assert page.locator("svg.scene g.box.ignored").count() == int(record.ignore[: len(kept)].sum())
        assert record.name in own(page)
    assert f"{CROWD - MOST_SLOTS} more objects are not shown" in own(page)
    page.get_by_role("button", name="Previous picture").click()
    page.wait_for_function("window.yolossesPlayground.state.own === 1")
    field = page.get_by_label("Number or name of a picture")
    field.fill("000006")  # a name, though it is made of digits
    field.press("Enter")
    page.wait_for_function("window.yolossesPlayground.state.own === 0")
    before = check(page)
    free = next(index for index, truth in enumerate(before["truths"]) if not truth["ignored"])
    drag(page, locate(page, "truth", free), 12, 9)
    after = check(page)
    assert after["truths"][free]["box"] != before["truths"][free]["box"]


def test_a_link_brings_back_an_own_picture_and_a_wrong_name_is_said(opened: Any, data_address: str) -> None:
    page = opened("lang=en&engine=live&own=2&S=4&B=1", url=data_address)
    drag(page, locate(page, "truth", 0), 8, 6)
    shown = check(page)
    page.wait_for_timeout(400)
    link = page.evaluate("location.hash").removeprefix("#")
    same = check(opened(link, url=data_address))
    for kept in (same, shown):
        kept["truths"] = [{"ignored": False, **truth} for truth in kept["truths"]]
    assert (same["truths"], same["raw"], same["layout"]) == (shown["truths"], shown["raw"], shown["layout"])
    field = page.get_by_label("Number or name of a picture")
    field.fill("nobody")
    field.press("Enter")
    page.get_by_text("The picture cannot be shown. picture nobody: expected the name of a picture").wait_for()
    check(page)


def test_a_run_shows_what_its_network_emits_and_edits_act_on_it(
    opened: Any, home: Path, run_address: str
) -> None:
    page = opened("lang=en&engine=live&own=1&term=xy", url=run_address)
    shown = check(page)
    settings, model, loss = load_detector(RunFolder(home / "v1"), torch.device("cpu"))
    dataset = open_dataset(home / "data", "val", class_names=settings.class_names)
    batch = Batches(dataset, batch_size=1, image_size=settings.image_size).batch(np.array([0]))
    with torch.no_grad():
        raw = model(batch.images)
    np.testing.assert_allclose(shown["raw"], raw.flatten(), atol=1e-5)
    assert (shown["layout"]["grid"], shown["lambdas"]["coord"]) == (4, 40)
    assert shown["numbers"]["total"] == pytest.approx(loss(raw, batch.targets).total.item(), rel=1e-5)
    assert "what the network of v1 emits" in own(page)
    before = page.evaluate("location.hash")
    page.get_by_role("button", name="One step").click()
    after = check(page)
    assert after["numbers"]["total"] != shown["numbers"]["total"]
    page.evaluate("window.yolossesPlayground.setLambda('coord', 4)")
    check(page)
    next_picture(page, 1)
    assert check(page)["lambdas"]["coord"] == 4  # what the reader chose stays
    assert before != page.evaluate("window.yolossesPlayground.hash")
    page.locator("#variants").get_by_role("button", name="w, h", exact=True).click()
    assert check(page)["options"]["size_encoding"] == "linear"
    assert "emits 4 × 4 cells" in own(page)
    page.locator("#variants").get_by_role("button", name="Huber").click()
    assert check(page)["options"]["penalty"] == "huber"


def test_a_run_of_another_loss_is_among_the_generations(opened: Any, home: Path) -> None:
    with address_of(home, "v8") as address:
        page = opened("lang=en&engine=live&own=1&loss=run", url=address)
        page.wait_for_selector('[data-name="run.box"]')
        settle(page)
        settings, model, loss = load_detector(RunFolder(home / "v8"), torch.device("cpu"))
        dataset = open_dataset(home / "data", "val", class_names=settings.class_names)
        batch = Batches(dataset, batch_size=1, image_size=settings.image_size).batch(np.array([0]))
        with torch.no_grad():
            out = loss(model(batch.images), batch.targets)
        for name, value in out.terms.items():
            told = float(page.locator(f'[data-name="run.{name}"]').get_attribute("data-value"))
            assert told == pytest.approx(value.item(), rel=1e-4)
        assert page.locator("circle.positive").count() == int(out.assignment.mask.sum())
        assert "trained with v8" in own(page)
        page.locator(".segments").get_by_role("button", name="Three digits").click()
        page.wait_for_function("window.yolossesPlayground.state.own === null")
        assert check(page)["layout"]["classes"] == 10
        assert page.get_by_role("button", name="v8", exact=True).count() == 0


@pytest.mark.parametrize("loss", ["v2", "v3", "v4", "v5", "v6", "v7", "v8", "v10", "yolox"])
def test_every_loss_has_positives(opened: Any, data_address: str, loss: str) -> None:
    page = opened(f"lang=zh-TW&engine=live&own=1&loss={loss}", url=data_address)
    page.wait_for_selector("circle.positive")
    check(page)


def upload(page: Any, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )


def test_a_file_is_opened_and_only_its_reader_sees_it(opened: Any, home: Path, run_address: str) -> None:
    page, other = (opened("lang=en&engine=live", url=run_address) for _ in range(2))
    upload(page, "halves.png", file_of(halves(), "PNG"))
    page.wait_for_function("window.yolossesPlayground.state.own === 'opened'")
    shown = check(page)
    assert shown["truths"] == []
    assert shown["layout"]["grid"] == 4
    assert "Your picture" in own(page)
    page.get_by_role("button", name="Add object").click()
    assert len(check(page)["truths"]) == 1
    drag(page, locate(page, "truth", 0), 20, 10)
    check(page)
    page.wait_for_timeout(400)
    link = page.evaluate("location.hash").removeprefix("#")
    assert "own=opened" in link
    assert other.evaluate("window.yolossesPlayground.own") is None
    later = opened(link, url=run_address)
    assert "Open it again" in later.locator(".notice").inner_text()
    assert len(check(later)["truths"]) == 3  # of the picture of the page


def test_a_file_is_dropped_onto_the_page(opened: Any, data_address: str) -> None:
    page = opened("lang=en&engine=live", url=data_address)
    page.evaluate(
        """async bytes => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(bytes)], "a.jpg", { type: "image/jpeg" }));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }""",
        list(file_of(halves())),
    )
    page.wait_for_function("window.yolossesPlayground.state.own === 'opened'")
    check(page)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no picture", "not a picture that can be read"), (bytes(16_000_001), "at most 16 MB")],
    ids=["text", "large"],
)
def test_what_is_no_picture_is_said(opened: Any, data_address: str, content: bytes, words: str) -> None:
    page = opened("lang=en&engine=live&own=1", url=data_address)
    before = check(page)
    upload(page, "a.png", content)
    page.get_by_text("The picture cannot be shown.").wait_for()
    assert words in page.locator(".failure").inner_text()
    assert check(page)["truths"] == before["truths"]
    upload(page, "b.png", file_of(halves(), "PNG"))
    page.wait_for_function("window.yolossesPlayground.state.own === 'opened'")
    assert page.locator(".failure").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_own_pictures_fit_and_axe_finds_nothing(
    opened: Any, run_address: str, width: int, language: str
) -> None:
    page = opened(f"lang={language}&engine=live&own=1&term=cls", width, url=run_address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    locate(page, "truth", 0).focus()
    assert serious(page) == []


def test_after_the_server_was_stopped_and_started_again_it_goes_on(browser: Any) -> None:
    page = browser.new_page()
    with serving() as address:
        page.goto(f"{address}#lang=en&engine=live")
        page.wait_for_function("window.yolossesPlayground?.result", timeout=60_000)
        before = check(page)
    page.get_by_text("The connection to the server is lost").wait_for()
    page.evaluate("window.yolossesPlayground.moveTruth(0, [0.4, 0.4, 0.3, 0.3])")
    page.wait_for_timeout(600)
    with serving(port=int(address.rsplit(":", 1)[1].split("/")[0])):
        page.get_by_text("The connection to the server is lost").wait_for(state="detached")
        page.wait_for_function("window.yolossesPlayground.idle", timeout=30_000)
        after = check(page)
        assert after["truths"][0]["box"] == pytest.approx([0.4, 0.4, 0.3, 0.3])
        assert after["numbers"]["total"] != before["numbers"]["total"]
        assert page.locator(".failure").count() == 0
        drag(page, locate(page, "truth", 1), 9, 7)
        check(page)
    page.close()
