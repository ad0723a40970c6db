"""The graphs of the playground: their manifest is true, and boxes survive the way through the raw output."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

import yolosses as yl
from yolosses.boxes import pairwise_iou
from yolosses.export import playground
from yolosses.export.__main__ import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("playground")
    patch = pytest.MonkeyPatch()
    patch.setattr(playground, "_keys", lambda: iter(["codec-3-2", "v1-3-2-linear-one-cross_entropy"]))
    playground.write_playground(out)
    patch.undo()
    return out


def session(folder, entry):
    return onnxruntime.InferenceSession(str(folder / entry["file"]), providers=["CPUExecutionProvider"])


def test_the_manifest_says_what_the_files_hold(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["graphs"]) == {"codec-3-2", "v1-3-2-linear-one-cross_entropy"}
    for entry in manifest["graphs"].values():
        graph = session(folder, entry)
        assert {node.name: node.shape for node in graph.get_inputs()} == entry["inputs"]
        assert [node.name for node in graph.get_outputs()] == entry["outputs"]


def test_boxes_survive_the_way_through_the_raw_output(folder):
    entry = json.loads((folder / "manifest.json").read_text())["graphs"]["codec-3-2"]
    coder = session(folder, entry)
    boxes = torch.rand(18, 4).numpy() * 0.8 + 0.1
    raw = np.zeros((1, 3, 3, 10 + playground.CLASSES), dtype=np.float32)
    truths = torch.rand(playground.SLOTS, 4).numpy() * 0.5 + 0.2
    _, encoded, _ = coder.run(None, {"raw": raw, "boxes": boxes, "truths": truths})
    raw[..., 0:4], raw[..., 5:9] = encoded.reshape(3, 3, 2, 4)[:, :, 0], encoded.reshape(3, 3, 2, 4)[:, :, 1]
    decoded, _, iou = coder.run(None, {"raw": raw, "boxes": boxes, "truths": truths})
    np.testing.assert_allclose(decoded, boxes, atol=1e-6)
    want = pairwise_iou(torch.tensor(boxes), torch.tensor(truths))
    np.testing.assert_allclose(iou, want, atol=1e-5)


def test_options_reach_the_graph(folder):
    entry = json.loads((folder / "manifest.json").read_text())["graphs"]["v1-3-2-linear-one-cross_entropy"]
    raw = torch.rand(1, 3, 3, 10 + playground.CLASSES)
    boxes = torch.rand(1, playground.SLOTS, 4) * 0.5 + 0.2
    labels = torch.arange(playground.SLOTS)[None]
    mask = torch.arange(playground.SLOTS)[None] < 4
    given = dict(
        zip(entry["inputs"], (raw, boxes, labels, mask, torch.tensor(entry["lambdas"])), strict=True)
    )
    got = session(folder, entry).run(["total"], {name: value.numpy() for name, value in given.items()})
    loss = yl.YOLOv1Loss(grid=3, boxes_per_cell=2, num_classes=playground.CLASSES, size_term="linear",
                         confidence_target="one", class_term="cross_entropy")  # fmt: skip
    np.testing.assert_allclose(
        got[0], loss(raw, yl.Targets(boxes=boxes, labels=labels, mask=mask)).total, rtol=1e-5
    )


def test_other_arguments_get_the_usage(capsys):
    assert main(["playgruond", "out"]) == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "key",
    [
        "",
        "v1",
        "v2",
        "codec-0-1",
        "codec-14-1",
        "codec-3-x",
        "codec-3-²",
        "v1-3-2-sqrt-iou-hinge",
        "v8-decode-x",
    ],
)
def test_a_key_that_is_no_graph_is_refused(key):
    with pytest.raises(ValueError, match=r"graph|class_term"):
        playground.graph_of(key)
