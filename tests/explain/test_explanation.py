import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explain.scene import NAMES, loss_fn, scene

import yolosses as yl
from yolosses.functional import absolute_error, binary_cross_entropy_with_logits, huber, sigmoid_focal

LOGITS = {
    "obj_penalty": binary_cross_entropy_with_logits,
    "noobj_penalty": sigmoid_focal,
    "cls_penalty": binary_cross_entropy_with_logits,
}
BATCHES = [
    {},
    {"size_encoding": "linear"},
    {"size_term": "linear", "confidence_target": "one"},
    {"class_term": "cross_entropy", "layout": "darknet"},
    {"xy_penalty": huber, "wh_penalty": absolute_error, **LOGITS},
    {"reduction": "sum", "lambda_noobj": 0.0},
    {"class_weight": torch.tensor([1.0, 2.0, 0.0])},
]


def random_batch(seed: int, *, images: int = 3, loss: yl.YOLOv1Loss) -> tuple[torch.Tensor, yl.Targets]:
    g = torch.Generator().manual_seed(seed)
    most = 6
    size = torch.rand(images, most, 2, generator=g) * 0.4 + 0.02
    centre = size / 2 + torch.rand(images, most, 2, generator=g) * (1 - size)
    mask = torch.rand(images, most, generator=g) < 0.6
    targets = yl.Targets(
        boxes=torch.cat((centre, size), -1),
        labels=torch.randint(loss.codec.num_classes, (images, most), generator=g),
        mask=mask,
        weight=torch.rand(images, most, generator=g).round(decimals=1),
        ignore=torch.rand(images, most, generator=g) < 0.15,
    )
    length = loss.codec.num_cells * loss.codec.channels
    return torch.randn(images, length, generator=g) * 0.5 + 0.3, targets


@pytest.mark.parametrize("changes", BATCHES, ids=lambda c: ",".join(c) or "paper")
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_sums_by_every_column_are_the_loss(changes: dict[str, object], seed: int) -> None:
    loss = yl.YOLOv1Loss(**{"grid": (3, 4), "boxes_per_cell": 2, "num_classes": 3, **changes})
    raw, targets = random_batch(seed, loss=loss)
    explanation, output = yl.explain(loss, raw, targets), loss(raw, targets)
    total = output.total.double().item()
    rows = explanation.contributions
    for by in [
        (),
        ("term",),
        ("image",),
        ("row", "col"),
        ("row", "col", "box"),
        ("predictor",),
        ("object",),
        ("label",),
    ]:
        weighted = sum(value for _, value in rows.sums(*by).values())
        assert weighted == pytest.approx(total, rel=1e-6)
    for (term, image), (raw_value, value) in rows.sums("term", "image").items():
        assert value == pytest.approx(output.per_image[image, term].item(), rel=1e-5, abs=1e-9)
        assert raw_value * list(output.scales.values())[term] == pytest.approx(value)
    for index, name in enumerate(explanation.terms):
        raw_value = rows.sums("term").get((index,), (0.0, 0.0))[0]
        assert raw_value == pytest.approx(output.unweighted[name].item(), rel=1e-5, abs=1e-9)
    by_object = sum(obj.loss for obj in explanation.objects)
    background = sum(rows.where(object=-1).value)
    assert by_object + background == pytest.approx(total, rel=1e-6)


def test_without_reduction_the_sum_over_images() -> None:
    raw, targets = scene()
    loss = loss_fn(reduction="none")
    assert yl.explain(loss, raw, targets).total == pytest.approx(loss(raw, targets).total.sum().item())


def test_a_normalizer_divides_the_contributions() -> None:
    raw, targets = scene()
    whole, halved = (yl.explain(loss_fn(), raw, targets, normalizer=n).total for n in (1.0, 2.0))
    assert whole == pytest.approx(2 * halved)


def test_half_precision() -> None:
    raw, targets = scene()
    half = raw.half()
    assert yl.explain(loss_fn(), half, targets).total == pytest.approx(loss_fn()(half, targets).total.item())


