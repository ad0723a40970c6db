"""The faulty losses as graphs give what they give in torch, gradients included."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from yolosses.lessons import faulty_graphs
from yolosses.lessons.exercises import faulty


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("graphs")
    (out / "manifest.json").write_text('{"graphs": {}}')
    faulty_graphs.write_faulty(out)
    return out


def test_the_manifest_names_a_graph_for_each_number_of_objects(folder):
    graphs = json.loads((folder / "manifest.json").read_text())["graphs"]
    assert set(graphs) == {"faulty-1", "faulty-2", "faulty-3"}
    assert graphs["faulty-2"]["inputs"]["truth"] == [2, 4]


def test_the_page_says_of_each_fault_what_the_lesson_says(folder):
    faults = json.loads((folder / "faults.json").read_text("utf-8"))
    assert len(faults) == len(faulty.VERSIONS)
    assert "MSELoss" in faults[1]["en"]
    assert "MSELoss" in faults[1]["zh-TW"]
    assert "NaN" in faults[3]["en"]


@pytest.mark.parametrize("objects", [1, 3])
@pytest.mark.parametrize("negative", [False, True])
def test_they_give_what_torch_gives(folder, objects, negative):
    session = onnxruntime.InferenceSession(
        str(folder / f"faulty-{objects}.onnx"), providers=["CPUExecutionProvider"]
    )
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        raw, _, _, labels = faulty_graphs.faulty_graph(f"faulty-{objects}").example
        raw = torch.rand(raw.shape, generator=generator) * 0.8 + 0.1
        cells = torch.randperm(9, generator=generator)[:objects]
        if negative:
            raw[cells[0] // 3, cells[0] % 3, [2, 7]] = -0.05
        truth = torch.rand(objects, 4, generator=generator) * 0.6 + 0.2
        labels = labels + seed
        values = (raw, cells, truth, labels)
        totals, gradients = session.run(
            None, {name: value.numpy() for name, value in zip(faulty_graphs.INPUTS, values, strict=True)}
        )
        for index, loss in enumerate(faulty_graphs.LOSSES):
            leaf = raw.clone().requires_grad_()
            want = loss(leaf, [(int(cell), *map(float, row), int(label))
                               for cell, row, label in zip(cells, truth, labels, strict=True)])  # fmt: skip
            want.backward()
            np.testing.assert_allclose(totals[index], want.item(), rtol=1e-5)
            np.testing.assert_allclose(gradients[index], leaf.grad, atol=1e-5)
        # Of all versions only that with the bare root cannot bear a negative width.
        bare = 1 + [type(loss) for loss in faulty.VERSIONS].index(faulty.BareRoot)
        assert np.isnan(totals).tolist() == [negative and index == bare for index in range(9)]
