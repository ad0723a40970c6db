"""A link of the report of ``yolosses explain`` opens the page with the same numbers."""

from typing import Any

import pytest
import torch
from tests.playground.conftest import settle
from tests.playground.test_page import check

from yolosses.apps.pages.playground_link import playground_link
from yolosses.apps.play import PORT
from yolosses.explain import explain
from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets

TRUTHS = torch.tensor([[0.31, 0.42, 0.2, 0.33], [0.77, 0.6, 0.25, 0.4], [0.33, 0.4, 0.1, 0.1]])
LABELS = torch.tensor([3, 9, 0])


def link_and_total(grid: int, **options: Any) -> tuple[str, float, torch.Tensor]:
    """The third object lies in the cell of the first, which has it."""
    loss = YOLOv1Loss(grid=grid, boxes_per_cell=3, num_classes=10, **options)
    raw = torch.rand(1, grid, grid, 25, generator=torch.Generator().manual_seed(grid))
    targets = Targets.from_cxcywh([TRUTHS], [LABELS])
    link = playground_link(loss, raw, targets, torch.rand(3, 64, 64), language="zh-TW")
    assert link is not None
    return link, explain(loss, raw, targets, normalizer=1.0).total, raw


@pytest.mark.parametrize("engine", ["static", "live"])
@pytest.mark.parametrize(
    "options",
    [
        {"lambda_coord": 2.5, "lambda_noobj": 0.123456789},
        {"size_term": "linear", "confidence_target": "one", "class_term": "cross_entropy"},
    ],
)
def test_the_page_shows_the_output_the_objects_and_the_loss_of_the_report(
    opened: Any, address: str, live_address: str, engine: str, options: dict[str, Any]
) -> None:
    link, total, raw = link_and_total(7 if engine == "static" else 8, **options)
    base, _, hash_ = link.partition("#")
    assert base == f"http://127.0.0.1:{PORT}/"
    if engine == "static":
        hash_ = hash_.replace("engine=live", "engine=static")
    page = opened(hash_, url=address if engine == "static" else live_address)
    shown = check(page)
    assert shown["numbers"]["total"] == pytest.approx(total, rel=1e-5)
    assert shown["raw"] == raw.flatten().tolist()
    assert [truth["label"] for truth in shown["truths"]] == LABELS.tolist()
    assert [truth["box"] for truth in shown["truths"]] == TRUTHS.tolist()
    assert page.locator("svg.scene image").get_attribute("href").startswith("data:image/jpeg;base64,/9j/")


def test_start_again_brings_the_output_of_the_report_back(opened: Any) -> None:
    link, total, _ = link_and_total(5)
    page = opened(link.partition("#")[2].replace("engine=live", "engine=static"))
    page.get_by_role("button", name="走一步").click()
    settle(page)
    assert check(page)["numbers"]["total"] < total
    page.get_by_role("button", name="重新開始").click()
    assert check(page)["numbers"]["total"] == pytest.approx(total, rel=1e-5)


def test_the_address_that_the_page_writes_holds_all_of_it_again(opened: Any) -> None:
    link, total, raw = link_and_total(7)
    page = opened(link.partition("#")[2].replace("engine=live", "engine=static"))
    again = opened(page.evaluate("window.yolossesPlayground.hash"))
    shown = check(again)
    assert shown["raw"] == raw.flatten().tolist()
    assert shown["numbers"]["total"] == pytest.approx(total, rel=1e-5)
    assert again.evaluate("window.yolossesPlayground.state.picture") == page.evaluate(
        "window.yolossesPlayground.state.picture"
    )
