"""Builds the page "Paper, code, here" from register.toml, and measures what each choice changes:

    python docs/build/register.py

writes ``docs/data/register.json`` and ``docs/reference/deviations.md``; takes some seconds. Each measurement compares
the rule of this library with the other one on a fixed batch: four images of 128 px with 8 to 14 objects each, five
classes, and an output that has learned these images for 20 steps.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import yolosses as yl
from yolosses.assigners import TaskAligned
from yolosses.assigners.ota import refine_pairs
from yolosses.boxes import cxcywh_to_xyxy, paired_diou, paired_iou, pairwise_iou
from yolosses.functional import binary_cross_entropy_with_logits, iou_loss, quality_focal
from yolosses.losses.base import Loss, map_tensors
from yolosses.structures import Assignment, Targets, Term

DOCS = Path(__file__).resolve().parent.parent
ENTRIES, DATA, PAGE = (
    DOCS / "build" / "register.toml",
    DOCS / "data" / "register.json",
    DOCS / "reference" / "deviations.md",
)
SIDE, IMAGES, CLASSES = 128, 4, 5
Result = tuple[float, Tensor]
Effect = dict[str, float | None]
MEASURES: dict[str, Callable[[], Effect]] = {}


def measure(*names: str) -> Callable[[Callable[[], Effect]], Callable[[], Effect]]:
    """Register a measurement under the numbers of its entries."""

    def register(function: Callable[[], Effect]) -> Callable[[], Effect]:
        MEASURES.update(dict.fromkeys(names, function))
        return function

    return register


# --- the scenes -------------------------------------------------------------------------------------------------------


@cache
def scene() -> Targets:
    """Four images with 8 to 14 objects of 3 to 64 pixels."""
    generator = torch.Generator().manual_seed(0)
    boxes, labels = [], []
    for _ in range(IMAGES):
        count = int(torch.randint(8, 15, (), generator=generator))
        size = (
            torch.exp(torch.empty(count, 2).uniform_(math.log(3), math.log(64), generator=generator)) / SIDE
        )
        centre = size / 2 + torch.rand(count, 2, generator=generator) * (1 - size)
        boxes.append(torch.cat((centre, size), 1))
        labels.append(torch.randint(0, CLASSES, (count,), generator=generator))
    return Targets.from_cxcywh(boxes, labels)


def noise(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Outputs of an untrained network."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def maps(channels: int, strides: Sequence[int] = (8, 16, 32)) -> list[Tensor]:
    """One map a level."""
    return noise(*((IMAGES, channels, SIDE // stride, SIDE // stride) for stride in strides))


FAMILIES: dict[str, Callable[[], tuple[Loss, Any]]] = {
    "v1": lambda: (yl.YOLOv1Loss(num_classes=CLASSES), 0.3 * noise((IMAGES, 7, 7, 15))[0] + 0.3),
    "v2": lambda: (yl.YOLOv2Loss(num_classes=CLASSES), maps(50, (16,))),
    "v3": lambda: (yl.YOLOv3Loss(num_classes=CLASSES), maps(30)),
    "v4": lambda: (yl.YOLOv4Loss(num_classes=CLASSES), maps(30)),
    "v5": lambda: (yl.YOLOv5Loss(num_classes=CLASSES), maps(30)),
    "v6": lambda: (yl.YOLOv6Loss(num_classes=CLASSES), maps(9)),
    "v7": lambda: (yl.YOLOv7Loss(num_classes=CLASSES), maps(30)),
    "v8": lambda: (yl.YOLOv8Loss(num_classes=CLASSES), maps(69)),
    "v10": lambda: (yl.YOLOv10Loss(num_classes=CLASSES), {"one2many": maps(69), "one2one": maps(69)}),
    "yolox": lambda: (yl.YOLOXLoss(num_classes=CLASSES), maps(10)),
}


def leaves_of(raw: Any) -> list[Tensor]:
    """Its tensors."""
    found: list[Tensor] = []
    map_tensors(lambda part: found.append(part) or part, raw)
    return found


@cache
def learned(family: str) -> tuple[Loss, Any]:
    """The default loss of a family, and an output after 20 steps of Adam on `scene`."""
    loss, raw = FAMILIES[family]()
    raw = map_tensors(lambda part: part.clone().requires_grad_(), raw)
    optimizer = torch.optim.Adam(leaves_of(raw), lr=0.1 if family != "v1" else 0.02)
    for _ in range(20):
        optimizer.zero_grad()
        loss(raw, scene()).total.backward()
        optimizer.step()
    return loss, map_tensors(Tensor.detach, raw)


# --- comparing two rules ----------------------------------------------------------------------------------------------


def result(
    loss: Loss,
    raw: Any,
    targets: Targets,
    assignment: Assignment | None = None,
    change: Callable[[Term], Term] | None = None,
    factor: float = 1.0,
) -> Result:
    """The total and its gradient. ``change``: of the terms before any sum."""
    raw = map_tensors(lambda part: part.detach().clone().requires_grad_(), raw)
    if change is None:
        total = loss(raw, targets, assignment).total
    else:
        assignment = loss.assign(raw, targets) if assignment is None else assignment
        total = loss.reduce(
            [change(term) for term in loss.elementwise(raw, targets, assignment)], assignment
        ).total
    total = total * factor
    gradients = torch.autograd.grad(total, leaves_of(raw))
    return total.item(), torch.cat([gradient.flatten().double() for gradient in gradients])


def effect(here: Result, other: Result) -> Effect:
    """What the other rule would change, relative to this library's."""
    (value, gradient), (other_value, other_gradient) = here, other
    change = (other_gradient - gradient).norm() / gradient.norm()
    return {"total": (other_value - value) / value, "gradient": change.item()}


