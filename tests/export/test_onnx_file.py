"""A loss in onnxruntime gives what it gives in torch: value, terms, gradient, and who is responsible."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

import yolosses as yl
from yolosses.export import LossGraph, save_onnx

CLASSES, SLOTS = 4, 6


def v1():
    return yl.YOLOv1Loss(grid=5, boxes_per_cell=2, num_classes=CLASSES), torch.zeros(1, 5, 5, 10 + CLASSES)


def v8():
    return yl.YOLOv8Loss(num_classes=CLASSES), [
        torch.zeros(1, 64 + CLASSES, side, side) for side in (8, 4, 2)
    ]


def targets_of(generator, count):
    boxes = torch.rand(1, SLOTS, 4, generator=generator) * 0.6 + 0.05
    labels = torch.randint(0, CLASSES, (1, SLOTS), generator=generator)
    return yl.Targets(boxes=boxes, labels=labels, mask=(torch.arange(SLOTS) < count)[None])


@pytest.fixture(scope="module", params=[v1, v8], ids=lambda make: make.__name__)
def written(request, tmp_path_factory):
    loss, raw = request.param()
    path = tmp_path_factory.mktemp("onnx") / "loss.onnx"
    graph = save_onnx(loss, raw, targets_of(torch.Generator().manual_seed(0), 3), path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return graph, raw, session, path


def scene(raw, seed, scale):
    generator = torch.Generator().manual_seed(seed)
    levels, form = tree_flatten(raw)
    levels = [torch.randn(level.shape, generator=generator) * scale for level in levels]
    return levels, form, targets_of(generator, seed % (SLOTS + 1))


def ran(session, graph, inputs):
    values = session.run(
        None, {name: value.numpy() for name, value in zip(graph.inputs, inputs, strict=True)}
    )
    return dict(zip(graph.outputs, values, strict=True))


@pytest.mark.parametrize("scale", [1.0, 30.0], ids=["ordinary", "saturated logits"])
def test_it_gives_what_forward_and_backward_give(written, scale):
    graph, raw, session, _ = written
    for seed in range(20):
        levels, form, targets = scene(raw, seed, scale)
        got = ran(session, graph, (*levels, targets.boxes, targets.labels, targets.mask, graph.example[-1]))

        leaves = [level.clone().requires_grad_() for level in levels]
        out = graph.loss(tree_unflatten(leaves, form), targets)
        out.total.backward()

        np.testing.assert_allclose(got["total"], out.total.item(), rtol=1e-5)
        for name, value in zip(graph.names, got["terms"], strict=True):
            np.testing.assert_allclose(value, out.terms[name].item(), rtol=1e-5, atol=1e-6)
        for index, leaf in enumerate(leaves):
            largest = float(leaf.grad.abs().max())
            np.testing.assert_allclose(
                got[f"gradient_{index}"], leaf.grad, rtol=0, atol=2e-5 * largest + 1e-12
            )
        np.testing.assert_array_equal(got["pair_mask"], out.assignment.mask)
        np.testing.assert_array_equal(got["pair_predictor"], out.assignment.predictor)
        np.testing.assert_array_equal(got["pair_object"], out.assignment.object)


def test_lambdas_are_inputs(written):
    graph, raw, session, _ = written
    levels, form, targets = scene(raw, 3, 1.0)
    lambdas = torch.arange(1.0, len(graph.names) + 1)
    got = ran(session, graph, (*levels, targets.boxes, targets.labels, targets.mask, lambdas))
    out = graph.loss(tree_unflatten(levels, form), targets)
    want = [
        factor * out.unweighted[name].item()
        for factor, name in zip(lambdas.tolist(), graph.names, strict=True)
    ]
    np.testing.assert_allclose(got["terms"], want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got["total"], sum(want), rtol=1e-5)


def test_the_terms_are_made_of_their_elements(written):
    graph, raw, session, _ = written
    levels, _, targets = scene(raw, 4, 1.0)
    ones = torch.ones(len(graph.names))
    got = ran(session, graph, (*levels, targets.boxes, targets.labels, targets.mask, ones))
    sums = [(got[f"{name}_penalty"] * got[f"{name}_weight"]).sum() for name in graph.names]
    factor = got["terms"][0] / sums[0]  # the normaliser, one for all terms
    np.testing.assert_allclose(got["terms"], np.array(sums) * factor, rtol=1e-5)


def test_the_file_is_small_and_names_no_source(written):
    content = written[3].read_bytes()
    assert len(content) < 250_000
    assert b".py" not in content


def test_only_a_mean_is_exported():
    loss = yl.YOLOv1Loss(grid=2, num_classes=CLASSES, reduction="none")
    with pytest.raises(ValueError, match="loss: expected reduction"):
        LossGraph(loss, torch.zeros(1, 2, 2, 14), targets_of(torch.Generator(), 1))
