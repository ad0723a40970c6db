"""The page in a real browser shows what the library computes in Python, whatever is done to it."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from tests.playground.conftest import DIST, ROOT, settle

import yolosses as yl
from yolosses.apps.runs.build import build_penalty
from yolosses.boxes import pairwise_iou

READ = """() => {
  const { result, state } = window.yolossesPlayground;
  const named = [...document.querySelectorAll("[data-name]")];
  return {
    raw: Array.from(result.raw), truths: result.truths,
    classes: result.truths.map(truth => window.yolossesPlayground.className(truth.label)),
    layout: result.layout, options: result.options,
    lambdas: state.lambdas, rate: state.rate, shown: state.shown, history: window.yolossesPlayground.history,
    numbers: Object.fromEntries(named.map(e => [e.dataset.name, Number(e.dataset.value)])),
    texts: Object.fromEntries(named.map(e => [e.dataset.name, e.textContent])),
    boxes: [...document.querySelectorAll("g.box[data-kind=pred]")].map(e => {
      const line = e.querySelector(".line");
      const [x, y, w, h] = ["x", "y", "width", "height"].map(name => Number(line.getAttribute(name)) / 100);
      const responsible = e.classList.contains("responsible"), tag = e.querySelector("text").textContent;
      return { predictor: Number(e.dataset.index), box: [x + w / 2, y + h / 2, w, h], responsible, tag };
    }),
  };
}"""


class Recomputed:
    """What the library says of the state that the page shows."""

    def __init__(self, shown: dict[str, Any]) -> None:
        layout, lambdas = shown["layout"], shown["lambdas"]
        options = {**shown["options"]}
        penalty = build_penalty(options.pop("penalty"))
        self.loss = yl.YOLOv1Loss(
            grid=layout["grid"], boxes_per_cell=layout["boxes"], num_classes=layout["classes"], impl="torch",
            lambda_coord=lambdas["coord"], lambda_noobj=lambdas["noobj"], lambda_obj=lambdas["obj"],
            lambda_cls=lambdas["cls"], **options, xy_penalty=penalty, wh_penalty=penalty, obj_penalty=penalty,
        )  # fmt: skip
        self.raw = torch.tensor(shown["raw"]).reshape(1, layout["grid"], layout["grid"], -1).requires_grad_()
        boxes = torch.tensor([truth["box"] for truth in shown["truths"]]).reshape(-1, 4)
        labels = torch.tensor([truth["label"] for truth in shown["truths"]], dtype=torch.long)
        ignore = torch.tensor([truth.get("ignored", False) for truth in shown["truths"]], dtype=torch.bool)
        self.targets = yl.Targets.from_cxcywh([boxes], [labels], ignore=[ignore])
        self.assignment = self.loss.assign(self.raw, self.targets)
        self.out = self.loss(self.raw, self.targets)
        self.out.total.backward()
        self.boxes = self.loss.decode(self.raw).boxes[0].detach()
        self.iou = pairwise_iou(self.boxes, boxes)

    @property
    def responsible(self) -> dict[int, float]:
        valid = self.assignment.mask[0]
        return dict(
            zip(
                self.assignment.predictor[0][valid].tolist(),
                self.assignment.iou[0][valid].tolist(),
                strict=True,
            )
        )

    @property
    def objects(self) -> dict[int, int]:
        valid = self.assignment.mask[0]
        pairs = (self.assignment.predictor[0][valid].tolist(), self.assignment.object[0][valid].tolist())
        return dict(zip(*pairs, strict=True))

    def elements(self, term: str) -> np.ndarray:
        """lambda x weight x penalty of the elements that have a weight, in order."""
        terms = self.loss.elementwise(self.raw, self.targets, self.assignment)
        (one,) = (each for each in terms if each.name == term)
        weight = one.weight.expand(one.penalty.shape)
        return (one.scale * one.penalty * weight)[weight != 0].detach().numpy()


def check(page: Any) -> dict[str, Any]:
    """Hold every number on the page to the library; gives what was read."""
    settle(page)
    shown: dict[str, Any] = page.evaluate(READ)
    want = Recomputed(shown)
    numbers = shown["numbers"]
    for name, value in numbers.items():
        kind, _, rest = name.partition(".")
        if kind == "total":
            expected = want.out.total.item()
        elif kind in ("term", "weighted"):
            expected = want.out.terms[rest].item()
        elif kind == "unweighted":
            expected = want.out.unweighted[rest].item()
        elif kind == "element":
            term, index = rest.split(".")
            expected = want.elements(term)[int(index)]
        else:
            continue
        assert value == pytest.approx(expected, rel=1e-5, abs=1e-6), name
    for name, text in shown["texts"].items():
        assert float(text.replace("−", "-")) == pytest.approx(
            numbers[name], abs=0.0006 * max(1, abs(numbers[name]))
        )
    for box in shown["boxes"]:
        predictor = box["predictor"]
        assert box["box"] == pytest.approx(want.boxes[predictor].tolist(), abs=1e-5)
        assert box["responsible"] == (predictor in want.responsible)
        if box["responsible"]:
            label = shown["classes"][want.objects[predictor]]
            assert box["tag"] == f"{label}: IoU {want.responsible[predictor]:.2f}"
        elif "IoU" in box["tag"]:
            assert min(abs(float(box["tag"].split()[-1]) - want.iou[predictor])) <= 0.0051
    return shown


def drag(page: Any, box: Any, dx: float, dy: float) -> None:
    """Drag by pixels, held at the left edge of the box, near its middle, where no other box lies."""
    frame = box.locator(".line").bounding_box()
    x, y = frame["x"] + 1, frame["y"] + 0.62 * frame["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=6)
    page.mouse.up()
    settle(page)


def locate(page: Any, kind: str, index: int) -> Any:
    return page.locator(f'g.box[data-kind="{kind}"][data-index="{index}"]')


def predictors(shown: dict[str, Any], *, responsible: bool) -> list[int]:
    return [box["predictor"] for box in shown["boxes"] if box["responsible"] == responsible]


@pytest.mark.parametrize(
    "hash_",
    [
        "lang=en&term=xy",
        "lang=en&scene=1&S=5&B=3&term=noobj&l.noobj=3.3&l.coord=0",
        "lang=zh-TW&scene=2&S=7&B=1&roots=linear&target=one&classes=cross_entropy&term=cls",
        "lang=en&scene=1&roots=linear&term=wh",
    ],
)
def test_every_number_is_the_librarys(opened: Any, hash_: str) -> None:
    shown = check(opened(hash_))
    assert {"total", "term.xy", "unweighted.cls", "weighted.noobj"} <= set(shown["numbers"])
    assert any(name.startswith("element.") for name in shown["numbers"])


@pytest.mark.parametrize("kind", ["pred", "truth"])
def test_dragging_changes_the_numbers_and_they_stay_right(opened: Any, kind: str) -> None:
    page = opened("lang=en&term=xy")
    before = check(page)
    index = predictors(before, responsible=True)[0] if kind == "pred" else 0
    drag(page, locate(page, kind, index), -14, 11)
    after = check(page)
    assert after["numbers"]["total"] != before["numbers"]["total"]
    assert locate(page, kind, index).get_attribute("aria-pressed") == "true"
    corner = page.locator(".grip .knob").nth(3).bounding_box()
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y - 9, steps=4)
    page.mouse.up()
    resized = check(page)
    assert resized["numbers"]["term.wh"] != after["numbers"]["term.wh"]


def test_the_responsible_box_flips_to_the_better_fit(opened: Any) -> None:
    page = opened()
    before = check(page)
    loser = predictors(before, responsible=False)[0]
    winner = next(p for p in predictors(before, responsible=True) if p // 2 == loser // 2)
    drag(page, locate(page, "pred", winner), 90, 60)
    after = check(page)
    assert loser in predictors(after, responsible=True)
    assert winner in predictors(after, responsible=False)
    assert not page.evaluate("window.yolossesPlayground.done.has('flip')")  # the loser itself did not move


def test_all_can_be_done_with_the_keyboard(opened: Any) -> None:
    page = opened()
    before = check(page)
    truth = locate(page, "truth", 1)
    truth.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    after = check(page)
    old, new = (shown["truths"][1]["box"] for shown in (before, after))
    assert new == pytest.approx([old[0] + 0.025, old[1] + 0.005, old[2] + 0.01, old[3] - 0.01], abs=1e-6)
    page.keyboard.press("Delete")
    assert len(check(page)["truths"]) == len(before["truths"]) - 1

    page.locator('[data-cell="0"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert check(page)["shown"] == [6]
    assert {12, 13} <= {box["predictor"] for box in check(page)["boxes"]}


def test_a_click_on_a_cell_shows_its_boxes_and_a_second_one_hides_them(opened: Any) -> None:
    page = opened()
    cell = page.locator('[data-cell="8"]')
    cell.click()
    shown = check(page)
    assert shown["shown"] == [8]
    assert {16, 17} <= {box["predictor"] for box in shown["boxes"]}
    cell.click(position={"x": 20, "y": 170})
    assert check(page)["shown"] == []


def test_tab_reaches_every_box(opened: Any) -> None:
    page = opened()
    count = page.locator("svg.scene g.box[data-kind]").count()
    page.locator('[data-cell="0"]').focus()
    reached = set()
    for _ in range(count):
        page.keyboard.press("Tab")
        settle(page)
        reached.add(
            page.evaluate("document.activeElement.dataset.kind + document.activeElement.dataset.index")
        )
    assert len(reached) == count


def touch_drag(page: Any, start: tuple[float, float], dx: float, dy: float) -> None:
    client = page.context.new_cdp_session(page)
    places = [(start[0] + dx * step / 6, start[1] + dy * step / 6) for step in range(7)]
    for kind, places_of in (("touchStart", places[:1]), ("touchMove", places[1:]), ("touchEnd", [None])):
        for place in places_of:
            points = [{"x": place[0], "y": place[1]}] if place else []
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    settle(page)


@pytest.mark.parametrize(("dx", "dy"), [(0, 54), (0, -54), (54, 0), (-54, 0)])
def test_a_finger_drags_a_box_all_the_way_and_the_page_stays(opened: Any, dx: int, dy: int) -> None:
    page = opened("lang=en", 390, has_touch=True, is_mobile=True)
    page.evaluate("window.scrollTo(0, 40)")
    box = locate(page, "truth", 1)
    size = page.locator("svg.scene").bounding_box()["width"]
    frame = box.locator(".line").bounding_box()
    scrolled, before = page.evaluate("window.scrollY"), check(page)["truths"][1]["box"]
    touch_drag(page, (frame["x"] + 1, frame["y"] + frame["height"] / 2), dx, dy)
    after = check(page)["truths"][1]["box"]
    assert after[:2] == pytest.approx([before[0] + dx / size, before[1] + dy / size], abs=0.004)
    assert page.evaluate("window.scrollY") == scrolled


@pytest.mark.parametrize("dy", [40, -40])
def test_a_finger_resizes_a_box_too(opened: Any, dy: int) -> None:
    page = opened("lang=en", 390, has_touch=True, is_mobile=True)
    page.evaluate("window.yolossesPlayground.set({ selected: { kind: 'truth', index: 1 } })")
    settle(page)
    size, before = page.locator("svg.scene").bounding_box()["width"], check(page)["truths"][1]["box"]
    knob = page.locator(".grip .knob").nth(3).bounding_box()
    scrolled = page.evaluate("window.scrollY")
    touch_drag(page, (knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2), 0, dy)
    after = check(page)["truths"][1]["box"]
    assert after[3] == pytest.approx(before[3] + dy / size, abs=0.004)
    assert page.evaluate("window.scrollY") == scrolled


def test_objects_are_added_and_a_second_one_in_a_cell_is_reported(opened: Any) -> None:
    page = opened("lang=en&scene=1")
    page.get_by_role("button", name="Add object").click()
    shown = check(page)
    assert len(shown["truths"]) == 3
    assert "no box" not in page.locator('g.box[data-kind="truth"][data-index="2"]').text_content()
    page.evaluate("window.yolossesPlayground.moveTruth(2, window.yolossesPlayground.state.truths[0].box)")
    check(page)
    assert "No box is responsible" in page.locator(".values").inner_text()


def test_descent_takes_the_librarys_gradient_steps(opened: Any) -> None:
    page = opened("lang=en&rate=0.05")
    before = check(page)
    page.get_by_role("button", name="One step").click()
    after = check(page)
    raw = Recomputed(before).raw
    np.testing.assert_allclose(after["raw"], (raw - 0.05 * raw.grad).detach().flatten(), atol=1e-6)
    page.evaluate("for (let i = 0; i < 60; i++) window.yolossesPlayground.step()")
    last = check(page)
    assert last["numbers"]["total"] < 0.2 * before["numbers"]["total"]
    assert len(last["history"]) == 62
    assert page.locator("#pull path.curve").count() == 5 + 1  # and the loss


def test_weights_change_the_weighted_numbers_only(opened: Any) -> None:
    page = opened()
    before = check(page)["numbers"]
    page.locator('input[data-lambda="noobj"]').fill("4")
    after = check(page)["numbers"]
    assert after["unweighted.noobj"] == before["unweighted.noobj"]
    assert after["weighted.noobj"] == pytest.approx(8 * before["weighted.noobj"], rel=1e-5)
    assert after["weighted.xy"] == before["weighted.xy"]


def test_pointing_at_a_symbol_lights_what_it_speaks_of_and_the_reverse(opened: Any) -> None:
    page = opened()
    others = predictors(check(page), responsible=False)
    page.locator('[data-term="noobj"] [data-symbol="1noobj"]').hover()
    settle(page)
    assert page.locator("circle.dot.lit").count() == 15  # 18 boxes, 3 of them responsible
    assert page.locator("g.box.responsible.dim").count() == 3
    assert "every box that is not responsible" in page.locator('[data-term="noobj"] .meaning').inner_text()
    frame = locate(page, "pred", others[1]).locator(".line").bounding_box()
    page.mouse.move(frame["x"] + 1, frame["y"] + 0.62 * frame["height"])
    page.wait_for_selector('[data-symbol="1noobj"].lit')
    assert page.locator('[data-symbol="1obj"].lit').count() == 0


def test_a_link_brings_back_what_was_seen(opened: Any) -> None:
    page = opened("lang=en&scene=2&S=5&theme=dark&hide=pull.tour")
    drag(page, locate(page, "truth", 0), 20, 15)
    drag(page, locate(page, "pred", predictors(check(page), responsible=False)[0]), -25, 10)
    page.locator('input[data-lambda="coord"]').fill("2.5")
    page.locator('[data-term="wh"] .head').click()
    shown = check(page)
    page.wait_for_timeout(400)
    link = page.evaluate("location.hash")
    again = opened(link.removeprefix("#"))
    same = check(again)
    for name in ("raw", "truths", "layout", "options", "lambdas"):
        assert same[name] == shown[name]
    assert same["numbers"].items() <= shown["numbers"].items()  # no box is chosen in the link
    assert again.locator("#pull").count() == 0
    assert again.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize(
    "hash_", ["raw=AAAA&truths=%%%&S=100&scene=77", "l.coord=1e9&term=xyz&tour=99&element=9&term=xy"]
)
def test_a_broken_link_opens_as_far_as_it_can(opened: Any, hash_: str) -> None:
    check(opened(f"lang=en&{hash_}"))


def test_the_language_is_switched_in_place(opened: Any) -> None:
    page = opened("lang=en&term=xy&tour=0")
    drag(page, locate(page, "truth", 0), 20, 10)
    before = check(page)
    page.get_by_role("button", name="中文").click()
    after = check(page)
    assert after["raw"] == before["raw"]
    assert after["truths"] == before["truths"]
    assert page.evaluate("document.documentElement.lang") == "zh-TW"
    visible = page.evaluate(
        """[...document.querySelectorAll("button, h1, h2, h3, p, label > span, figcaption, li")]
        .map(e => e.textContent.trim()).filter(text => /^[A-Za-z][a-z]+ [a-z]+/.test(text))"""
    )
    assert visible == []


@pytest.mark.parametrize("generation", ["v3", "v8", "v10"])
def test_later_generations_show_the_librarys_positives(opened: Any, generation: str) -> None:
    page = opened(f"lang=en&scene=2&loss={generation}")
    page.wait_for_selector("circle.positive")
    shown = check(page)
    classes, sides = shown["layout"]["classes"], (16, 8, 4)
    boxes = torch.tensor([truth["box"] for truth in shown["truths"]])
    targets = yl.Targets.from_cxcywh([boxes], [torch.tensor([truth["label"] for truth in shown["truths"]])])
    channels = 3 * (5 + classes) if generation == "v3" else 64 + classes
    raw: Any = [torch.zeros(1, channels, side, side) for side in sides]
    loss = {"v3": yl.YOLOv3Loss, "v8": yl.YOLOv8Loss, "v10": yl.YOLOv10Loss}[generation](num_classes=classes)
    raw = {"one2many": raw, "one2one": [level.clone() for level in raw]} if generation == "v10" else raw
    mask = loss.assign(raw, targets).mask
    assert page.locator("circle.positive").count() == int(mask.sum())


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize(
    "hash_", ["lang=en&term=wh&element=0&tour=4&loss=v10", "lang=zh-TW&term=noobj&S=7&B=3"]
)
def test_nothing_is_wider_than_the_page(opened: Any, width: int, hash_: str) -> None:
    page = opened(hash_, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def serious(page: Any) -> list[Any]:
    """What axe finds that is serious."""
    axe = ROOT / "node_modules/axe-core/axe.min.js"
    if not axe.exists():
        pytest.skip("axe-core is not installed: make playground")
    settle(page)
    page.add_script_tag(path=str(axe))
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [
        (each["id"], [node["html"][:160] for node in each["nodes"]][:3])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Any, theme: str) -> None:
    page = opened(f"lang=en&theme={theme}&term=noobj&element=0&tour=1&bug=0&arrows=1")
    locate(page, "truth", 0).focus()
    assert serious(page) == []


def test_reduced_motion_is_respected(opened: Any) -> None:
    page = opened("lang=en&term=xy&element=0", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.put-in')).animationName") == "none"


def test_the_tour_ticks_off_what_was_done(opened: Any) -> None:
    page = opened()
    page.get_by_role("button", name="Take the tour").click()
    settle(page)
    assert page.locator(".tour li.done").count() == 0
    shown = check(page)
    drag(page, locate(page, "pred", predictors(shown, responsible=False)[0]), 40, 20)
    assert page.locator(".tour li.done").count() == 0  # a dashed box, far from its object
    drag(page, locate(page, "pred", predictors(shown, responsible=True)[0]), -10, 8)
    assert check(page)["numbers"]["total"] < shown["numbers"]["total"]
    assert page.locator(".tour li.done").count() == 1
    page.locator(".tour .main").click()
    check(page)
    page.locator(".tour").get_by_role("button", name="Back").click()
    check(page)
    assert page.locator(".tour li.done").count() == 1  # what was done stays done
    for _ in range(11):
        page.locator(".tour .main").click()
        check(page)
    assert "12" in page.locator(".tour").inner_text()


def test_the_same_error_in_pixels_costs_more_on_a_small_box_with_roots_and_the_same_without(
    opened: Any,
) -> None:
    page = opened("lang=en&tour=4&scene=2&term=wh")
    widths = (  # of the large and the small digit
        "[...document.querySelectorAll('.elements li')].filter(e => /w/.test(e.querySelector('b').textContent))"
        ".sort((a, b) => a.dataset.predictor - b.dataset.predictor)"
        ".map(e => Number(e.querySelector('[data-name]').dataset.value))"
    )
    check(page)
    large, small = page.evaluate(widths)
    assert small > 2 * large
    page.locator(".size-choice").get_by_role("button", name="without").click()
    check(page)
    large, small = page.evaluate(widths)
    assert small == pytest.approx(large, rel=1e-4)
    assert page.locator(".tour li.done").count() == 1


def test_smaller_cells_tick_the_task_and_more_boxes_only_show_that_they_do_not_help(opened: Any) -> None:
    page = opened("lang=en&tour=9&scene=1")
    assert "6: no box" in page.locator('g.box[data-kind="truth"]').all_text_contents()
    choose = page.locator("#variants .choice")
    choose.nth(1).get_by_role("button", name="3", exact=True).click()
    check(page)
    page.wait_for_function("window.yolossesPlayground.done.has('more-boxes')")
    assert page.evaluate("[...window.yolossesPlayground.done]") == ["more-boxes"]
    choose.nth(0).get_by_role("button", name="7", exact=True).click()
    check(page)
    assert page.evaluate("[...window.yolossesPlayground.done]") == ["more-boxes", "smaller-cells"]


@pytest.mark.parametrize(("width", "tour"), [(1280, 5), (390, 5)])
def test_what_a_symbol_means_is_said_beside_it_and_nothing_covers_it(
    opened: Any, width: int, tour: int
) -> None:
    page = opened(f"lang=en&tour={tour}&term=obj", width, **({"has_touch": True} if width < 700 else {}))
    page.wait_for_function(
        "Math.abs(document.querySelector('[data-term=obj]').getBoundingClientRect().top) < 500"
    )
    page.wait_for_timeout(1500)  # the page scrolls to the term
    for symbol in ("lambda", "sum_boxes", "1obj", "C", "target"):
        page.locator(f'[data-term="obj"] [data-symbol="{symbol}"]').first.hover()
        settle(page)
        seen = page.evaluate(
            """() => {
              const note = document.querySelector("[data-term=obj] .meaning");
              const { left, right, top, bottom } = note.getBoundingClientRect();
              const at = (x, y) => document.elementsFromPoint(x, y);
              const above = [[left + 9, top + 9], [right - 9, bottom - 9]].map(([x, y]) =>
                at(x, y).some(e => e.closest(".tour, .stage, .loss-bar")));
              return { height: bottom - top, inside: top >= 0 && bottom <= innerHeight, covered: above.includes(true) };
            }"""
        )
        assert seen["height"] > 30, symbol
        assert seen["inside"], symbol
        assert not seen["covered"], symbol


def test_picture_inspector_and_loss_are_in_sight_together(opened: Any) -> None:
    page = opened("lang=zh-TW&tour=5&term=obj")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("window.yolossesPlayground.set({ selected: { kind: 'pred', index: 8 } })")
    page.wait_for_timeout(1500)  # the page scrolls to the term
    for part in ("svg.scene", ".values input", ".loss-bar .number", '[data-term="obj"] .head'):
        frame = page.locator(part).last.bounding_box()
        assert frame["y"] > 0, part
        assert frame["y"] + frame["height"] <= 800, part


@pytest.mark.parametrize("hash_", ["lang=en", "lang=zh-TW&tour=3&term=xy"])
def test_on_a_phone_on_its_side_picture_loss_and_card_are_in_sight_together(opened: Any, hash_: str) -> None:
    page = opened(hash_, 844, has_touch=True, is_mobile=True)
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_timeout(1500)  # the tour scrolls to the term
    if "tour" not in hash_:
        page.evaluate("document.querySelector('#loss').scrollIntoView()")
        page.wait_for_timeout(500)
    parts = [
        "svg.scene",
        ".loss-bar .number",
        *([".tour h2", ".tour .main", '[data-term="xy"] .head'] if "tour" in hash_ else []),
    ]
    for part in parts:
        frame = page.locator(part).first.bounding_box()
        assert frame["y"] >= 0, part
        assert frame["y"] + frame["height"] <= 390, part


def test_on_the_first_page_a_press_inside_both_boxes_moves_the_blue_one(opened: Any) -> None:
    page = opened("lang=en&tour=0")
    before = check(page)
    mine = predictors(before, responsible=True)[0]
    blue, white = (
        locate(page, *which).locator(".line").bounding_box() for which in (("pred", mine), ("truth", 2))
    )
    left, right = max(blue["x"], white["x"]), min(each["x"] + each["width"] for each in (blue, white))
    top, low = max(blue["y"], white["y"]), min(each["y"] + each["height"] for each in (blue, white))
    assert left < right
    assert top < low
    page.mouse.move((left + right) / 2, (top + low) / 2)
    page.mouse.down()
    page.mouse.move((left + right) / 2 - 10, (top + low) / 2 + 12, steps=4)
    page.mouse.up()
    after = check(page)
    assert after["truths"] == before["truths"]
    assert after["raw"] != before["raw"]


@pytest.mark.parametrize("end", ["End the tour", "Back to the paper"])
def test_the_papers_formula_comes_back_after_the_tour(opened: Any, end: str) -> None:
    page = opened("lang=en&tour=11&scene=2&term=wh&roots=linear&l.coord=0")
    assert "Width and height, λ coord" in page.locator(".variant").inner_text()
    page.get_by_role("button", name=end).click()
    after = check(page)
    assert after["options"]["size_term"] == "sqrt"
    assert after["lambdas"]["coord"] == 5
    assert page.locator(".variant").count() == 0


@pytest.mark.parametrize("term", ["xy", "wh", "obj", "noobj", "cls"])
def test_a_calculator_agrees_with_what_was_put_in(opened: Any, term: str) -> None:
    page = opened(f"lang=en&scene=2&term={term}")
    for index in (0, 1):
        row = page.locator(".elements > li").nth(index)
        row.locator("button").first.click()
        settle(page)
        assert page.locator(".put-in").count() == index + 1
        tex = row.locator(".put-in .tex").first.inner_text()
        shown = float(row.locator(".number").first.inner_text())
        numbers = [float(each) for each in re.findall(r"\d+\.?\d*", re.sub(r"[\u200b\n\s]+", " ", tex))]
        scale, first, second = numbers[0], numbers[1], numbers[2]
        if term == "wh":
            first, second = first**0.5, second**0.5
        assert scale * (first - second) ** 2 == pytest.approx(shown, abs=6e-5 if shown < 0.1 else 6e-4)


def test_a_swipe_that_begins_on_a_slider_leaves_its_value(opened: Any) -> None:
    page = opened("lang=en&tour=8", 390, has_touch=True, is_mobile=True)
    slider = page.locator('[data-lambda="noobj"]')
    slider.scroll_into_view_if_needed()
    frame = slider.bounding_box()
    touch_drag(page, (frame["x"] + 0.9 * frame["width"], frame["y"] + 20), 0, -120)
    page.wait_for_timeout(300)
    assert check(page)["lambdas"]["noobj"] == 0.5
    assert page.locator(".tour li.done").count() == 0


def test_the_right_answer_to_how_many_boxes_are_empty_is_counted(opened: Any) -> None:
    page = opened("lang=en&tour=6&term=noobj&S=5")
    page.locator(".tour summary").click()
    answer = page.locator(".tour details p").inner_text()
    assert answer.startswith("47 of the 50 boxes: all but the 3")


def test_a_wrong_guess_is_told_what_would_differ(opened: Any) -> None:
    page = opened("lang=en")
    page.evaluate("Math.random = () => 0")  # the first fault
    page.locator("#bugs").get_by_role("button", name="Guess").click()
    page.locator("#bugs .faults").get_by_role("button", name="Root of a negative").click()
    told = page.locator("#bugs .meaning")
    page.wait_for_function("document.querySelector('#bugs .meaning').textContent.includes('would be')")
    right, faulty = (
        page.locator(f'#bugs [data-name="{name}"]').inner_text() for name in ("right", "faulty.1")
    )
    assert right != faulty
    assert told.inner_text() == f"No: with that fault the loss would be {right}."
    page.locator("#bugs .faults").get_by_role("button", name="Centre in units").click()
    page.wait_for_function("document.querySelector('#bugs .meaning').textContent.startsWith('Yes')")


def test_answers_open_and_tick_the_task(opened: Any) -> None:
    page = opened("lang=en&tour=11&scene=2&term=wh")
    assert not page.get_by_text("steep near 0 and flat").is_visible()
    page.locator(".tour summary").click()
    page.get_by_text("steep near 0 and flat").wait_for()
    assert page.evaluate("window.yolossesPlayground.done.has('answered')")


def test_one_file_works_without_a_server(opened: Any) -> None:
    page = opened("lang=zh-TW&term=xy", url=(DIST / "playground.html").as_uri())
    check(page)
    drag(page, locate(page, "truth", 0), 20, 10)
    check(page)


def test_faulty_losses_are_those_of_the_lesson(opened: Any) -> None:
    from yolosses.lessons.exercises.faulty import VERSIONS, library_loss

    page = opened("lang=en&bug=4")
    shown = check(page)
    want = Recomputed(shown)
    raw = want.raw.detach()[0].clone()
    for box in range(2):
        raw[..., 5 * box + 2 : 5 * box + 4] = want.boxes.reshape(3, 3, 2, 4)[:, :, box, 2:]
    cells, offsets = want.loss.codec.locate(want.targets.boxes[0])
    objects = [
        (int(cell), *map(float, offset), *map(float, box[2:]), int(label))
        for cell, offset, box, label in zip(
            cells, offsets, want.targets.boxes[0], want.targets.labels[0], strict=True
        )
    ]
    for number, version in enumerate(VERSIONS, 1):
        page.evaluate(f"window.yolossesPlayground.set({{ bug: {number} }})")
        page.wait_for_selector(f'[data-name="faulty.{number}"]')
        numbers = check(page)["numbers"]
        assert numbers["right"] == pytest.approx(library_loss(raw, objects).item(), rel=1e-5)
        assert numbers[f"faulty.{number}"] == pytest.approx(version(raw, objects).item(), rel=1e-5)
    page.get_by_label("negative", exact=False).or_(page.get_by_text("width of −0.05")).first.click()
    page.evaluate("window.yolossesPlayground.set({ bug: 4 })")
    page.wait_for_function("document.querySelector('[data-name=\"faulty.4\"]')?.textContent === 'NaN'")
