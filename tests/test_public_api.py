"""The names that people write in their own code, and what loading them costs."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import yolosses

ADDED_OR_REMOVED = (
    "The public names changed. If that is meant, edit SURFACE in tests/test_public_api.py, and say so in the "
    "changelog: a name that was released is removed only after a deprecation."
)
SURFACE = {
    "yolosses": [
        "Assignment",
        "LossOutput",
        "Predictions",
        "Targets",
        "Term",
        "TermSum",
        "YOLOXLoss",
        "YOLOv10Loss",
        "YOLOv1Loss",
        "YOLOv2Loss",
        "YOLOv3Loss",
        "YOLOv4Loss",
        "YOLOv5Loss",
        "YOLOv6Loss",
        "YOLOv7Loss",
        "YOLOv8Loss",
        "assigners",
        "boxes",
        "codecs",
        "explain",
        "functional",
        "losses",
        "structures",
    ],
    "yolosses.assigners": [
        "AlignedRecipe",
        "PointAssigner",
        "SimOTA",
        "TaskAligned",
        "assign_responsible",
        "first_in_cell",
    ],
    "yolosses.boxes": [
        "Similarity",
        "batched_nms",
        "clip_to_image",
        "cxcywh_to_xywh",
        "cxcywh_to_xyxy",
        "from_pixels",
        "paired_ciou",
        "paired_diou",
        "paired_eiou",
        "paired_giou",
        "paired_iou",
        "paired_siou",
        "pairwise_ciou",
        "pairwise_diou",
        "pairwise_eiou",
        "pairwise_giou",
        "pairwise_iou",
        "pairwise_siou",
        "to_pixels",
        "xywh_to_cxcywh",
        "xyxy_to_cxcywh",
    ],
    "yolosses.codecs": [
        "AnchorCodec",
        "ClassScores",
        "GridCodec",
        "GridOutput",
        "Levels",
        "OffsetCodec",
        "PointCodec",
        "YOLOv6Codec",
    ],
    "yolosses.explain": [
        "Contributions",
        "ExplainableLoss",
        "ExplainedObject",
        "Explanation",
        "LANGUAGES",
        "NonFinite",
        "PredictedBoxes",
        "Sentence",
        "explain",
        "find_nonfinite",
    ],
    "yolosses.explain.pictures": [
        "draw_batch",
        "draw_boxes",
        "draw_pull",
        "draw_term_bars",
        "draw_term_maps",
        "explain_picture",
    ],
    "yolosses.export": [
        "DetectorFile",
        "DetectorFileError",
        "DetectorGraph",
        "LossGraph",
        "Suppression",
        "detector_bytes",
        "read_detector",
        "save_onnx",
    ],
    "yolosses.functional": [
        "Activation",
        "BoxLoss",
        "Penalty",
        "absolute_error",
        "activation_of",
        "binary_cross_entropy_with_logits",
        "ciou_loss",
        "diou_loss",
        "distribution_focal",
        "eiou_loss",
        "expected_distance",
        "giou_loss",
        "huber",
        "identity",
        "iou_loss",
        "quality_focal",
        "sigmoid_focal",
        "siou_loss",
        "softmax",
        "softmax_cross_entropy",
        "squared_error",
        "squared_iou_loss",
        "tangent_sqrt",
        "varifocal",
    ],
    "yolosses.losses": [
        "YOLOXLoss",
        "YOLOv10Loss",
        "YOLOv1Loss",
        "YOLOv2Loss",
        "YOLOv3Loss",
        "YOLOv4Loss",
        "YOLOv5Loss",
        "YOLOv6Loss",
        "YOLOv7Loss",
        "YOLOv8Loss",
        "one_to_many_weight",
    ],
}


@pytest.mark.parametrize("module", SURFACE)
def test_the_public_names(module: str) -> None:
    loaded = importlib.import_module(module)
    assert sorted(loaded.__all__) == SURFACE[module], ADDED_OR_REMOVED
    for name in loaded.__all__:
        assert getattr(loaded, name) is not None
    assert set(loaded.__all__) <= set(dir(loaded))


def test_every_public_name_is_documented() -> None:
    for module, names in SURFACE.items():
        for name in names:
            thing = getattr(importlib.import_module(module), name)
            if not (inspect.isclass(thing) or inspect.isfunction(thing) or inspect.ismodule(thing)):
                continue  # an alias of a type has no place for one
            assert (thing.__doc__ or "").strip(), f"{module}.{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'yolosses' has no attribute 'YOLOv0Loss'$"):
        yolosses.YOLOv0Loss  # noqa: B018


EXTRAS = {"PIL", "matplotlib", "rich", "typer", "yaml", "sklearn", "faster_coco_eval", "torchvision"}


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_importing_the_package_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, yolosses; yolosses.__version__; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    assert python(code) == "[]"


def test_the_losses_load_nothing_but_torch_and_numpy() -> None:
    code = f"import sys, yolosses; yolosses.YOLOv1Loss(); print(sorted({EXTRAS} & set(sys.modules)))"
    assert python(code) == "[]"


def test_what_is_used_later_is_loaded_later() -> None:
    """Of a second each."""
    later = {"torch._dynamo", "numba", "triton"}
    code = (
        "import sys, torch; before = set(sys.modules); import yolosses as yl; yl.YOLOv1Loss(); yl.YOLOv8Loss(); "
        f"yl.YOLOXLoss(); print(sorted({later} & (set(sys.modules) - before)))"
    )
    assert python(code) == "[]"


def test_rooms_are_attributes_without_being_imported() -> None:
    assert python("import yolosses as yl; print(yl.boxes.paired_iou.__name__)") == "paired_iou"


def test_everything_can_be_star_imported_where_there_are_no_extras() -> None:
    hide = f"import sys; sys.modules.update(dict.fromkeys({[*EXTRAS, 'hypothesis', 'jupytext']}))\n"
    code = "from yolosses import *; print(YOLOv1Loss.__name__, Targets.__name__)"
    assert python(hide + code) == "YOLOv1Loss Targets"


def test_the_version_is_that_of_the_installed_package() -> None:
    code = "import importlib.metadata as m; m.version = lambda name: {'yolosses': '1.2.3'}[name]; import yolosses"
    assert python(f"{code}; print(yolosses.__version__)") == "1.2.3"


def test_a_source_tree_that_is_not_installed_has_a_version_too() -> None:
    code = (
        "import importlib.metadata as m\n"
        "def missing(name): raise m.PackageNotFoundError(name)\n"
        "m.version = missing\n"
        "import yolosses; print(yolosses.__version__)"
    )
    assert python(code) == "0.0.0"
