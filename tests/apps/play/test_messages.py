"""Whatever arrives gets an answer in JSON; the numbers are the loss's own."""

import json
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import yolosses as yl
from yolosses.apps.play.messages import MessageError, Reader, parse
from yolosses.apps.play.scenes import Scenes
from yolosses.apps.play.server import reply_to


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
    keys = ["-".join(map(str, ["v1", *last])), *told["graphs"]]
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
        parse(" " * 3_000_000)


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
