"""A link that opens the playground with the very output and truth that an explanation speaks of."""

from __future__ import annotations

import base64
import io
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from torch import Tensor

from yolosses.apps.play import PORT
from yolosses.explain.build import ExplainableLoss
from yolosses.explain.raw_output import Raw
from yolosses.export.playground import CLASSES, MOST_BOXES, MOST_GRID, SLOTS
from yolosses.functional import softmax_cross_entropy, squared_error
from yolosses.language import Language
from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets

MOST_LAMBDA = 10.0  # of the page's sliders
MOST_SIDE = 160  # pixels of the picture in the address


def playground_link(
    loss: ExplainableLoss, raw: Raw, targets: Targets, image: Tensor, *, language: Language
) -> str | None:
    """The address, for a page that `yolosses play` serves on this computer; None where the playground has no such loss:
    it has YOLOv1 in the paper's units, with squared errors or cross-entropy, ``CLASSES`` classes and at most ``SLOTS``
    objects that all count alike.

    Args:
        loss, raw, targets: of one picture. image: (3, H, W) RGB in 0..1, as the network saw it.
    """
    if not isinstance(loss, YOLOv1Loss) or not isinstance(raw, Tensor):
        return None
    if not _known(loss) or not _fits(raw, targets):
        return None
    mask = targets.mask[0]
    truths = np.column_stack([targets.labels[0][mask].numpy(), targets.boxes[0][mask].numpy()])
    state = {
        "S": loss.codec.grid[0],
        "B": loss.codec.boxes_per_cell,
        "roots": loss.size_term,
        "target": loss.confidence_target,
        "classes": loss.class_term,
        **{f"l.{name}": value for name, value in _lambdas(loss).items()},
        "truths": _packed(truths.astype("<f4").tobytes()),  # label and box of each
        "raw": _packed(_numbered(raw)),
        "picture": _packed(_jpeg(image)),
        "lang": language,
        "engine": "live",
    }
    return f"http://127.0.0.1:{PORT}/#{urlencode(state)}"


def _known(loss: YOLOv1Loss) -> bool:
    codec = loss.codec
    rows, cols = codec.grid
    penalties = (loss.xy_penalty, loss.wh_penalty, loss.obj_penalty, loss.noobj_penalty)
    return (
        rows == cols <= MOST_GRID
        and codec.boxes_per_cell <= MOST_BOXES
        and codec.num_classes == CLASSES
        and (codec.size_encoding, codec.layout) == ("sqrt", "cell")
        and loss.class_weight is None
        and all(penalty is squared_error for penalty in penalties)
        and loss.cls_penalty in (squared_error, softmax_cross_entropy)
        and all(0 <= value <= MOST_LAMBDA for value in _lambdas(loss).values())
    )


def _fits(raw: Tensor, targets: Targets) -> bool:
    boxes = targets.boxes[0][targets.mask[0]]
    return (
        len(boxes) <= SLOTS
        and (targets.weight is None or bool((targets.weight[0][targets.mask[0]] == 1).all()))
        and (targets.ignore is None or not bool(targets.ignore.any()))
        and bool(raw.isfinite().all())
        and bool(((boxes >= 0) & (boxes <= 1)).all())
    )


def _lambdas(loss: YOLOv1Loss) -> dict[str, float]:
    return {
        "coord": loss.lambda_coord,
        "obj": loss.lambda_obj,
        "noobj": loss.lambda_noobj,
        "cls": loss.lambda_cls,
    }


def _numbered(raw: Tensor) -> bytes:
    """Each number after its index, as the page reads changes of an output."""
    values = raw.reshape(-1).float().numpy()
    numbered = np.zeros(len(values), dtype=[("index", ">u2"), ("value", ">f4")])
    numbered["index"], numbered["value"] = np.arange(len(values)), values
    return numbered.tobytes()


def _jpeg(image: Tensor) -> bytes:
    picture = Image.fromarray((image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
    picture.thumbnail((MOST_SIDE, MOST_SIDE))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=70)
    return file.getvalue()


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
