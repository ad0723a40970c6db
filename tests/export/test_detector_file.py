"""A detector in a file gives what it gives in torch, for any number of images, decoded and suppressed or not.

The networks are small here, so that an export takes a second; `tests/apps/cli/test_export.py` exports trained ones.
"""

import io

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import yolosses as yl
from yolosses.boxes import batched_nms
from yolosses.boxes.selection import select
from yolosses.export import DetectorGraph, Suppression, detector_bytes, read_detector
from yolosses.export.agreement import agreement, of_detections
from yolosses.export.detector_file import DetectorFileError
from yolosses.modes import exporting
from yolosses.training.data import plain_geometry
from yolosses.training.detect import detections_of

CLASSES, SIDE = 3, 32
ANCHORS = [[(8, 8), (10, 6)], [(16, 12), (20, 24)]]
RULE = Suppression(score_threshold=0.001, iou_threshold=0.45, candidates=60)


class Maps(nn.Module):
    """A convolution a level: strides 8 and 16."""

    def __init__(self, channels: int, levels: int = 2, *, two_heads: bool = False) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Conv2d(3, channels, 8 * 2**level, 8 * 2**level) for level in range(levels)
        )
        self.two_heads = two_heads

    def forward(self, images):
        maps = [level(4 * images - 2) for level in self.levels]
        return {"one2many": maps, "one2one": [level * 0.9 for level in maps]} if self.two_heads else maps


class Cells(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cells = nn.Conv2d(3, channels, 8, 8)

    def forward(self, images):
        return self.cells(images).permute(0, 2, 3, 1)


def detector(name):
    """A network with random weights, and its loss."""
    torch.manual_seed(3)
    match name:
        case "v1":
            return Cells(10 + CLASSES), yl.YOLOv1Loss(grid=4, boxes_per_cell=2, num_classes=CLASSES)
        case "v2":
            loss = yl.YOLOv2Loss(num_classes=CLASSES, anchors=[(1, 1), (2, 1.5)], stride=8)
        case "v3" | "v5" | "v7":
            kind = {"v3": yl.YOLOv3Loss, "v5": yl.YOLOv5Loss, "v7": yl.YOLOv7Loss}[name]
            more = {} if name == "v3" else {"balance": (4.0, 1.0)}
            loss = kind(num_classes=CLASSES, anchors=ANCHORS, strides=(8, 16), **more)
        case "v8":
            loss = yl.YOLOv8Loss(num_classes=CLASSES, strides=(8, 16))
        case "v10":
            loss = yl.YOLOv10Loss(num_classes=CLASSES, strides=(8, 16))
        case "yolox":
            loss = yl.YOLOXLoss(num_classes=CLASSES, strides=(8, 16))
    return Maps(loss.channels, 1 if name == "v2" else 2, two_heads=name == "v10"), loss


def images(count, seed=0):
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def written(tmp_path, name, format, output):
    network, loss = detector(name)
    network.eval()
    graph = DetectorGraph(network, loss, images(1), output=output, suppression=RULE)
    path = tmp_path / "detector"
    path.write_bytes(detector_bytes(graph, format, {"class_names": ["貓", "dog", "bird"]}))
    return graph, network, loss, read_detector(path)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("v1", "detections"),
        ("v8", "detections"),
        ("v2", "boxes"),
        ("v3", "boxes"),
        ("yolox", "boxes"),
        ("v10", "raw"),
    ],
)
@pytest.mark.parametrize("format", ["onnx", "torch"])
def test_a_file_returns_what_torch_returns(tmp_path, name, format, output):
    _, network, loss, file = written(tmp_path, name, format, output)
    assert file.description == {"class_names": ["貓", "dog", "bird"]}
    for count in (1, 2, 5):  # the file was written with 2
        batch = images(count, seed=count)
        with torch.no_grad():
            raw = network(batch)
        got = file.run(batch)
        match output:
            case "raw":
                heads = [*raw["one2many"], *raw["one2one"]]
                for want, have in zip(heads, got, strict=True):
                    torch.testing.assert_close(have, want, rtol=1e-5, atol=1e-5)
            case "boxes":
                for want, have in zip(loss.decode(raw), got, strict=True):
                    torch.testing.assert_close(have, want, rtol=1e-5, atol=1e-5)
            case "detections":
                geometries = [plain_geometry((SIDE, SIDE), (SIDE, SIDE))] * count
                found = detections_of(
                    loss, raw, geometries, iou_threshold=RULE.iou_threshold, candidates=RULE.candidates
                )
                boxes, scores, labels, number = got
                for image, want in enumerate(found):
                    kept = int(number[image])
                    assert len(want) == min(kept, 100) > 1
                    np.testing.assert_allclose(boxes[image, :kept], want.boxes, atol=1e-5)
                    np.testing.assert_allclose(scores[image, :kept], want.scores, atol=1e-5)
                    np.testing.assert_array_equal(labels[image, :kept], want.labels)


@pytest.mark.parametrize("name", ["v5", "v7"])
def test_other_losses_with_anchors_decode_in_a_graph(name, tmp_path):
    _, network, loss, file = written(tmp_path, name, "torch", "boxes")
    with torch.no_grad():
        want = loss.decode(network(images(3)))
    torch.testing.assert_close(file.run(images(3))[0], want.boxes, rtol=1e-5, atol=1e-5)