def test_contributions_of_the_scene_by_hand() -> None:
    raw, targets = scene()
    rows = yl.explain(loss_fn(), raw, targets).contributions
    xy = rows.where(term="xy", image=0)
    assert xy.pred.tolist() == pytest.approx([0.25, 0.5])
    assert xy.target.tolist() == pytest.approx([0.5, 0.5], abs=1e-6)
    assert xy.value.tolist() == pytest.approx([5 * 0.25**2 / 2, 0], abs=1e-6)
    assert (xy.row.tolist(), xy.col.tolist(), xy.box.tolist()) == ([1, 1], [2, 2], [1, 1])
    assert xy.predictor.tolist() == [11, 11]
    wh = rows.where(term="wh")
    assert wh.raw_value.tolist() == pytest.approx([0.1**2 / 2, 0.1**2 / 2], abs=1e-6)
    obj = rows.where(term="obj")
    # The box lies 0.25 of a cell (1/12 of the image) to the left; it is .25 x .16, the object .36 x .25.
    shared = (0.18 + 0.125 - 1 / 12) * 0.16
    assert obj.target.item() == pytest.approx(shared / (0.36 * 0.25 + 0.25 * 0.16 - shared), abs=1e-5)
    assert rows.where(term="cls").label.tolist() == [0, 1]
    assert rows.where(term="cls").raw_value.tolist() == pytest.approx([0.75**2 / 2, 0.8**2 / 2], abs=1e-6)
    noobj = rows.where(term="noobj")
    assert set(noobj.object.tolist()) == set(noobj.label.tolist()) == {-1}
    # All of 24 boxes but the responsible one, and the two of the cell that holds the centre of the ignored region.
    assert len(noobj) == 21
    assert noobj.where(image=1).value.sum() == pytest.approx(0.5 * 0.81 / 2)


def test_objects_say_what_became_of_each() -> None:
    raw, targets = scene()
    dog, cat, region = yl.explain(loss_fn(), raw, targets, class_names=NAMES).objects
    assert (dog.state, dog.predictor, dog.place, dog.class_name) == (
        "answered",
        11,
        "cell (1,2) box 1",
        "dog",
    )
    assert dog.pred_box.tolist() == pytest.approx([2.25 / 3, 0.75, 0.25, 0.16])
    assert (cat.state, cat.predictor, cat.loss, cat.place) == ("dropped", None, 0.0, "cell (1,2)")
    assert (region.state, region.loss) == ("ignored", 0.0)


def test_sentences_say_which_way_and_how_far() -> None:
    raw, targets = scene()
    explanation = yl.explain(loss_fn(), raw, targets, class_names=NAMES)
    dog, loud = explanation.sentences(top=2)
    assert dog.text == (
        'cell (1,2) box 1 is responsible for "dog": IoU 0.38, too unsure of "dog": p 0.20, should be 1, '
        'takes it for "cat": p 0.75, should be 0, centre too far left: x 0.25, should be 0.50'
    )
    assert (dog.image, dog.object) == (0, 0)
    assert loud.text == "cell (0,1) box 0 is responsible for nothing: confidence too high: 0.90, should be 0"
    assert (loud.image, loud.object) == (1, None)
    texts = [sentence.text for sentence in explanation.sentences()]
    assert 'no box is responsible for "cat": cell (1,2) is responsible for another object already' in texts
    assert '"cat" is an ignored region: no box is responsible for it, none near it is punished' in texts


def test_sentences_in_traditional_chinese() -> None:
    raw, targets = scene()
    dog, loud = yl.explain(loss_fn(), raw, targets, class_names=("貓", "狗")).sentences(
        language="zh-TW", top=2
    )
    assert dog.text == (
        "格子 (1,2) 的框 1 負責「狗」：IoU 0.38，對「狗」太沒把握：p 0.20，應為 1，"
        "誤認成「貓」：p 0.75，應為 0，中心太偏左：x 0.25，應為 0.50"
    )
    assert loud.text == "格子 (0,1) 的框 0 不負責任何物件：信心度太高：0.90，應為 0"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (5, 0.9, "centre too far right: x 0.90, should be 0.5"),
        (6, 0.9, "centre too low: y 0.90, should be 0.5"),
        (6, 0.1, "centre too high: y 0.10, should be 0.5"),
        (7, 0.1, "width too small: sqrt w 0.10, should be 0.6"),
        (7, 0.95, "width too large: sqrt w 0.95, should be 0.6"),
        (8, 0.95, "height too large: sqrt h 0.95, should be 0.5"),
        (9, 2.0, "confidence too high: 2, should be 0.38"),
    ],
)
def test_each_fault_has_its_words(column: int, value: float, words: str) -> None:
    raw, targets = scene()
    raw[0, 1, 2, column] = value
    raw[0, 1, 2, :5] = 0  # so that box 1 stays the better one
    text = next(s.text for s in yl.explain(loss_fn(), raw, targets).sentences() if s.object == 0)
    if column != 9:
        words = words.split("should be")[0]
    assert words in text


