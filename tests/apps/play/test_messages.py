"""Whatever arrives gets an answer in JSON; the numbers are the loss's own."""

import base64
import json
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import yolosses as yl
from yolosses.apps.play.messages import MessageError, Reader, parse
from yolosses.apps.play.scenes import Scenes
from yolosses.apps.play.server import reply_to
from yolosses.apps.runs.build import build_penalty


def _reply(text):
    try:
        number, message = parse(text)
        return json.dumps({"id": number, **reply_to(message, Reader(Scenes()))})
    except MessageError as error:
        return json.dumps({"id": None, "error": str(error)})


answer = Reader(Scenes()).answer
KEY = "v1-3-2-sqrt-iou-squared_error"


def request(seed=0):
    random.seed(seed)
    entry = answer({"do": "graph", "graph": KEY})["entry"]
    boxes = [[random.uniform(0.1, 0.9) for _ in range(4)] for _ in range(6)]
    inputs = {
        "raw_0": [random.random() for _ in range(3 * 3 * 20)],
        "boxes": [number for box in boxes for number in box],
        "labels": [random.randrange(10) for _ in range(6)],
        "mask": [1, 1, 1, 0, 0, 0],
        "lambdas": list(entry["lambdas"]),
    }
    return {"id": 7, "do": "run", "graph": KEY, "inputs": inputs}


def test_a_run_gives_the_numbers_of_the_loss():
    asked = request()
    got = json.loads(_reply(json.dumps(asked)))
    assert got["id"] == 7
    given_ = asked["inputs"]
    raw = torch.tensor(given_["raw_0"]).reshape(1, 3, 3, 20).requires_grad_()
    targets = yl.Targets(
        boxes=torch.tensor(given_["boxes"]).reshape(1, 6, 4), labels=torch.tensor([given_["labels"]]),
        mask=torch.tensor([given_["mask"]]).bool(),
    )  # fmt: skip
    out = yl.YOLOv1Loss(grid=3, boxes_per_cell=2, num_classes=10)(raw, targets)
    out.total.backward()
    assert got["outputs"]["total"]["data"][0] == pytest.approx(out.total.item(), rel=1e-5)
    assert got["outputs"]["terms"]["data"] == pytest.approx(
        [value.item() for value in out.terms.values()], rel=1e-5
    )
    assert got["outputs"]["gradient_0"]["data"] == pytest.approx(raw.grad.flatten().tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"graph": "v99"}, "graph: expected"),
        ({"graph": 3}, "graph: expected a string"),
        ({"do": "eval"}, "do: expected"),
        ({"inputs": None}, "inputs: expected raw_0"),
        ({"inputs": {"raw_0": []}}, "inputs: expected raw_0"),
    ],
)
def test_what_is_wrong_is_named(change, words):
    reply = json.loads(_reply(json.dumps({**request(), **change})))
    assert words in reply["error"]
    assert reply["id"] == 7


def test_capabilities_are_what_there_is():
    told = answer({"do": "capabilities"})["capabilities"]
    last = [told["grids"][-1], told["boxes"][-1], *(values[-1] for values in told["options"].values())]
    keys = ["-".join(map(str, ["v1", *last, 20, 12])), *told["graphs"]]
    keys += [f"{name}-20-12{end}" for name in told["losses"] if name != "v1" for end in ("", "-decode")]
    assert [answer({"do": "graph", "graph": key})["entry"]["file"] for key in keys] == [
        f"{key}.onnx" for key in keys
    ]
    with pytest.raises(MessageError, match="1 to 13; got '14'"):
        answer({"do": "graph", "graph": f"v1-{told['grids'][-1] + 1}-2-sqrt-iou-squared_error"})


