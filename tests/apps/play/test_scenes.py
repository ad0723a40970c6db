"""Pictures of the reader's own: as the library reads them, with the output of a run, and never anybody else's."""

import base64
import io
import json
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from tests.apps.cli.command import fail, succeed
from tests.apps.play.own import CLASSES, CROWD, TRAIN, file_of, halves, write_data
from tests.apps.play.test_messages import request
from tests.apps.play.test_server import ask, live, serving

import yolosses as yl
from yolosses.apps.cli.play import open_scenes
from yolosses.apps.play import scenes as scenes_module
from yolosses.apps.play.graphs import MOST_SLOTS
from yolosses.apps.play.messages import MessageError, Reader
from yolosses.apps.play.scenes import Scenes
from yolosses.apps.runs.build import build_loss, load_detector
from yolosses.training.data import Batches, decode_picture, open_dataset, read_picture
from yolosses.training.run import RunFolder


class Silent:
    def print(self, *_, **__):
        pass


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with ``data``, and runs of YOLOv1 and of YOLOv8 on it."""
    home = tmp_path_factory.mktemp("play")
    write_data(home / "data")
    options = ["--set", "size_encoding=linear", "--lambda-coord", 40, "--fit", "letterbox", "--grid", 8]
    succeed("train", "data", "--out", "v1", *TRAIN, *options, cwd=home)
    succeed("train", "data", "--out", "v8", "--loss", "v8", *TRAIN, cwd=home)
    return home


def opened(home, run=None, data=None, split=None):
    """The scenes of a command; data lie where the run was trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        return open_scenes(Silent(), None if run is None else home / run, data, split)


def shown(scene):
    head, _, content = scene["picture"].partition(",")
    assert head == "data:image/jpeg;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def unpacked(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def of(scene, key, *, count=None, **inputs):
    """What the server computes for a scene, with the objects that it gave."""
    slots = scene["slots"]
    truths = scene["truths"][:count]
    rows = np.full((slots, 4), 0.5)
    rows[: len(truths)] = [truth["box"] for truth in truths]
    numbers = {
        "boxes": rows.flatten().tolist(),
        **{name: [int(truth[part]) for truth in truths] + [0] * (slots - len(truths))
           for name, part in (("labels", "label"), ("ignore", "ignored"))},
        "mask": [1] * len(truths) + [0] * (slots - len(truths)),
    }  # fmt: skip
    return {"do": "run", "graph": key, "inputs": {**numbers, **inputs}}


def test_pictures_of_the_data_are_as_the_library_reads_them(home):
    reader = Reader(opened(home, data=str(home / "data"), split="val"))
    told = reader.answer({"do": "capabilities"})["capabilities"]
    assert told["pictures"] == {"name": "data", "split": "val", "count": 3}
    assert told["class_names"] == CLASSES
    dataset = open_dataset(home / "data", "val")
    for number, record in enumerate(dataset.records):
        scene = reader.answer({"do": "scene", "picture": number})["scene"]
        assert scene == reader.answer({"do": "scene", "picture": record.name})["scene"]
        kept = len(record.labels[:MOST_SLOTS])
        assert scene["left_out"] == len(record.labels) - kept
        assert [truth["label"] for truth in scene["truths"]] == record.labels[:kept].tolist()
        assert [truth["ignored"] for truth in scene["truths"]] == record.ignore[:kept].tolist()
        np.testing.assert_array_equal([truth["box"] for truth in scene["truths"]], record.boxes[:kept])
        difference = np.abs(shown(scene).astype(int) - read_picture(record.path)).mean()
        assert difference < 12  # what JPEG costs
        assert kept <= scene["slots"] <= MOST_SLOTS
        assert scene["raw"] is None
    assert scene["left_out"] == CROWD - MOST_SLOTS


@pytest.mark.parametrize("picture", [-1, 3, 10**30, "no such", True, None, 0.5, [0], "x" * 10_000])
def test_pictures_that_there_are_not_are_refused(home, picture):
    reader = Reader(opened(home, data=str(home / "data"), split="val"))
    with pytest.raises(MessageError, match="picture"):
        reader.answer({"do": "scene", "picture": picture})


