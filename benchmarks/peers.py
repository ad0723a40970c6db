"""The losses of other packages, to measure against: whichever is installed beside this library, none is needed.

Each function gives ``prepare(targets, maps) -> (loss, inputs)`` with the same numbers as our loss reads, laid out as
the peer wants them, or None where the package is not there. ``loss()`` is the scalar that ours computes.

    pip install --no-deps ultralytics==8.4.190 yolox==0.3.0 yolov5==7.0.14    # and what they import
"""

import importlib.abc
import importlib.machinery
import importlib.metadata
import io
import sys
import types
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn

from yolosses import Targets

Prepared = tuple[Callable[[], Tensor], list[Tensor]]
Prepare = Callable[[Targets, list[Tensor]], Prepared]
STRIDES = (8, 16, 32)


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def ultralytics(bins: int, classes: int) -> Prepare | None:
    """Its loss of v8, v9, 11 and v12."""
    if version("ultralytics") is None:
        return None
    _stand_in_for_torchvision()
    from ultralytics.utils.loss import v8DetectionLoss  # type: ignore[import-not-found]

    peer = v8DetectionLoss(_model_of_ultralytics(bins, classes))

    def prepare(targets: Targets, maps: list[Tensor]) -> Prepared:
        prediction, inputs = _flattened(maps, bins)
        batch = _rows(targets)
        return lambda: peer(prediction, batch)[0].sum() / len(targets), inputs

    return prepare


def ultralytics_end_to_end(bins: int, classes: int) -> Prepare | None:
    """Its loss of v10 and YOLO26; ``maps`` are those of the one2one head, then those of the one2many head."""
    if version("ultralytics") is None:
        return None
    _stand_in_for_torchvision()
    from ultralytics.utils.loss import E2ELoss

    peer = E2ELoss(_model_of_ultralytics(bins, classes))

    def prepare(targets: Targets, maps: list[Tensor]) -> Prepared:
        (one, of_one), (many, of_many) = (_flattened(head, bins) for head in (maps[:3], maps[3:]))
        prediction, batch = {"one2one": one, "one2many": many}, _rows(targets)
        return lambda: peer(prediction, batch)[0].sum() / len(targets), of_one + of_many

    return prepare


def yolox(classes: int) -> Prepare | None:
    """Its head's losses: the loss reads what the head's convolutions would have emitted."""
    if version("yolox") is None:
        return None
    _stand_in_for_torchvision()
    from yolox.models.yolo_head import YOLOXHead  # type: ignore[import-not-found]

    head = YOLOXHead(classes, width=0.125)
    head.get_in_boxes_info = _central_locations

    def prepare(targets: Targets, maps: list[Tensor]) -> Prepared:
        size = STRIDES[0] * maps[0].shape[2]
        labels = torch.cat((targets.labels[..., None].float(), targets.boxes * size), -1)
        inputs = [level.detach().clone().requires_grad_() for level in maps]

        def loss() -> Tensor:
            outputs, shifts, strides = [], [], []
            for index, (level, stride) in enumerate(zip(inputs, STRIDES, strict=True)):
                # It decodes in place what its convolutions emit, which here must be there for the next step.
                output, grid = head.get_output_and_grid(level.clone(), index, stride, level.type())
                outputs.append(output)
                shifts.append(grid)
                strides.append(torch.full((1, grid.shape[1]), float(stride), device=level.device))
            total: Tensor = head.get_losses(
                None, [grid[..., 0] for grid in shifts], [grid[..., 1] for grid in shifts], strides, labels,
                torch.cat(outputs, 1), [], dtype=torch.float32,
            )[0]  # fmt: skip
            return total

        return loss, inputs

    return prepare


