"""What loaders give, and what becomes of it: padding, clipping, dtypes, devices, graphs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import exactly
from torch import Tensor

import yolosses as yl
from yolosses.boxes import cxcywh_to_xyxy, to_pixels

AnyTargets: Any = yl.Targets
BOX = [0.5, 0.5, 0.25, 0.5]
OTHER = [0.25, 0.75, 0.5, 0.25]


def one(box: Any = BOX, label: Any = 1, **options: Any) -> yl.Targets:
    return yl.Targets.from_cxcywh([torch.tensor([box])], [torch.tensor([label])], **options)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Tensor], list[Tensor], list[tuple[int, int]]]:
    """Boxes (cxcywh fractions, float64), labels and sizes of one to three images with zero to four objects each."""
    side = st.floats(0.05, 0.4)
    boxes, labels, sizes = [], [], []
    for _ in range(draw(st.integers(1, 3))):
        count = draw(st.integers(0, 4))
        middle = st.floats(0.25, 0.75)
        rows = [[draw(middle), draw(middle), draw(side), draw(side)] for _ in range(count)]
        boxes.append(torch.tensor(rows, dtype=torch.float64).reshape(count, 4))
        labels.append(torch.tensor([draw(st.integers(0, 300)) for _ in range(count)], dtype=torch.int64))
        sizes.append((draw(st.integers(50, 2000)), draw(st.integers(50, 2000))))
    return boxes, labels, sizes


def same(a: yl.Targets, b: yl.Targets) -> None:
    torch.testing.assert_close(a.boxes, b.boxes, rtol=1e-9, atol=1e-12)
    assert torch.equal(a.labels, b.labels)
    assert torch.equal(a.mask, b.mask)


# --- there and back ---------------------------------------------------------------------------------------------------


@given(scenes())
def test_every_form_of_the_same_objects_makes_the_same_targets(scene: Any) -> None:
    boxes, labels, sizes = scene
    wanted = yl.Targets.from_cxcywh(boxes, labels)
    edges = [to_pixels(cxcywh_to_xyxy(b), size) for b, size in zip(boxes, sizes, strict=True)]
    same(yl.Targets.from_xyxy(edges, labels, image_size=sizes), wanted)
    corners = [torch.cat((e[:, :2], e[:, 2:] - e[:, :2]), 1) for e in edges]
    same(yl.Targets.from_coco(corners, labels, image_size=sizes), wanted)
    rows = [
        torch.cat((torch.full((len(b), 1), float(i), dtype=b.dtype), n[:, None], b), 1)
        for i, (b, n) in enumerate(zip(boxes, labels, strict=True))
    ]
    same(yl.Targets.from_yolo_rows(torch.cat(rows), batch_size=len(boxes)), wanted)


@given(scenes(), st.sampled_from(["label", "box", "both"]), st.booleans())
def test_padded_tables_and_lists_say_the_same(scene: Any, by: str, pixels: bool) -> None:
    boxes, labels, sizes = scene
    wanted = yl.Targets.from_cxcywh(boxes, labels)
    table, numbers = wanted.boxes.clone(), wanted.labels.clone()
    if by != "box":
        numbers[~wanted.mask] = -1
    if by == "label":
        table[~wanted.mask] = math.nan  # whatever stands there
    if not pixels:
        same(yl.Targets.from_padded(table, numbers, box_format="cxcywh"), wanted)
    else:
        scaled = torch.stack([to_pixels(cxcywh_to_xyxy(b), s) for b, s in zip(table, sizes, strict=True)])
        same(yl.Targets.from_padded(scaled, numbers, box_format="xyxy", image_size=sizes), wanted)


# --- padded tables ----------------------------------------------------------------------------------------------------


def test_padding_may_stand_anywhere_and_takes_its_weight_with_it() -> None:
    made = yl.Targets.from_padded(
        torch.tensor([[[0.0] * 4, BOX, OTHER], [BOX, [-1.0] * 4, [0.0] * 4]]),
        torch.tensor([[3, 1, 2], [0, -1, -1]]),
        box_format="cxcywh",
        weight=torch.tensor([[5.0, 6.0, 7.0], [8.0, 9.0, math.nan]]),
        ignore=torch.tensor([[1, 0, 1], [0, 1, 1]]),
    )
    assert made.mask.tolist() == [[False, True, True], [True, False, False]]
    assert made.labels.tolist() == [[0, 1, 2], [0, 0, 0]]
    assert made.boxes.tolist() == [[[0.0] * 4, BOX, OTHER], [BOX, [0.0] * 4, [0.0] * 4]]
    assert made.weight is not None
    assert made.ignore is not None
    assert made.weight.tolist() == [[0.0, 6.0, 7.0], [8.0, 0.0, 0.0]]
    assert made.ignore.tolist() == [[False, False, True], [False, False, False]]


def test_a_table_of_xywh_in_pixels_from_numpy() -> None:
    made = yl.Targets.from_padded(
        np.array([[[10, 20, 30, 40]]]), np.array([[2.0]]), box_format="xywh", image_size=(100, 200)
    )
    torch.testing.assert_close(made.boxes, torch.tensor([[[0.125, 0.4, 0.15, 0.4]]]))
    assert made.labels.tolist() == [[2]]


@pytest.mark.parametrize("images", [0, 2])
def test_a_table_without_a_slot_has_one(images: int) -> None:
    made = yl.Targets.from_padded(
        torch.zeros(images, 0, 4), torch.zeros(images, 0), box_format="xyxy", image_size=(9, 9)
    )
    assert made.boxes.shape == (images, 1, 4)
    assert not made.mask.any()


@pytest.mark.parametrize(
    ("boxes", "labels", "options", "message"),
    [
        (torch.zeros(2, 4), torch.zeros(2), {}, "boxes: expected (B, M, 4); got (2, 4)"),
        (
            torch.zeros(1, 2, 4),
            torch.zeros(1, 3),
            {},
            "labels: expected (1, 2) like boxes; got (1, 3)",
        ),
        (
            torch.zeros(1, 2, 4),
            torch.zeros(1, 2),
            {"weight": torch.zeros(2)},
            "weight: expected (1, 2) like boxes; got (2,)",
        ),
        (
            torch.zeros(1, 2, 4),
            torch.zeros(1, 2),
            {"box_format": "voc"},
            "box_format: expected one of 'xyxy', 'xywh', 'cxcywh'; got 'voc'",
        ),
        (
            torch.tensor([[BOX]]),
            torch.tensor([[-2]]),
            {},
            "labels[0, 0]: expected a class >= 0; got -2",
        ),
        (
            torch.tensor([[[0.0] * 4, BOX]]),
            torch.tensor([[math.nan, 1.5]]),
            {},
            "labels[0, 1]: expected whole numbers; got 1.5",
        ),
    ],
)
def test_tables_that_do_not_fit_are_named(
    boxes: Tensor, labels: Tensor, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        AnyTargets.from_padded(boxes, labels, **{"box_format": "cxcywh"} | options)


# --- a fixed number of slots ------------------------------------------------------------------------------------------

TWO_IMAGES = [torch.tensor([BOX, OTHER]), torch.tensor([BOX])]
TWO_LABELS = [torch.tensor([1, 2]), torch.tensor([0])]
ROWS = torch.tensor([[0, 1, *BOX], [0, 2, *OTHER], [1, 0, *BOX]])
PADDED = torch.tensor([[BOX, [0.0] * 4, OTHER], [[0.0] * 4, [0.0] * 4, BOX]])
PADDED_LABELS = torch.tensor([[1, -1, 2], [-1, -1, 0]])
FORMS: dict[str, Callable[..., yl.Targets]] = {
    "cxcywh": lambda **k: yl.Targets.from_cxcywh(TWO_IMAGES, TWO_LABELS, **k),
    "xyxy": lambda **k: yl.Targets.from_xyxy(
        [cxcywh_to_xyxy(b) for b in TWO_IMAGES], TWO_LABELS, image_size=(1, 1), **k
    ),
    "rows": lambda **k: yl.Targets.from_yolo_rows(ROWS, batch_size=2, **k),
    "padded": lambda **k: yl.Targets.from_padded(PADDED, PADDED_LABELS, box_format="cxcywh", **k),
    "dicts": lambda **k: yl.Targets.from_dicts(
        [
            {"boxes": b, "class_labels": n, "size": (480, 640)}
            for b, n in zip(TWO_IMAGES, TWO_LABELS, strict=True)
        ],
        **k,
    ),
    "batch": lambda **k: yl.Targets.from_batch(
        {"batch_idx": ROWS[:, 0], "cls": ROWS[:, 1], "bboxes": ROWS[:, 2:]}, batch_size=2, **k
    ),
}
every_form = pytest.mark.parametrize("make", FORMS.values(), ids=FORMS.keys())


@every_form
@pytest.mark.parametrize("slots", [2, 5])
def test_pad_to_makes_so_many_slots(make: Callable[..., yl.Targets], slots: int) -> None:
    made = make(pad_to=slots)
    assert made.mask.shape == (2, slots)
    assert [made.labels[i][made.mask[i]].tolist() for i in range(2)] == [[1, 2], [0]]
    torch.testing.assert_close(made.boxes[0][made.mask[0]], TWO_IMAGES[0])
    torch.testing.assert_close(made.boxes[1][made.mask[1]], TWO_IMAGES[1])


@every_form
def test_pad_to_loses_no_object(make: Callable[..., yl.Targets]) -> None:
    with pytest.raises(ValueError, match=exactly("pad_to: expected >= 2, the objects of image 0; got 1")):
        make(pad_to=1)
    with pytest.raises(ValueError, match=exactly("pad_to: expected an integer >= 1; got 0")):
        make(pad_to=0)
    with pytest.raises(TypeError, match=exactly("pad_to: expected an integer >= 1; got 2.0")):
        make(pad_to=2.0)


def test_pad_to_pads_weights_and_crowds_too() -> None:
    made = one(weight=[[2.0]], ignore=[[True]], pad_to=3)
    assert made.weight is not None
    assert made.ignore is not None
    assert made.weight.tolist() == [[2.0, 0.0, 0.0]]
    assert made.ignore.tolist() == [[True, False, False]]


# --- clipping ---------------------------------------------------------------------------------------------------------


def test_clip_cuts_boxes_to_the_image_and_leaves_those_within() -> None:
    boxes = torch.tensor([[-10.0, 20.0, 30.0, 120.0], [33.3, 44.4, 55.5, 66.6]])
    plain = yl.Targets.from_xyxy([boxes[1:]], [[1]], image_size=(100, 200))
    made = yl.Targets.from_xyxy([boxes], [[0, 1]], image_size=(100, 200), clip=True)
    torch.testing.assert_close(made.boxes[0, 0], torch.tensor([0.075, 0.6, 0.15, 0.8]))
    assert torch.equal(made.boxes[0, 1], plain.boxes[0, 0])


@pytest.mark.parametrize("validate", [None, False])
def test_clip_loses_no_object(validate: bool | None) -> None:
    boxes = [torch.tensor([[0.0, 0.0, 5.0, 5.0], [250.0, 20.0, 300.0, 30.0]])]
    message = (
        "boxes[0, 1]: expected a box that meets the image, to be cut to it, fractions (cx, cy, w, h); "
        "got [1.375, 0.25, 0.25, 0.1"
    )
    with pytest.raises(ValueError, match="^" + exactly(message)[2:-2]):
        yl.Targets.from_xyxy(boxes, [[0, 1]], image_size=(100, 200), clip=True, validate=validate)


def test_clip_takes_ignored_regions_that_change_nothing_for_padding() -> None:
    boxes = [torch.tensor([[250.0, 20.0, 300.0, 30.0], [190.0, 20.0, 300.0, 30.0]])]
    made = yl.Targets.from_xyxy(boxes, [[0, 0]], image_size=(100, 200), clip=True, ignore=[[1, 1]])
    assert made.mask.tolist() == [[False, True]]
    torch.testing.assert_close(made.boxes[0, 1], torch.tensor([0.975, 0.25, 0.05, 0.1]))


def test_clip_does_not_hide_what_is_no_box() -> None:
    for box in ([30.0, 20.0, -10.0, 40.0], [-5.0, math.nan, 30.0, 40.0]):
        with pytest.raises(ValueError, match=r"^boxes\[0, 0\]: expected (w and h >= 0|finite numbers)"):
            yl.Targets.from_xyxy([torch.tensor([box])], [[0]], image_size=(100, 200), clip=True)


# --- labels and flags keep their meaning ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8, torch.int32])
def test_whole_labels_of_any_exact_dtype(dtype: torch.dtype) -> None:
    assert one(label=torch.tensor(200, dtype=dtype)).labels.tolist() == [[200]]


@pytest.mark.parametrize("label", [1.7, math.nan, math.inf])
@pytest.mark.parametrize("validate", [None, False])
def test_labels_that_are_not_whole_are_named(label: float, validate: bool | None) -> None:
    message = f"expected whole numbers; got {label}"
    with pytest.raises(ValueError, match=exactly(f"labels[0, 0]: {message}")):
        one(label=label, validate=validate)
    with pytest.raises(ValueError, match=exactly(f"rows[1, 1]: {message}")):
        yl.Targets.from_yolo_rows(
            torch.tensor([[0, 1, *BOX], [0, label, *BOX]]), batch_size=1, validate=validate
        )
    with pytest.raises(ValueError, match=exactly(f"rows[0, 0]: {message}")):
        yl.Targets.from_yolo_rows(torch.tensor([[label, 1, *BOX]]), batch_size=2, validate=validate)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rows_and_labels_in_half_precision_are_refused(dtype: torch.dtype) -> None:
    # Class 301 is 302 in bfloat16, and image 301 is image 302.
    rows = torch.tensor([[0, 301, 0.5, 0.5, 0.2, 0.2]])
    assert yl.Targets.from_yolo_rows(rows, batch_size=1).labels.item() == 301
    message = "rows: expected float32 or float64, in which class and image numbers are exact; got "
    with pytest.raises(TypeError, match=exactly(f"{message}{dtype}")):
        yl.Targets.from_yolo_rows(rows.to(dtype), batch_size=1)
    message = "labels: expected integers, or float32 or float64, in which class numbers are exact; got "
    with pytest.raises(TypeError, match=exactly(f"{message}{dtype}")):
        yl.Targets.from_cxcywh([torch.tensor([BOX])], [torch.tensor([1.0], dtype=dtype)])
    with pytest.raises(TypeError, match=exactly(f"{message}{dtype}")):
        yl.Targets.from_padded(torch.tensor([[BOX]]), torch.tensor([[1.0]], dtype=dtype), box_format="cxcywh")


def test_boxes_in_half_precision_become_single() -> None:
    made = yl.Targets.from_cxcywh([torch.tensor([BOX]).half(), torch.zeros(0, 4)], [[1], []])
    assert made.boxes.dtype == torch.float32


def test_truth_values_are_no_classes() -> None:
    with pytest.raises(TypeError, match=r"^labels: expected integers, .*; got torch\.bool$"):
        one(label=True)


def test_weights_given_for_ignored_regions_are_named() -> None:
    with pytest.raises(ValueError, match=exactly("ignore[0, 0]: expected True or False, 1 or 0; got 0.5")):
        one(ignore=[torch.tensor([0.5])])


# --- devices, modes, graphs -------------------------------------------------------------------------------------------


@every_form
def test_the_default_device_changes_nothing(make: Callable[..., yl.Targets]) -> None:
    wanted = make()
    with torch.device("meta"):
        made = make()
    same(made, wanted)
    assert {made.boxes.device.type, made.labels.device.type, made.mask.device.type} == {"cpu"}


def test_what_belongs_to_boxes_follows_them() -> None:
    with torch.device("meta"):
        made = yl.Targets.from_xyxy(
            [torch.tensor([[10.0, 10.0, 20.0, 20.0]], device="cpu"), []],
            [[1], []],
            image_size=(50, 50),
            weight=[[1.0], []],
            ignore=[[0], np.zeros(0)],
        ).validate()
    assert made.weight is not None
    assert made.ignore is not None
    for value in (made.labels, made.mask, made.weight, made.ignore):
        assert value.device.type == "cpu"


def test_meta_tensors_are_not_looked_at() -> None:
    boxes = torch.zeros(2, 3, 4, device="meta")
    made = yl.Targets.from_padded(
        boxes, torch.zeros(2, 3, device="meta"), box_format="xyxy", image_size=(640, 640), clip=True
    )
    assert made.boxes.is_meta
    made = yl.Targets.from_xyxy(list(boxes), [[0, 1, 2]] * 2, image_size=[(9, 9), (9, 18)], clip=True)
    assert made.labels.is_meta


@every_form
def test_targets_made_in_inference_mode_can_be_trained_with(make: Callable[..., yl.Targets]) -> None:
    with torch.inference_mode():
        made = make(clip=True)
    assert not any(value.is_inference() for value in (made.boxes, made.labels, made.mask))
    scale = torch.ones(1, requires_grad=True)
    (made.boxes * scale).square().sum().backward()
    assert scale.grad is not None


def test_tensors_made_in_inference_mode_are_copied_later() -> None:
    with torch.inference_mode():
        boxes, labels = torch.tensor([[BOX]]), torch.tensor([[1]])
    made = yl.Targets.from_padded(boxes, labels, box_format="cxcywh", weight=torch.ones(1, 1))
    assert not any(value.is_inference() for value in (made.boxes, made.labels, made.mask))


LISTS: list[Callable[..., yl.Targets]] = [
    yl.Targets.from_cxcywh,
    lambda b, n, **k: yl.Targets.from_xyxy([cxcywh_to_xyxy(v) for v in b], n, image_size=(1, 1), **k),
    lambda b, n, **k: yl.Targets.from_coco(
        [torch.cat((v[:, :2] - v[:, 2:] / 2, v[:, 2:]), 1) for v in b], n, image_size=(1, 1), **k
    ),
    lambda b, n, **k: yl.Targets.from_padded(
        torch.stack(b),
        torch.stack(n),
        box_format="cxcywh",
        **{name: torch.stack(value) if isinstance(value, list) else value for name, value in k.items()},
    ),
]


@pytest.mark.parametrize("make", LISTS)
@pytest.mark.parametrize("clip", [False, True])
def test_boxes_and_weights_keep_their_graph(make: Callable[..., yl.Targets], clip: bool) -> None:
    boxes = torch.tensor([BOX], requires_grad=True)
    weight = torch.ones(1, requires_grad=True)
    made = make([boxes], [torch.tensor([1])], weight=[weight], pad_to=2, clip=clip)
    assert made.weight is not None
    (made.boxes.sum() + 3 * made.weight.sum()).backward()
    assert boxes.grad is not None
    assert weight.grad is not None
    torch.testing.assert_close(boxes.grad, torch.ones(1, 4))
    assert weight.grad.tolist() == [3.0]


def test_rows_and_dictionaries_keep_their_graph() -> None:
    rows = ROWS.clone().requires_grad_()
    yl.Targets.from_yolo_rows(rows, batch_size=2).boxes.sum().backward()
    assert rows.grad is not None
    assert rows.grad.tolist() == [[0.0] * 2 + [1.0] * 4] * 3
    boxes = torch.tensor([BOX], requires_grad=True)
    yl.Targets.from_dicts([{"boxes": boxes, "class_labels": [1]}]).boxes.sum().backward()
    assert boxes.grad is not None


def test_a_compiled_step_may_make_targets_of_a_table() -> None:
    def step(boxes: Tensor, labels: Tensor) -> Tensor:
        made = yl.Targets.from_padded(boxes, labels, box_format="xyxy", image_size=(1, 1), clip=True)
        return made.boxes.sum() + made.labels.sum()

    compiled = torch.compile(step, fullgraph=True, backend="eager")
    boxes, labels = torch.tensor([[[0.1, 0.1, 0.4, 0.5], [0.0] * 4]]), torch.tensor([[2, -1]])
    torch.testing.assert_close(compiled(boxes, labels), step(boxes, labels))
    torch._dynamo.reset()


# --- what is no number, and what nearly is one ------------------------------------------------------------------------


@pytest.mark.parametrize("order", [">f4", "<f4"])
def test_arrays_of_any_order_in_memory_are_the_same(order: str) -> None:
    rows = np.array([OTHER, BOX], order)
    wanted = yl.Targets.from_cxcywh([[BOX, OTHER]], [[1, 0]])
    same(yl.Targets.from_cxcywh([rows[::-1]], [np.array([0, 1], ">i4")[::-1]]), wanted)


NO_NUMBERS = "expected numbers, in a tensor, an array or lists of equal length; got"


@pytest.mark.parametrize(
    ("boxes", "labels", "message"),
    [
        (None, [[0]], "boxes: expected one tensor for each image; got NoneType"),
        ((row for row in [BOX]), [[0]], "boxes: expected one tensor for each image; got generator"),
        ("boxes", [[0]], "boxes: expected one tensor for each image; got str"),
        ([None], [[0]], f"boxes[0]: {NO_NUMBERS} None"),
        ([np.array([["a"] * 4])], [[0]], f"boxes[0]: {NO_NUMBERS} an array of <U1"),
        ([[[0.1, 0.2], [0.1]]], [[0]], f"boxes[0]: {NO_NUMBERS} [[0.1, 0.2], [0.1]]"),
        ([[BOX]], ["a"], f"labels[0]: {NO_NUMBERS} 'a'"),
        ([[BOX]], None, "labels: expected one tensor for each image; got NoneType"),
        ([torch.tensor([BOX]) > 0], [[0]], "boxes[0]: expected real numbers; got torch.bool"),
        ([torch.tensor([BOX]) + 0j], [[0]], "boxes[0]: expected real numbers; got torch.complex64"),
    ],
)
def test_what_holds_no_numbers_is_named(boxes: Any, labels: Any, message: str) -> None:
    with pytest.raises(TypeError, match=exactly(message)):
        AnyTargets.from_cxcywh(boxes, labels)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64, torch.float32])
def test_class_255_is_a_class(dtype: torch.dtype) -> None:
    targets = yl.Targets.from_padded([[BOX, OTHER]], torch.tensor([[1, 255]]).to(dtype), box_format="cxcywh")
    assert targets.labels.tolist() == [[1, 255]]
    assert targets.mask.all()


def test_padding_may_hold_anything_in_every_column() -> None:
    targets = yl.Targets.from_padded(
        torch.tensor([[BOX, [math.nan] * 4]]), torch.tensor([[1.0, -1.0]]), box_format="cxcywh",
        weight=torch.tensor([[2.0, math.nan]]), ignore=torch.tensor([[0, -1]]),
    )  # fmt: skip
    assert targets.mask.tolist() == [[True, False]]
    assert targets.ignore is not None
    assert targets.ignore.tolist() == [[False, False]]
    assert targets.weight is not None
    assert targets.weight.tolist() == [[2.0, 0.0]]


def test_labels_that_are_true_or_false_are_refused_when_padded_too() -> None:
    with pytest.raises(
        TypeError, match=r"^labels: expected integers, or float32 or float64, .*; got torch.bool$"
    ):
        yl.Targets.from_padded([[BOX]], torch.tensor([[True]]), box_format="cxcywh")


def test_padded_boxes_that_name_another_format_are_refused() -> None:
    class Named(Tensor):
        format = "XYWH"

    boxes = torch.tensor([[BOX]]).as_subclass(Named)
    with pytest.raises(ValueError, match=r"^boxes: expected xyxy; got a tensor of format xywh"):
        yl.Targets.from_padded(boxes, torch.tensor([[1]]), box_format="xyxy")


def test_a_batch_without_objects_may_be_empty_lists() -> None:
    rows = yl.Targets.from_yolo_rows([], batch_size=2)
    batch = yl.Targets.from_batch({"batch_idx": [], "cls": [], "bboxes": []}, batch_size=2)
    assert len(rows) == len(batch) == 2
    assert not rows.mask.any()
    assert not batch.mask.any()


def test_sides_of_an_image_are_numbers() -> None:
    with pytest.raises(ValueError, match=r"^image_size: expected one \(height, width\)"):
        yl.Targets.from_xyxy([[[1, 2, 30, 40]]], [[0]], image_size=(True, True))


@pytest.mark.parametrize(
    ("name", "value"),
    [("boxes", np.zeros((1, 1, 4))), ("labels", [[0]]), ("mask", None), ("weight", [[1.0]])],
)
def test_targets_hold_tensors(name: str, value: Any) -> None:
    fields: Any = {
        "boxes": torch.tensor([[BOX]]), "labels": torch.tensor([[0]]), "mask": torch.tensor([[True]]), name: value
    }  # fmt: skip
    with pytest.raises(TypeError, match=f"^{name}: expected a tensor; got {type(value).__name__}$"):
        yl.Targets(**fields)


def test_pixels_need_the_size_of_their_image() -> None:
    for make in (AnyTargets.from_xyxy, AnyTargets.from_coco):
        with pytest.raises(
            ValueError, match=r"^image_size: expected \(height, width\) in pixels, .*; got None$"
        ):
            make([[[0.1, 0.2, 0.3, 0.4]]], [[0]], image_size=None)


@pytest.mark.parametrize("images", [None, 1.0, [0.5], "0", (0,)], ids=repr)
def test_images_are_chosen_by_whole_numbers(images: Any) -> None:
    with pytest.raises(TypeError, match=r"^images: expected "):
        one()[images]