def test_a_run_gives_its_settings_and_what_its_network_emits(home):
    reader = Reader(opened(home, "v1"))
    run = reader.answer({"do": "capabilities"})["capabilities"]["run"]
    assert run["name"] == "v1"
    assert (run["grid"], run["boxes"], run["lambdas"]["coord"]) == (8, 2, 40)
    settings, model, _ = load_detector(RunFolder(home / "v1"), torch.device("cpu"))
    scene = reader.answer({"do": "scene", "picture": 1})["scene"]
    dataset = open_dataset(home / "data", "val", class_names=settings.class_names)
    batches = Batches(dataset, batch_size=1, image_size=settings.image_size, fit=settings.fit)
    batch = batches.batch(np.array([1]))
    with torch.no_grad():
        raw = model(batch.images)
    np.testing.assert_allclose(unpacked(scene["raw"]), raw.flatten(), atol=1e-5)
    boxes = batch.targets.boxes[0][batch.targets.mask[0]]
    np.testing.assert_allclose([truth["box"] for truth in scene["truths"]], boxes, atol=1e-6)
    assert any(truth["ignored"] for truth in scene["truths"])

    words = [run["options"][name] for name in
             ("size_term", "confidence_target", "class_term", "size_encoding", "penalty")]  # fmt: skip
    key = "-".join(map(str, ["v1", 8, 2, *words, len(settings.class_names), scene["slots"]]))
    coord = run["lambdas"]
    lambdas = [coord["coord"], coord["coord"], coord["obj"], coord["noobj"], coord["cls"]]
    got = reader.answer(of(scene, key, raw_0=scene["raw"], lambdas=lambdas))["outputs"]
    out = build_loss(settings)(raw, batch.targets)
    assert got["total"]["data"][0] == pytest.approx(out.total.item(), rel=1e-5)
    assert got["terms"]["data"] == pytest.approx(
        [value.item() for value in out.terms.values()], rel=1e-5, abs=1e-6
    )


def test_a_run_with_another_loss_gives_its_positives_and_terms(home):
    reader = Reader(opened(home, "v8"))
    assert reader.answer({"do": "capabilities"})["capabilities"]["run"] == {"name": "v8", "loss": "v8"}
    scene = reader.answer({"do": "scene", "picture": 0})["scene"]
    assert scene["raw"] is None  # the page has no boxes for it
    key = f"run-{scene['slots']}"
    entry = reader.answer({"do": "graph", "graph": key})["entry"]
    got = reader.answer({**of(scene, key, lambdas=list(entry["lambdas"])), "raw_of": 0})["outputs"]
    settings, model, loss = load_detector(RunFolder(home / "v8"), torch.device("cpu"))
    dataset = open_dataset(home / "data", "val", class_names=settings.class_names)
    batch = Batches(dataset, batch_size=1, image_size=settings.image_size).batch(np.array([0]))
    with torch.no_grad():
        raw = model(batch.images)
    out = loss(raw, batch.targets)
    assert got["terms"]["data"] == pytest.approx([value.item() for value in out.terms.values()], rel=1e-4)
    assert sum(got["pair_mask"]["data"]) == int(out.assignment.mask.sum())
    decoded = reader.answer({"do": "run", "graph": f"{key}-decode", "inputs": {}, "raw_of": 0})["outputs"][
        "boxes"
    ]
    np.testing.assert_allclose(
        np.reshape(decoded["data"], decoded["shape"]), loss.decode(raw).boxes[0], atol=1e-4
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], ["nowhere", "there is no run.json"]),
        (["--data", "nowhere"], ["nowhere", "no such file or folder"]),
        (["--data", "data", "--split", "test"], ["split 'test'"]),
        (["--split", "val"], ["--split val", "expected RUN or --data"]),
        (["unfinished"], ["weights of a finished run"]),
        (["focal"], ["RUN", "obj_penalty", "squared_error or absolute_error or huber", "focal"]),
    ],
)
def test_what_cannot_be_shown_is_one_clear_line(home, arguments, words):
    if arguments[0] in ("unfinished", "focal") and not (home / arguments[0]).exists():
        (home / arguments[0]).mkdir()
        settings = json.loads((home / "v1/run.json").read_text())
        if arguments[0] == "focal":
            settings["loss_options"] |= {"obj_penalty": "focal", "noobj_penalty": "focal"}
            (home / "focal/model.pt").write_bytes((home / "v1/model.pt").read_bytes())
        (home / arguments[0] / "run.json").write_text(json.dumps(settings))
    line = fail("play", *arguments, "--no-browser", "--port", 0, cwd=home)
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [("JPEG", "RGB", {}), ("JPEG", "CMYK", {}), ("PNG", "P", {}), ("WEBP", "RGBA", {}), ("BMP", "RGB", {}),
     ("PNG", "L", {}), ("GIF", "P", {"save_all": True, "append_images": [Image.new("P", (90, 60))] * 4})],
)  # fmt: skip
def test_files_of_all_kinds_are_opened(kind, mode, options):
    content = file_of(halves(), kind, mode, **options)
    scene = Reader(Scenes()).open(content)["scene"]
    picture = shown(scene).astype(int)
    assert picture.shape == (60, 90, 3)
    assert (scene["truths"], scene["number"]) == ((), None)
    if mode != "L":
        assert picture[10, 45, 0] > 200
        assert picture[50, 45, 2] > 180


def test_a_photo_is_turned_upright_and_made_small():
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    scene = Reader(Scenes()).open(file_of(halves(1200, 2000), exif=exif))["scene"]
    picture = shown(scene).astype(int)
    assert picture.shape == (640, 384, 3)
    assert picture[320, 350, 0] > 200  # what was above is on the right
    assert picture[320, 30, 2] > 200