def test_a_perfect_box_is_called_so() -> None:
    raw, targets = scene()
    cell = raw[0, 1, 2]
    cell[5:10] = torch.tensor([0.5, 0.5, 0.6, 0.5, 1.0])
    cell[10:] = torch.tensor([0.0, 1.0])
    text = next(s.text for s in yl.explain(loss_fn(), raw, targets).sentences() if s.object == 0)
    assert text == 'cell (1,2) box 1 is responsible for "class 1": IoU 1, nothing far off'


@pytest.mark.parametrize("encoding", ["sqrt", "linear"])
@pytest.mark.parametrize("term", ["sqrt", "linear"])
def test_gradient_in_box_units_is_the_change_of_the_loss(encoding: str, term: str) -> None:
    loss = loss_fn(size_encoding=encoding, size_term=term)
    raw, targets = scene()
    raw = raw.double().abs() + 0.05
    assignment = loss.assign(raw, targets)
    boxes = yl.explain(loss, raw, targets, assignment=assignment).predictions
    predictor = int(assignment.predictor[0, 0])
    assert boxes.responsible[0].nonzero()[0].tolist() == [predictor]
    cell = torch.tensor(predictor // 2)
    for side in range(4):
        change = []
        for step in (1e-6, -1e-6):
            moved = torch.from_numpy(boxes.boxes[0, predictor].copy())
            moved[side] += step
            other = raw.clone()
            start = 5 * (predictor % 2)
            other[0, 1, 2, start : start + 4] = loss.codec.encode(moved, cell)
            change.append(loss(other, targets, assignment=assignment).total.item())
        slope = (change[0] - change[1]) / 2e-6
        assert boxes.gradient[0, predictor, side] == pytest.approx(slope, rel=1e-5, abs=1e-6)
    assert np.abs(boxes.gradient[1]).max() == 0  # no object there: no box is pulled anywhere


def test_a_size_of_root_zero_has_no_gradient_and_no_nan() -> None:
    raw, targets = scene()
    raw[0, 1, 2, :10] = 0
    gradient = yl.explain(loss_fn(), raw, targets).predictions.gradient
    assert np.isfinite(gradient).all()
    assert gradient[0, 10, 2:].tolist() == [0, 0]
    assert (gradient[0, 10, :2] < 0).all()  # a centre at the corner is pulled right and down


def test_confidence_and_its_gradient() -> None:
    raw, targets = scene()
    boxes = yl.explain(loss_fn(), raw, targets).predictions
    assert boxes.confidence[0, 11] == pytest.approx(0.1)
    assert boxes.confidence[1, 2] == pytest.approx(0.9)
    assert boxes.confidence_gradient[1, 2] == pytest.approx(0.5 * 2 * 0.9 / 2)
    assert boxes.confidence_gradient[0, 11] == pytest.approx(2 * (0.1 - boxes.iou[0, 11]) / 2)
    assert math.isnan(boxes.iou[0, 10])


def test_logits_are_shown_as_what_they_mean() -> None:
    raw, targets = scene()
    loss = loss_fn(**LOGITS)
    explanation = yl.explain(loss, raw, targets)
    row = explanation.contributions.where(term="noobj", image=1, predictor=2)
    assert row.pred.item() == pytest.approx(1 / (1 + math.exp(-0.9)))
    assert explanation.predictions.confidence[1, 2] == pytest.approx(row.pred.item())


def test_records_name_everything_and_add_up() -> None:
    raw, targets = scene()
    explanation = yl.explain(loss_fn(), raw, targets, class_names=NAMES, image_names=["a.jpg", "b.jpg"])
    records = explanation.records()
    assert sum(record["value"] for record in records) == pytest.approx(explanation.total)
    first = records[0]
    assert first | {"pred": 0, "target": 0, "penalty": 0, "raw_value": 0, "value": 0, "gradient": 0} == {
        "term": "xy", "image": 0, "image_name": "a.jpg", "level": 0, "row": 1, "col": 2, "box": 1, "predictor": 11,
        "object": 0, "class": "dog", "element": "x", "pred": 0, "target": 0, "penalty": 0, "weight": 0.5,
        "lambda": 5.0, "raw_value": 0, "value": 0, "gradient": 0,
    }  # fmt: skip
    assert first["gradient"] == pytest.approx(5 * 2 * (0.25 - 0.5) / 2)
    assert {record["element"] for record in records if record["term"] == "cls"} == {"cat", "dog"}
    assert {record["object"] for record in records if record["term"] == "noobj"} == {None}


def test_json_holds_the_same_and_no_nan() -> None:
    raw, targets = scene()
    raw[0, 1, 2, 5] = math.nan
    explanation = yl.explain(loss_fn(), raw, targets)
    text = json.dumps(explanation.to_json(), allow_nan=False)
    assert json.loads(text)["total"] is None
    raw, targets = scene()
    value = json.loads(json.dumps(yl.explain(loss_fn(), raw, targets).to_json(), allow_nan=False))
    assert value["total"] == pytest.approx(loss_fn()(raw, targets).total.item())
    assert (value["num_dropped"], value["num_ignored"]) == (1, 1)


def test_of_image_keeps_one_image() -> None:
    raw, targets = scene()
    explanation = yl.explain(loss_fn(), raw, targets)
    parts = [explanation.of_image(image) for image in (0, 1)]
    assert sum(part.total for part in parts) == pytest.approx(explanation.total)
    assert len(parts[1].objects) == 0
    with pytest.raises(ValueError, match=r"image: expected one of 0\.\.1; got 2"):
        explanation.of_image(2)


def test_the_graph_of_raw_is_not_touched() -> None:
    raw, targets = scene()
    leaf = raw.clone().requires_grad_()
    loss = loss_fn()(leaf * 1, targets).total
    with torch.no_grad():
        yl.explain(loss_fn(), leaf, targets)
    assert leaf.grad is None
    loss.backward()
    assert leaf.grad.abs().sum() > 0


def test_an_empty_batch() -> None:
    raw = torch.full((1, 2, 3, 12), 0.5)
    targets = yl.Targets.from_cxcywh([torch.zeros(0, 4)], [torch.zeros(0, dtype=torch.int64)])
    explanation = yl.explain(loss_fn(), raw, targets)
    assert explanation.by_term() == {
        "xy": (0, 0), "wh": (0, 0), "obj": (0, 0), "noobj": (12 * 0.25, 6 * 0.25), "cls": (0, 0),
    }  # fmt: skip
    assert explanation.objects == ()


def test_the_printed_table() -> None:
    raw, targets = scene()
    text = str(yl.explain(loss_fn(), raw, targets, class_names=NAMES))
    assert text.splitlines()[:8] == str(loss_fn()(raw, targets)).splitlines()[:8]
    assert 'is responsible for "dog"' in text


def test_wrong_arguments_are_named() -> None:
    raw, targets = scene()
    with pytest.raises(ValueError, match="class_names: expected 2 names; got 1"):
        yl.explain(loss_fn(), raw, targets, class_names=["cat"])
    with pytest.raises(ValueError, match="image_names: expected 2 names; got 3"):
        yl.explain(loss_fn(), raw, targets, image_names="abc")
    with pytest.raises(ValueError, match="raw: expected"):
        yl.explain(loss_fn(), raw[:, :1], targets)
    with pytest.raises(ValueError, match="language: expected"):
        yl.explain(loss_fn(), raw, targets).sentences(language="fr")
    with pytest.raises(ValueError, match="by: expected columns among"):
        yl.explain(loss_fn(), raw, targets).contributions.sums("colour")
