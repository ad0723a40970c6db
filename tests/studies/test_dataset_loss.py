"""The loss of a data set by picture, object, class and size: all of it adds up to what the loss itself says."""

import json

import numpy as np
import pytest
import torch
from tests.training.shapes import SIZE, shapes

from yolosses.boxes import from_pixels
from yolosses.losses import YOLOv1Loss
from yolosses.studies.dataset_loss import DatasetLoss, explain_dataset, explain_one
from yolosses.training.data import Batches, DetectionDataset, Record
from yolosses.training.models import Tiny

GRID = 4


def detector() -> tuple[Tiny, YOLOv1Loss]:
    torch.manual_seed(0)
    return Tiny(num_classes=2, stride=16).eval(), YOLOv1Loss(grid=GRID, boxes_per_cell=2, num_classes=2)


def batches_of(dataset: DetectionDataset, *, batch_size: int = 4, fit: str = "stretch") -> Batches:
    return Batches(dataset, batch_size=batch_size, image_size=(64, 64), fit=fit)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def dataset() -> DetectionDataset:
    """Eleven pictures, so that the last batch is smaller; the first also has an ignored object and one in the cell of
    another."""
    dataset = shapes(11)
    first = dataset.records[0]
    crowd, twin = np.array([[0.8, 0.8, 0.2, 0.2]]), first.boxes[:1] * [1, 1, 0.5, 0.5]
    dataset.records[0] = Record(
        name=first.name,
        path=None,
        image_size=first.image_size,
        boxes=np.concatenate([first.boxes[:1], twin, crowd]).astype(np.float32),
        labels=np.array([0, 1, 1]),
        ignore=np.array([False, False, True]),
    )
    return dataset


@pytest.fixture(scope="module")
def study(dataset: DetectionDataset) -> DatasetLoss:
    model, loss = detector()
    return explain_dataset(model, loss, batches_of(dataset), torch.device("cpu"), top=2)


def test_the_mean_over_the_pictures_is_the_loss_itself(study: DatasetLoss, dataset: DetectionDataset) -> None:
    model, loss = detector()
    with torch.no_grad():
        batch = batches_of(dataset).batch(np.arange(11))
        output = loss(model(batch.images), batch.targets)
    assert study.loss == pytest.approx(output.total.item(), rel=1e-6)
    assert study.scales == {"xy": 5.0, "wh": 5.0, "obj": 1.0, "noobj": 0.5, "cls": 1.0}
    for name in study.scales:
        assert study.terms[name] == pytest.approx(output.terms[name].item(), rel=1e-6)
        assert study.unweighted[name] == pytest.approx(output.unweighted[name].item(), rel=1e-6)
    for picture, row in zip(study.pictures, output.per_image, strict=True):
        assert 11 * row.sum().item() == pytest.approx(picture.loss, rel=1e-5)
    assert sum(p.num_answered for p in study.pictures) == int(output.assignment.mask.sum())


def test_groups_and_background_add_up(study: DatasetLoss) -> None:
    background = sum(study.background.values())
    assert study.background["noobj"] == pytest.approx(study.terms["noobj"], rel=1e-9)
    for groups in (study.by_class(), study.by_pixels(), study.by_relative_size()):
        assert sum(group.loss for group in groups) + background == pytest.approx(study.loss, rel=1e-6)
        assert sum(group.num_objects for group in groups) == len(study.objects)


def test_dropped_and_ignored_objects_are_counted(study: DatasetLoss) -> None:
    first = study.pictures[0]
    assert (first.num_answered, first.num_dropped, first.num_ignored, first.num_hidden) == (1, 1, 1, 0)
    states = [(obj.object, obj.state, obj.iou is None) for obj in study.objects if obj.picture == 0]
    assert states == [(0, "answered", False), (1, "dropped", True), (2, "ignored", True)]
    assert [obj.loss == 0 for obj in study.objects if obj.picture == 0] == [False, True, True]
    blue = study.by_class()[1]
    assert (blue.name, blue.num_dropped, blue.num_ignored) == ("blue", 1, 1)