def bomb():
    """A PNG of 30,000 x 30,000 pixels in a few hundred kilobytes."""
    content = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(content, "PNG")
    return content.getvalue()


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"not a picture", "not a picture that can be read"),
        (b"<html><body>", "an html page"),
        (EPS, "not a picture that can be read"),  # Pillow would start another program for it
        (file_of(halves(), "TIFF"), "not a picture that can be read"),
        (file_of(halves(), "PNG")[:90], "picture: expected JPEG"),
        (bomb(), "pixels"),
        (b"\xff\xd8" + bytes(17_000_000), "at most 16,000,000 bytes"),
    ],
    ids=["empty", "text", "html", "eps", "tiff", "cut off", "bomb", "large"],
)
def test_what_is_no_picture_is_refused(content, words):
    with pytest.raises(ValueError, match="picture: expected") as caught:
        Reader(Scenes()).open(content)
    assert words in str(caught.value)


def test_pixels_are_counted_before_they_are_decoded(monkeypatch):
    content = file_of(halves(), "PNG")
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ValueError, match="at most 5,000 pixels; got 90x60"):
        decode_picture(content, formats=("PNG",), most_pixels=5_000)


def test_an_opened_file_gets_the_output_of_the_run(home):
    scenes = opened(home, "v1")
    picture = open_dataset(home / "data", "val").picture(0)
    scene = Reader(scenes).open(file_of(picture, "PNG"))["scene"]
    of_data = Reader(scenes).answer({"do": "scene", "picture": 0})["scene"]
    np.testing.assert_allclose(unpacked(scene["raw"]), unpacked(of_data["raw"]), atol=1e-5)
    assert scene["truths"] == ()


def upload(talk, content, number=9):
    talk.send(number.to_bytes(4, "big") + content)
    return json.loads(talk.recv(timeout=60))


def test_each_reader_has_its_own_picture_and_nobody_sees_it_on_the_disk(home, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    scenes = opened(home, "v8")
    before = sorted(home.rglob("*"))
    entry = scenes.detector.graph("run-8-decode").entry
    asked = {
        "id": 1,
        "do": "run",
        "graph": "run-8-decode",
        "inputs": {},
        "raw_of": "opened",
        "wanted": ["scores"],
    }
    assert list(entry.inputs)
    with serving(tmp_path, scenes) as port, live(port) as one, live(port) as other, live(port) as third:
        assert upload(one, file_of(halves(), "PNG"))["id"] == 9
        upload(other, file_of(halves()[::-1].copy(), "PNG"))
        mine, yours = ask(one, asked)["outputs"]["scores"], ask(other, asked)["outputs"]["scores"]
        assert mine["data"] != yours["data"]
        assert mine == ask(one, asked)["outputs"]["scores"]
        assert "raw_of: expected a picture that was opened" in ask(third, asked)["error"]
    assert sorted(home.rglob("*")) == before
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["index.html"]


def test_a_bad_file_ends_nothing_and_others_are_not_kept_waiting(tmp_path, monkeypatch):
    """While one picture is being decoded, somebody else's numbers come."""
    begun, on = threading.Event(), threading.Event()
    decode = scenes_module.decode_picture

    def slow(*arguments, **options):
        begun.set()
        assert on.wait(60)
        return decode(*arguments, **options)

    monkeypatch.setattr(scenes_module, "decode_picture", slow)
    with serving(tmp_path, Scenes()) as port, live(port) as one, live(port) as other:
        one.send((1).to_bytes(4, "big") + b"garbage")
        assert begun.wait(20)
        for _ in range(5):
            assert "total" in ask(other, request())["outputs"]
        on.set()
        assert "picture: expected" in json.loads(one.recv(timeout=20))["error"]
        assert "total" in ask(one, request())["outputs"]
        assert upload(one, file_of(halves()))["scene"]["picture"].startswith("data:image/jpeg")


def test_loss_of_opened_truths_is_that_of_the_library():
    """20 classes, drawn by hand on an opened picture: the same numbers as `loss_fn`, to 1e-5."""
    scene = {"slots": 6, "truths": [{"box": [0.3, 0.4, 0.2, 0.5], "label": 19, "ignored": False},
                                    {"box": [0.7, 0.6, 0.4, 0.3], "label": 4, "ignored": False}]}  # fmt: skip
    raw = torch.rand(1, 7, 7, 30, generator=torch.Generator().manual_seed(1))
    key = "v1-7-2-sqrt-iou-squared_error-sqrt-squared_error-20-6"
    got = Reader(Scenes()).answer(of(scene, key, raw_0=raw.flatten().tolist(), lambdas=[5, 5, 1, 0.5, 1]))
    boxes = torch.tensor([truth["box"] for truth in scene["truths"]])
    targets = yl.Targets.from_cxcywh([boxes], [torch.tensor([19, 4])])
    loss_fn = yl.YOLOv1Loss(grid=7, boxes_per_cell=2, num_classes=20)
    assert got["outputs"]["total"]["data"][0] == pytest.approx(loss_fn(raw, targets).total.item(), rel=1e-5)