def yolov5(classes: int, anchors: Sequence[Sequence[tuple[float, float]]]) -> Prepare | None:
    """Its loss, with gains as in its default recipe for 80 classes and 640 px; ``anchors`` in pixels."""
    if version("yolov5") is None:
        return None
    _stand_in_for_torchvision()
    with redirect_stdout(io.StringIO()):
        from yolov5.utils.loss import ComputeLoss  # type: ignore[import-not-found]

    detect = nn.Module()
    sizes = torch.tensor(anchors)
    strides = torch.tensor(STRIDES, dtype=torch.float32)
    detect.na, detect.nc, detect.nl = sizes.shape[1], classes, len(STRIDES)  # type: ignore[assignment]
    detect.stride, detect.anchors = strides, sizes / strides[:, None, None]
    model = nn.Module()
    model.model, model.weight = nn.ModuleList([detect]), nn.Parameter(torch.zeros(1))
    model.hyp = {"box": 0.05, "obj": 1.0, "cls": 0.5, "anchor_t": 4.0, "cls_pw": 1.0, "obj_pw": 1.0,
                 "fl_gamma": 0.0, "label_smoothing": 0.0}  # type: ignore[assignment]  # fmt: skip
    peer = ComputeLoss(model)

    def prepare(targets: Targets, maps: list[Tensor]) -> Prepared:
        batch = _rows(targets)
        rows = torch.cat((batch["batch_idx"][:, None], batch["cls"], batch["bboxes"]), 1)
        inputs = [
            level.detach().unflatten(1, (sizes.shape[1], -1)).movedim(2, -1).clone().requires_grad_()
            for level in maps
        ]
        return lambda: peer(inputs, rows)[0].sum() / len(targets), inputs

    return prepare


def _central_locations(
    boxes: Tensor, strides: Tensor, columns: Tensor, rows: Tensor, locations: int, objects: int
) -> tuple[Tensor, Tensor]:
    """Candidates as YOLOX chooses them since the release on PyPI: near a centre, whether in a box or not. There are
    fewer of them, so that this makes it faster."""
    stride = strides[0]
    points = (torch.stack((columns[0], rows[0]), 1) + 0.5) * stride[:, None]
    near = ((points - boxes[:, None, :2]).abs() < 1.5 * stride[:, None]).all(-1)
    candidate = near.any(0)
    return candidate, near[:, candidate]


def _rows(targets: Targets) -> dict[str, Tensor]:
    """The objects of a batch without padding, as Ultralytics has them."""
    image, number = targets.mask.nonzero().unbind(1)
    return {
        "batch_idx": image.float(),
        "cls": targets.labels[image, number].float()[:, None],
        "bboxes": targets.boxes[image, number],
    }


def _flattened(maps: list[Tensor], bins: int) -> tuple[dict[str, Any], list[Tensor]]:
    flat = torch.cat([level.detach().flatten(2) for level in maps], 2)
    boxes, scores = (
        part.clone().requires_grad_() for part in flat.split([4 * bins, flat.shape[1] - 4 * bins], 1)
    )
    return {"boxes": boxes, "scores": scores, "feats": maps}, [boxes, scores]


def _model_of_ultralytics(bins: int, classes: int) -> nn.Module:
    """What its losses read of a model."""
    head = nn.Module()
    head.stride, head.nc = torch.tensor(STRIDES, dtype=torch.float32), classes  # type: ignore[assignment]
    head.no, head.reg_max = 4 * bins + classes, bins  # type: ignore[assignment]
    model = nn.Module()
    model.model, model.weight = nn.ModuleList([head]), nn.Parameter(torch.zeros(1))
    model.args = types.SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, epochs=100)  # type: ignore[assignment]
    return model


class _Nothing(type):
    """A class in which every name is there, and nothing behind it."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name, (), {})


class _Empty(types.ModuleType):
    """A module of that kind."""

    __getattr__ = _Nothing.__getattr__


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module: Any = _Empty(spec.name)
        module.__version__ = "0.28.0"
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def _stand_in_for_torchvision() -> None:
    """The peers import torchvision, of which their losses use nothing: where it is missing an empty one does."""
    if version("torchvision") is not None or any(isinstance(finder, _StandIn) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _StandIn())
    find = importlib.metadata.version
    importlib.metadata.version = lambda name: "0.28.0" if name == "torchvision" else find(name)  # type: ignore[assignment]