def test_sizes_are_measured_in_the_stored_picture(study: DatasetLoss, dataset: DetectionDataset) -> None:
    obj = study.objects[-1]
    w, h = dataset.records[obj.picture].boxes[obj.object][2:] * SIZE
    assert obj.pixels == pytest.approx((w, h))
    assert obj.area == pytest.approx(w * h)
    assert obj.relative_side == pytest.approx(np.sqrt(w * h) / SIZE)
    small, medium, large = study.by_pixels()
    assert small.num_objects == sum(o.area < 32**2 for o in study.objects)
    assert (medium.num_objects, large.num_objects) == (len(study.objects) - small.num_objects, 0)


def test_only_the_worst_are_explained_and_those_in_full(study: DatasetLoss) -> None:
    worst = study.worst_pictures(2)
    assert [p.loss for p in worst] == sorted((p.loss for p in study.pictures), reverse=True)[:2]
    objects = study.worst_objects(2)
    assert [o.loss for o in objects] == sorted((o.loss for o in study.objects), reverse=True)[:2]
    assert set(study.explained) == {p.picture for p in worst} | {o.picture for o in objects}
    for picture in worst:
        explained = study.explained[picture.picture]
        assert explained.explanation.total == pytest.approx(picture.loss, rel=1e-6)
        assert explained.explanation.image_names == (picture.name,)


def test_detections_are_of_each_picture(study: DatasetLoss) -> None:
    assert len(study.detections) == 11


def test_one_picture_is_explained_as_in_the_data_set(study: DatasetLoss, dataset: DetectionDataset) -> None:
    model, loss = detector()
    one = explain_one(model, loss, batches_of(dataset), 5, torch.device("cpu"))
    assert one.explanation.total == pytest.approx(study.pictures[5].loss, rel=1e-5)
    assert one.objects == tuple(range(len(dataset.records[5].labels)))


def test_objects_that_the_fit_hides_keep_the_others_in_place() -> None:
    """A letterbox makes a sliver of a box thinner than two pixels only where it is cut: nothing is hidden here, and the
    objects of the explanation are those of the record."""
    wide = Record(
        name="wide",
        path=None,
        image_size=(32, 128),
        boxes=from_pixels(torch.tensor([[20.0, 16, 8, 8], [100.0, 16, 30, 20]]), (32, 128)).numpy(),
        labels=np.array([0, 1]),
        ignore=np.zeros(2, bool),
    )
    dataset = DetectionDataset(
        name="wide", split="train", class_names=("red", "blue"), records=[wide],
        paint=lambda index: np.full((32, 128, 3), 90, np.uint8),
    )  # fmt: skip
    model, loss = detector()
    study = explain_dataset(model, loss, batches_of(dataset, fit="letterbox"), torch.device("cpu"))
    assert [(obj.object, obj.pixels) for obj in study.objects] == [
        (0, pytest.approx((8, 8))),
        (1, pytest.approx((30, 20))),
    ]


def test_progress_counts_pictures(dataset: DetectionDataset) -> None:
    model, loss = detector()
    done: list[int] = []
    explain_dataset(model, loss, batches_of(dataset), torch.device("cpu"), progress=done.append)
    assert done == [4, 8, 11]


def test_json_holds_all_and_is_json(study: DatasetLoss) -> None:
    value = json.loads(json.dumps(study.to_json(), allow_nan=False))
    assert value["loss"] == pytest.approx(study.loss)
    assert [picture["name"] for picture in value["pictures"]] == [f"shape-{i:02d}" for i in range(11)]
    assert sum(term["value"] for term in value["terms"].values()) == pytest.approx(study.loss)
    assert len(value["objects"]) == len(study.objects)
    assert [group["name"] for group in value["by_class"]] == ["red", "blue"]