@pytest.mark.parametrize("place", [("cells", 9), ("cells", -20), ("labels", 10)])
def test_a_cell_or_class_that_there_is_not_is_refused(place):
    name, value = place
    inputs = {"raw": [0.25] * 180, "cells": [4], "truth": [0.5] * 4, "labels": [3]}
    asked = {"id": 7, "do": "run", "graph": "faulty-1", "inputs": inputs}
    assert len(json.loads(_reply(json.dumps(asked)))["outputs"]["totals"]["data"]) == 9
    inputs[name] = [value]
    assert "inputs: " in json.loads(_reply(json.dumps(asked)))["error"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30, "1", None, [1.0], 10**400, {}])
def test_nan_infinity_and_what_is_no_number_are_refused(bad):
    asked = request()
    asked["inputs"]["raw_0"][5] = bad
    reply = json.loads(_reply(json.dumps(asked)))
    assert "error" in reply


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", "{" * 100_000, "[" * 100_000, "\x00", '{"id": NaN}']
)
def test_what_is_no_message_is_refused(text):
    assert "message: expected" in json.loads(_reply(text))["error"]


def test_a_message_that_is_too_long_is_refused():
    with pytest.raises(MessageError, match="at most"):
        parse(" " * 5_000_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["id", "do", "graph", "inputs", "raw_0", "boxes", "labels", "mask", "lambdas"]),
    json_values,
)
def test_any_value_anywhere_gets_an_answer(place, value):
    asked = request()
    part = asked if place in asked else asked["inputs"]
    part[place] = value
    reply = json.loads(_reply(json.dumps(asked)))
    assert ("error" in reply) != ("outputs" in reply)


def long_request(seed, options, *, classes=20, slots=12):
    """Of a graph with other classes and slots, with a region that is ignored."""
    draw = random.Random(seed)
    key = f"v1-5-3-{'-'.join(options)}-{classes}-{slots}"
    corners = [
        [draw.uniform(0.2, 0.8), draw.uniform(0.2, 0.8), draw.uniform(0.1, 0.4), 0.3] for _ in range(slots)
    ]
    inputs = {
        "raw_0": [draw.random() for _ in range(5 * 5 * (15 + classes))],
        "boxes": [number for box in corners for number in box],
        "labels": [draw.randrange(classes) for _ in range(slots)],
        "mask": [1] * 8 + [0] * (slots - 8), "ignore": [0, 1, 0, 0, 1] + [0] * (slots - 5),
        "lambdas": [4, 3, 2, 0.25, 1.5],
    }  # fmt: skip
    return {"id": 7, "do": "run", "graph": key, "inputs": inputs}


@pytest.mark.parametrize(
    "options",
    [("sqrt", "iou", "squared_error", "sqrt", "squared_error"), ("linear", "one", "cross_entropy", "linear", "huber"),
     ("sqrt", "iou", "squared_error", "linear", "absolute_error")],
)  # fmt: skip
def test_twenty_classes_and_ignored_regions_give_the_numbers_of_the_loss(options):
    asked = long_request(3, options)
    got = answer(asked)["outputs"]
    given_, slots = asked["inputs"], len(asked["inputs"]["mask"])
    raw = torch.tensor(given_["raw_0"]).reshape(1, 5, 5, 35).requires_grad_()
    targets = yl.Targets(
        boxes=torch.tensor(given_["boxes"]).reshape(1, slots, 4), labels=torch.tensor([given_["labels"]]),
        mask=torch.tensor([given_["mask"]]).bool(), ignore=torch.tensor([given_["ignore"]]).bool(),
    )  # fmt: skip
    size_term, confidence_target, class_term, size_encoding, name = options
    penalty = build_penalty(name)
    loss = yl.YOLOv1Loss(
        grid=5, boxes_per_cell=3, num_classes=20, size_term=size_term, confidence_target=confidence_target,
        class_term=class_term, size_encoding=size_encoding, xy_penalty=penalty, wh_penalty=penalty,
        obj_penalty=penalty,
    )  # fmt: skip
    unweighted = torch.stack([*loss(raw, targets).unweighted.values()])
    total = (unweighted * torch.tensor(given_["lambdas"])).sum()
    total.backward()
    assert got["total"]["data"][0] == pytest.approx(total.item(), rel=1e-5)
    assert got["unweighted"]["data"] == pytest.approx(unweighted.tolist(), rel=1e-5)
    assert got["gradient_0"]["data"] == pytest.approx(raw.grad.flatten().tolist(), abs=1e-5)
    without = answer({**asked, "inputs": {**given_, "ignore": [0] * slots}})["outputs"]
    assert without["total"]["data"] != got["total"]["data"]