def against(family: str, **options: Any) -> Effect:
    """The default loss of a family against the same with other options."""
    loss, raw = learned(family)
    other = type(loss)(num_classes=CLASSES, **options)
    dropped = (int(each.assign(raw, scene()).num_dropped.sum()) for each in (loss, other))
    before, after = dropped
    found = effect(result(loss, raw, scene()), result(other, raw, scene()))
    return found if after == before else {**found, "dropped": after - before}


def terms_changed(family: str, change: Callable[[Term], Term]) -> Effect:
    """The default loss of a family against the same with other terms."""
    loss, raw = learned(family)
    return effect(result(loss, raw, scene()), result(loss, raw, scene(), change=change))


def reversed_objects(targets: Targets) -> Targets:
    """The same objects in the opposite order."""
    parts = {name: getattr(targets, name).flip(1) for name in ("boxes", "labels", "mask")}
    return Targets(**parts)


# --- every family -----------------------------------------------------------------------------------------------------


@measure("all.1")
def times_images() -> Effect:
    loss, raw = learned("v8")
    return effect(result(loss, raw, scene()), result(loss, raw, scene(), factor=IMAGES))


@measure("all.2")
def own_normalizers() -> Effect:
    """Two processes of one and three images, the first without objects, each divided by its own normaliser."""
    loss, raw = learned("v8")
    mask = scene().mask.clone()
    mask[0] = False
    targets = replace(scene(), mask=mask)
    parts = [
        (map_tensors(lambda part, at=at: part[at], raw), targets[at]) for at in (slice(0, 1), slice(1, 4))
    ]
    found = [result(loss, *part) for part in parts]
    total = sum(value for value, _ in found) / 2
    sizes = [part.numel() // IMAGES for part in leaves_of(raw)]
    split = [
        torch.split(gradient, [s * n for s in sizes]) for (_, gradient), n in zip(found, (1, 3), strict=True)
    ]
    joined = torch.cat([torch.cat(level) for level in zip(*split, strict=True)]) / 2
    return effect(result(loss, raw, targets), (total, joined))


def ciou_with_epsilons(pred: Tensor, target: Tensor) -> Tensor:
    """CIoU as it is widely copied: 1e-7 in denominators and on heights."""
    (x1, y1, x2, y2), (u1, v1, u2, v2) = cxcywh_to_xyxy(pred).unbind(-1), cxcywh_to_xyxy(target).unbind(-1)
    w, h, gw, gh = x2 - x1, y2 - y1 + 1e-7, u2 - u1, v2 - v1 + 1e-7
    inter = (torch.min(x2, u2) - torch.max(x1, u1)).clamp(0) * (torch.min(y2, v2) - torch.max(y1, v1)).clamp(
        0
    )
    iou = inter / (w * h + gw * gh - inter + 1e-7)
    cw, ch = torch.max(x2, u2) - torch.min(x1, u1), torch.max(y2, v2) - torch.min(y1, v1)
    rho = ((x1 + x2 - u1 - u2) ** 2 + (y1 + y2 - v1 - v2) ** 2) / 4
    v = 4 / math.pi**2 * (torch.atan(gw / gh) - torch.atan(w / h)) ** 2
    alpha = (v / (1 - iou + v + 1e-7)).detach()
    return 1 - (iou - rho / (cw**2 + ch**2 + 1e-7) - alpha * v)


@measure("all.3")
def epsilons() -> Effect:
    return against("v8", box_loss=ciou_with_epsilons)


# --- YOLOv1 -----------------------------------------------------------------------------------------------------------


@measure("v1.1")
def lowest_index() -> Effect:
    """Box 0 where no box overlaps the object, on an output of small numbers."""
    loss = FAMILIES["v1"]()[0]
    raw = 0.05 * noise((IMAGES, 7, 7, 15))[0]
    ours = loss.assign(raw, scene())
    first = torch.where(ours.mask & (ours.iou == 0), ours.predictor // 2 * 2, ours.predictor)
    return effect(
        result(loss, raw, scene(), ours), result(loss, raw, scene(), replace(ours, predictor=first))
    )


@measure("v1.2")
def last_object_of_a_cell() -> Effect:
    loss, raw = learned("v1")
    return effect(result(loss, raw, scene()), result(loss, raw, reversed_objects(scene())))


@measure("v1.3")
def spared_second_boxes() -> Effect:
    """No confidence penalty for the other boxes of an object's cell."""
    loss, raw = learned("v1")
    ours = loss.assign(raw, scene())
    cells = torch.zeros(IMAGES, 50, dtype=torch.bool)
    cells.scatter_(1, torch.where(ours.mask, ours.predictor // 2, 49), True)
    spared = cells[:, :49].repeat_interleave(2, 1)
    return effect(result(loss, raw, scene(), ours), result(loss, raw, scene(), replace(ours, spared=spared)))


@measure("v1.4")
def confidence_of_one() -> Effect:
    return against("v1", confidence_target="one")


@measure("v1.5")
def half() -> Effect:
    loss, raw = learned("v1")
    return effect(result(loss, raw, scene()), result(loss, raw, scene(), factor=0.5))


@measure("v1.6")
def cost_of_darknet() -> Effect:
    """The sum of squared deltas: every scale squared, and no mean over the images."""
    loss, raw = learned("v1")
    squared = yl.YOLOv1Loss(num_classes=CLASSES, lambda_coord=25, lambda_noobj=0.25, reduction="sum")
    return effect(result(loss, raw, scene()), result(squared, raw, scene()))


@measure("v1.7")
def linear_sizes() -> Effect:
    return against("v1", size_encoding="linear", size_term="linear")


# --- YOLOv2 to YOLOv4 -------------------------------------------------------------------------------------------------


def without_small_box_factor(targets: Targets, term: Term) -> Term:
    """Without the (2 - w h) that the papers do not have."""
    if term.name not in ("xy", "wh"):
        return term
    area = targets.boxes[..., 2:].prod(-1).gather(1, term.object)[..., None]
    return replace(term, weight=term.weight / (2 - area))


@measure("v2.1")
def no_small_box_factor_v2() -> Effect:
    return terms_changed("v2", partial(without_small_box_factor, scene()))


@measure("v2.2")
def objectness_of_one() -> Effect:
    return against("v2", objectness_target="one")


@measure("v2.3")
def matched_by_prediction() -> Effect:
    return against("v2", match="prediction")


@measure("v2.4")
def pulled_to_anchors() -> Effect:
    loss, raw = learned("v2")
    other = yl.YOLOv2Loss(num_classes=CLASSES)
    other.prior_pull = True
    return effect(result(loss, raw, scene()), result(other, raw, scene()))


@measure("v2.5")
def first_object_of_a_slot() -> Effect:
    """Two objects of one shape in one cell: the last against the first."""
    loss, raw = learned("v2")
    shared = scene().boxes.clone()
    shared[:, 1] = shared[:, 0] * torch.tensor([1.0, 1.0, 1.05, 0.95])
    targets = replace(scene(), boxes=shared)
    return effect(result(loss, raw, targets), result(loss, raw, reversed_objects(targets)))


@measure("v2.6")
def without_halves() -> Effect:
    """Squared errors without the half, beside the same cross-entropy."""
    return against("v2", lambda_coord=2, lambda_obj=10, lambda_noobj=2)


@measure("v2.7")
def list_ends_at_zero() -> Effect:
    """The first object of the first image has its centre at x = 0."""
    loss, raw = learned("v2")
    boxes, mask = scene().boxes.clone(), scene().mask.clone()
    boxes[0, 0, 0] = 0
    mask[0] = False
    here = replace(scene(), boxes=boxes)
    return effect(result(loss, raw, here), result(loss, raw, replace(here, mask=mask)))


@measure("v2.8")
def sigmoid_classes() -> Effect:
    return against("v2", class_term="sigmoid")


@measure("v3.1")
def squared_centres() -> Effect:
    """Half squared errors of sigmoid(tx), sigmoid(ty), differentiated as they stand."""

    def change(term: Term) -> Term:
        if term.name != "xy":
            return term
        return replace(term, penalty=(term.pred.sigmoid() - term.target).square() / 2)

    return terms_changed("v3", change)


@measure("v3.2")
def threshold_of_coco() -> Effect:
    return against("v3", ignore_threshold=0.7)


@measure("v3.3")
def no_small_box_factor_v3() -> Effect:
    return terms_changed("v3", partial(without_small_box_factor, scene()))


@measure("v3.4")
def low_truth_threshold() -> Effect:
    return against("v3", truth_threshold=0.5)


def box_directions(similarity: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The boxes of an output of v4 that overlap their objects, (n, 4), and the derivative of a similarity by them."""
    loss, raw = learned("v4")
    a, pred = loss.assign(raw, scene()), loss.decode(raw).boxes
    boxes = pred.take_along_dim(a.predictor[..., None], 1)[a.mask & (a.iou > 0)] * SIDE
    truth = scene().boxes.take_along_dim(a.object[..., None], 1)[a.mask & (a.iou > 0)] * SIDE
    boxes = boxes.detach().requires_grad_()
    return torch.autograd.grad(similarity(boxes, truth).sum(), boxes)[0], boxes


@measure("v4.1")
def directions_of_the_program() -> Effect:
    """DIoU by box centre and size: twice the derivative of the IoU by w, h, the wrong sign of the distance in x, y."""
    true, _ = box_directions(paired_diou)
    overlap, _ = box_directions(paired_iou)
    distance = true - overlap
    factors = torch.tensor([[1.0, 1.0, 2.0, 2.0]]), torch.tensor([[-1.0, -1.0, 1.0, 1.0]])
    theirs = overlap * factors[0] + distance * factors[1]
    return {"total": 0.0, "gradient": ((theirs - true).norm() / true.norm()).item()}


@measure("v4.2")
def several_anchors() -> Effect:
    return against("v4", anchor_threshold=1)


@measure("v4.3")
def spared_by_overlap_alone() -> Effect:
    """Every predictor whose box has IoU > 0.5 with an object is spared, whatever its classes; all of which have a
    probability of about 0.05 here."""
    loss, raw = learned("v4")
    raw = [level.view(IMAGES, 3, 10, -1) - 3 * (torch.arange(10) > 4)[:, None] for level in raw]
    raw = [level.view(IMAGES, 30, SIDE // s, SIDE // s) for level, s in zip(raw, (8, 16, 32), strict=True)]
    ours = loss.assign(raw, scene())
    iou = pairwise_iou(loss.decode(raw).boxes, scene().boxes)
    spared = torch.where(scene().mask[:, None], iou, 0).amax(2) > loss.ignore_threshold
    return effect(result(loss, raw, scene(), ours), result(loss, raw, scene(), replace(ours, spared=spared)))


@measure("v4.4")
def yolov3_boxes() -> Effect:
    return against("v4", box_loss=None)


# --- YOLOv5 and YOLOv7 ------------------------------------------------------------------------------------------------


@measure("v5.1")
def largest_target() -> Effect:
    """Of several pairs of a predictor the largest objectness target, in the place of the last."""
    loss, raw = learned("v5")
    ours = loss.assign(raw, scene())
    best = torch.zeros(IMAGES, loss.codec_for(raw).levels.num_predictors + 1)
    place = torch.where(ours.mask, ours.predictor, best.shape[1] - 1)
    best = best.scatter_reduce(1, place, ours.quality, "amax")[:, :-1, None]

    def change(term: Term) -> Term:
        if term.name != "obj":
            return term
        return replace(term, penalty=binary_cross_entropy_with_logits(term.pred, best), target=best)

    return effect(result(loss, raw, scene(), ours), result(loss, raw, scene(), ours, change))


@measure("v5.2")
def unscaled_gains() -> Effect:
    """The trainer's factors for 128 px and five classes."""
    return against("v5", lambda_obj=(SIDE / 640) ** 2, lambda_cls=0.5 * CLASSES / 80)


class HeightOnBothAxes(yl.YOLOv7Loss):
    """True boxes times the height of the image on both axes when costs are worked out."""

    def candidates(self, codec: Any, raw: Any, truth: Targets, mask: Tensor) -> Any:
        found = yl.YOLOv5Loss.candidates(self, codec, raw, truth, mask)
        values = codec.at(raw, found.predictor)
        height = codec.levels.image_size[0]
        return refine_pairs(
            found, pred_boxes=codec.decode(values, found.predictor), objectness=values[..., 4], classes=values[..., 5:],
            gt_boxes=(truth.boxes * height).to(values.dtype), gt_labels=truth.labels, mask=mask,
        )  # fmt: skip


@measure("v7.1")
def height_on_both_axes() -> Effect:
    """On the left three quarters of the maps: images of 128 x 96 px."""
    loss, raw = learned("v7")
    wide = [level[..., : level.shape[-1] * 3 // 4] for level in raw]
    other = HeightOnBothAxes(num_classes=CLASSES)
    return effect(result(loss, wide, scene()), result(other, wide, scene()))


@measure("v7.2")
def candidates_of_v5() -> Effect:
    return against("v7", ota=False)


# --- YOLOv6 -----------------------------------------------------------------------------------------------------------


@measure("v6.1")
def in_float64() -> Effect:
    loss, raw = learned("v6")
    double = map_tensors(Tensor.double, raw)
    targets = replace(scene(), boxes=scene().boxes.double())
    return effect(result(loss, raw, scene()), result(loss, double, targets))


@measure("v6.2")
def from_probabilities() -> Effect:
    """Class scores squashed before the loss, in float32; the gradient is by the logits."""
    loss, raw = learned("v6")
    other = yl.YOLOv6Loss(num_classes=CLASSES, activated=True)
    leaves = map_tensors(lambda part: part.clone().requires_grad_(), raw)
    squashed = [torch.cat((part[:, :4], part[:, 4:].sigmoid()), 1) for part in leaves]
    total = other(squashed, scene()).total
    gradients = torch.autograd.grad(total, leaves)
    joined = torch.cat([gradient.flatten().double() for gradient in gradients])
    return effect(result(loss, raw, scene()), (total.item(), joined))


# --- YOLOv8 to YOLO26 -------------------------------------------------------------------------------------------------


@measure("v8.1")
def stal_of_the_paper() -> Effect:
    return against("v8", least_side="paper")


@measure("v8.2")
def no_stal() -> Effect:
    return against("v8", least_side=0)


@measure("v8.3")
def contested_by_takers() -> Effect:
    return against("v8", assigner=TaskAligned(least_side=16, contested="taking"))


@measure("v8.4")
def focal_classes() -> Effect:
    """TOOD's |t - s|^2 in front of the cross-entropy."""

    def change(term: Term) -> Term:
        return replace(term, penalty=quality_focal(term.pred, term.target)) if term.name == "cls" else term

    return terms_changed("v8", change)


@measure("v9.1")
def rules_of_v9() -> Effect:
    loss, raw = yl.YOLOv8Loss(num_classes=CLASSES, least_side=0), learned("v8")[1]
    rules = TaskAligned(reach=16 - 1.01, fallback=True, contested="taking")
    other = yl.YOLOv8Loss(num_classes=CLASSES, assigner=rules)
    return effect(result(loss, raw, scene()), result(other, raw, scene()))


@measure("v10.1")
def one_location() -> Effect:
    return against("v10", one_to_one_topk=1)


@measure("v10.2")
def plain_sum() -> Effect:
    return against("v10", one_to_one_weight=1, one_to_many_weight=1)


# --- YOLOX ------------------------------------------------------------------------------------------------------------


@measure("x.1")
def plain_iou() -> Effect:
    return against("yolox", box_loss=iou_loss)


@measure("x.2")
def class_target_of_one() -> Effect:
    def change(term: Term) -> Term:
        if term.name != "cls":
            return term
        one = (term.target > 0).to(term.target.dtype)
        return replace(term, penalty=binary_cross_entropy_with_logits(term.pred, one), target=one)

    return terms_changed("yolox", change)


@measure("x.3")
def with_l1() -> Effect:
    return against("yolox", lambda_l1=1)


# --- the page ---------------------------------------------------------------------------------------------------------


def measured() -> dict[str, Effect]:
    """What every registered comparison gives, to three digits."""
    torch.set_num_threads(1)

    def short(value: float | None) -> float | None:
        return None if value is None else 0.0 if abs(value) < 1e-5 else float(f"{value:.3g}")

    return {name: {key: short(value) for key, value in run().items()} for name, run in MEASURES.items()}


def shown(value: float, *, signed: bool) -> str:
    """As a percentage; 0 where it is below what float32 tells apart."""
    if value == 0:
        return "0"
    percent = 100 * value
    digits = 0 if abs(percent) >= 10 else 1 if abs(percent) >= 1 else 2 if abs(percent) >= 0.1 else 3
    sign = "−" if percent < 0 else "+" if signed else ""
    return f"{sign}{abs(percent):,.{digits}f} %"


def effect_of(entry: dict[str, str], effects: dict[str, Effect]) -> tuple[str, str]:
    """Of the total, and of the gradient, as the summary shows them."""
    found = effects.get(entry["no"])
    if found is None:
        return entry["effect"], ""
    total, gradient = found["total"], found["gradient"]
    assert total is not None
    assert gradient is not None
    return shown(total, signed=True), shown(gradient, signed=False)


def dropped(found: Effect) -> str:
    """How many objects more or fewer the other rule drops."""
    count = found.get("dropped")
    if not count:
        return ""
    objects, which = int(scene().mask.sum()), "more" if count > 0 else "fewer"
    return f", and {abs(int(count))} of {objects} objects {which} are dropped"


def page(text: dict[str, Any], effects: dict[str, Effect]) -> str:
    """The page: what matters most, then a table of each family with the details behind."""
    families = text["family"]
    lines = [text["intro"].strip(), "", "## In short", "", *summary(families, effects), ""]
    lines += ["::::{dropdown} How the effects are measured", text["method"].strip(), "::::"]
    for family in families:
        lines += ["", f"## {family['title']}", ""]
        if "about" in family:
            lines += [family["about"].strip(), ""]
        lines += ["| Choice | Total | Gradient |", "|---|---:|---:|"]
        for entry in family["entry"]:
            total, gradient = effect_of(entry, effects)
            cells = (total, gradient) if gradient else ("–", "–")
            lines.append(f"| {title(entry)} | {' | '.join(cells)} |")
        lines += [
            "",
            "::::{dropdown} Each choice: what the paper says, what the code does, what is done here and why",
        ]
        for entry in family["entry"]:
            lines += [*detail(entry, effects), ""]
        lines[-1] = "::::"
    return "\n".join([*lines, "", text["outro"].strip(), ""])


def summary(families: list[dict[str, Any]], effects: dict[str, Effect]) -> list[str]:
    """How many choices there are, how many matter, and which most."""
    every = [entry for family in families for entry in family["entry"]]
    found = sorted(
        (entry for entry in every if entry["no"] in effects),
        key=lambda entry: -(effects[entry["no"]]["gradient"] or 0),
    )
    strong = sum((effects[entry["no"]]["gradient"] or 0) >= 0.1 for entry in found)
    lines = [
        f"There are {len(every)} choices. The effect of {len(found)} is measured; {strong} of them change the gradient "
        "by a tenth or more. The five that change it most:",
        "",
        "| Choice | Here | Gradient |",
        "|---|---|---:|",
    ]
    lines += [
        f"| {title(each)} | {each['here'].strip()} | {effect_of(each, effects)[1]} |" for each in found[:5]
    ]
    return lines


def title(entry: dict[str, str]) -> str:
    """Number and choice."""
    return f"{entry['no']} {entry['choice']}"


def detail(entry: dict[str, str], effects: dict[str, Effect]) -> list[str]:
    """What is said of one choice, as a list of definitions."""
    found = effects.get(entry["no"])
    said = {
        "Paper": entry.get("paper", "-"),
        "Code": entry["code"],
        "Here": entry["here"],
        "Why": entry["why"],
        "The other rule, as measured": entry.get("other", "-") + dropped(found) if found else "-",
        "Effect": "-" if found else entry["effect"],
    }
    lines = ["", f":::{{rubric}} {title(entry)}", ":::", ""]
    for name, text in said.items():
        lines += [name, f": {text.strip()}", ""] if text.strip() != "-" else []
    return lines[:-1]


def entries() -> dict[str, Any]:
    """The texts."""
    return tomllib.loads(ENTRIES.read_text("utf-8"))


def build(effects: dict[str, Effect]) -> str:
    """The page of these measurements. Raises ``ValueError`` unless each has its entry, and each entry an effect."""
    text = entries()
    numbers = [entry["no"] for family in text["family"] for entry in family["entry"]]
    if len(set(numbers)) < len(numbers) or set(effects) - set(numbers):
        raise ValueError(
            f"register.toml: expected each number once, and all of {sorted(effects)}; got {numbers}"
        )
    return page(text, effects)


def main() -> None:
    """Measure and write."""
    effects = measured()
    DATA.write_text(json.dumps(effects, indent=2) + "\n", "utf-8")
    PAGE.write_text(build(effects), "utf-8")


if __name__ == "__main__":
    main()