def test_suppression_in_a_graph_is_that_of_the_loop():
    """Chains included: each box overlaps the next, so that every second one is kept."""
    centres = torch.linspace(0.2, 0.8, 25)
    boxes = torch.stack((centres, torch.full((25,), 0.5), torch.full((25,), 0.1), torch.full((25,), 0.1)), -1)
    boxes = torch.stack((boxes, boxes + torch.rand(25, 4, generator=torch.Generator().manual_seed(0)) * 0.05))
    scores = torch.linspace(0.9, 0.1, 25).expand(2, 25)
    labels = torch.arange(25).remainder(2).expand(2, 25) * torch.tensor([[0], [1]])
    plain = batched_nms(boxes, scores, labels, iou_threshold=0.4)
    assert plain[0].tolist() == [index % 2 == 0 for index in range(25)]
    with exporting():
        assert torch.equal(batched_nms(boxes, scores, labels, iou_threshold=0.4), plain)


def test_nothing_is_suppressed_without_a_threshold():
    boxes = torch.tensor([[[0.5, 0.5, 0.2, 0.2]] * 3])
    scores = torch.tensor([[[0.9], [0.8], [0.0005]]])
    kept = select(boxes, scores, score_threshold=0.001, iou_threshold=None, candidates=10).kept
    assert kept.tolist() == [[True, True, False]]
    kept = select(boxes, scores, score_threshold=0.001, iou_threshold=0.5, candidates=10).kept
    assert kept.tolist() == [[True, False, False]]


def test_an_onnx_file_names_what_it_takes_and_returns(tmp_path):
    written(tmp_path, "v1", "onnx", "detections")
    session = onnxruntime.InferenceSession(str(tmp_path / "detector"), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    assert (taken.name, taken.shape[1:], isinstance(taken.shape[0], str)) == ("images", [3, SIDE, SIDE], True)
    assert [value.name for value in session.get_outputs()] == ["boxes", "scores", "labels", "count"]
    assert b".py" not in (tmp_path / "detector").read_bytes()


def test_differences_are_found():
    graph = DetectorGraph(*detector("v1"), images(1), output="boxes", suppression=RULE)
    wanted = (torch.zeros(1, 4, 4), torch.zeros(1, 4, CLASSES))
    got = (wanted[0].clone(), wanted[1] + 0.25)
    got[0][0, 2, 1] = 0.5
    assert agreement(graph, wanted, got).largest == {"boxes": 0.5, "scores": 0.25}
    got[0][0, 0, 0] = torch.nan
    assert not agreement(graph, wanted, got).largest["boxes"] <= 1e9
    assert not agreement(graph, wanted, (wanted[0][:, :3], wanted[1])).largest["boxes"] <= 1e9


def test_detections_that_changed_places_are_the_same_and_missing_ones_are_counted():
    boxes = torch.tensor([[[0.2, 0.2, 0.1, 0.1], [0.7, 0.7, 0.1, 0.1], [0.7, 0.2, 0.1, 0.1]]])
    scores, labels = torch.tensor([[0.9, 0.9, 0.5]]), torch.tensor([[0, 0, 1]])
    ours = (boxes, scores, labels, torch.tensor([3]))
    swapped = [1, 0, 2]
    theirs = (boxes[:, swapped] + 1e-3, scores[:, swapped], labels[:, swapped], torch.tensor([3]))
    found = of_detections(ours, theirs)
    assert (found.values, found.unpaired) == (3, 0)
    assert found.largest == {"boxes": pytest.approx(1e-3, rel=1e-3), "scores": 0.0}
    assert of_detections(ours, (*theirs[:3], torch.tensor([2]))).unpaired == 1
    other_class = (boxes, scores, torch.tensor([[0, 0, 2]]), torch.tensor([3]))
    assert of_detections(ours, other_class).unpaired == 2


@pytest.mark.parametrize("content", [b"", b"no detector", b"PK\x03\x04 no archive"])
def test_something_else_is_named(tmp_path, content):
    path = tmp_path / "else.onnx"
    path.write_bytes(content)
    with pytest.raises(DetectorFileError, match=r"else\.onnx: expected a detector"):
        read_detector(path)


def test_a_model_of_others_is_named(tmp_path):
    program = torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),))
    torch.export.save(program, path := tmp_path / "linear.pt2")
    with pytest.raises(DetectorFileError, match=r"linear\.pt2: expected a detector.*no description"):
        read_detector(path)


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="output: expected"):
        DetectorGraph(*detector("v1"), images(1), output="masks", suppression=RULE)
    graph = DetectorGraph(*detector("v1"), images(1), output="raw", suppression=RULE)
    with pytest.raises(ValueError, match="format: expected"):
        detector_bytes(graph, "tflite", {})


def test_a_loss_as_a_program_of_torch_export():
    """Its gradient inside, its lambdas as inputs, written and read."""
    loss, raw = yl.YOLOv1Loss(grid=3, num_classes=CLASSES), torch.randn(1, 3, 3, 10 + CLASSES)
    targets = yl.Targets.from_xyxy([[[4, 4, 20, 24], [16, 8, 30, 20]]], [[0, 2]], image_size=(SIDE, SIDE))
    graph = yl.export.LossGraph(loss, raw, targets)
    file = io.BytesIO()
    torch.export.save(graph.program(), file)
    file.seek(0)
    program = torch.export.load(file).module()

    other = torch.randn(raw.shape, generator=torch.Generator().manual_seed(5))
    lambdas = torch.tensor([2.0, 3.0, 1.0, 0.25, 4.0])
    got = dict(zip(graph.outputs, program(other, *graph.example[1:-1], lambdas), strict=True))
    leaf = other.clone().requires_grad_()
    out = loss(leaf, targets)
    total = sum(weight * out.unweighted[name] for weight, name in zip(lambdas, graph.names, strict=True))
    total.backward()
    torch.testing.assert_close(got["total"], total.detach())
    torch.testing.assert_close(got["gradient_0"], leaf.grad)