def packed(numbers):
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


def test_packed_numbers_are_the_same_numbers_and_only_what_is_wanted_comes():
    asked = request()
    plain_ = answer(asked)["outputs"]
    tight = {**asked, "packed": True, "wanted": ["terms", "gradient_0"]}
    tight["inputs"] = {name: packed(values) for name, values in asked["inputs"].items()}
    got = answer(tight)["outputs"]
    assert list(got) == ["terms", "gradient_0"]
    for name, value in got.items():
        numbers = np.frombuffer(base64.b64decode(value["data"]), "<f4")
        np.testing.assert_allclose(numbers, plain_[name]["data"], rtol=1e-6)
        assert value["shape"] == plain_[name]["shape"]


@pytest.mark.parametrize(
    "change", ["%%%", "AAAA", packed([float("nan")] * 180), packed([1e30] * 180), packed([0.5])]
)
def test_packed_numbers_that_are_none_are_refused(change):
    asked = request()
    asked["inputs"]["raw_0"] = change
    with pytest.raises(MessageError, match="raw_0: expected"):
        answer(asked)


@pytest.mark.parametrize("wanted", ["terms", [3], ["nothing"], {}, [["terms"]]])
def test_outputs_that_there_are_not_are_refused(wanted):
    with pytest.raises(MessageError, match="wanted: expected some of total"):
        answer({**request(), "wanted": wanted})


@pytest.mark.parametrize("name", ["v2", "v3", "v4", "v5", "v6", "v7", "v8", "v10", "yolox"])
def test_every_loss_has_positives_where_the_network_knows_nothing(name):
    slots = {"boxes": [0.45, 0.52, 0.4, 0.3] + [0.5] * 44, "labels": [17] + [0] * 11, "mask": [1] + [0] * 11,
             "ignore": [0] * 12}  # fmt: skip
    entry = answer({"do": "graph", "graph": f"{name}-20-12"})["entry"]
    inputs = {**slots, "lambdas": list(entry["lambdas"])}
    asked = {"do": "run", "graph": f"{name}-20-12", "inputs": inputs}
    got = answer({**asked, "wanted": ["pair_mask", "pair_object", "total", "terms"]})["outputs"]
    positive = [
        obj for obj, there in zip(got["pair_object"]["data"], got["pair_mask"]["data"], strict=True) if there
    ]
    assert positive
    assert set(positive) == {0}
    assert got["total"]["data"][0] == pytest.approx(sum(got["terms"]["data"]), rel=1e-5)
    ignored = answer({**asked, "inputs": {**inputs, "ignore": [1] + [0] * 11}})["outputs"]
    assert not any(ignored["pair_mask"]["data"])


@pytest.mark.parametrize(
    "key",
    ["v1-41-2-sqrt-iou-squared_error-sqrt-squared_error-20-6", "v1-3-2-sqrt-iou-squared_error-sqrt-focal-20-6",
     "v1-3-2-sqrt-iou-squared_error-root-huber-20-6", "v8-2001-6", "v8-20-101", "v8-0-6", "codec-3-2-sqrt-20-0",
     "v9-20-6", "v8-20-6-encode", "run-6"],
)  # fmt: skip
def test_graphs_beyond_the_limits_are_refused(key):
    with pytest.raises(MessageError, match="expected"):
        answer({"do": "graph", "graph": key})


@pytest.mark.parametrize("message", [{"do": "scene", "picture": 0}, {**request(), "raw_of": "opened"},
                                     {**request(), "raw_of": 3}, {**request(), "raw_of": {}}])  # fmt: skip
def test_without_data_and_run_there_are_none(message):
    with pytest.raises(MessageError, match="expected a"):
        answer(message)
