"""YOLOv7: Trainable Bag-of-Freebies Sets New State-of-the-Art for Real-Time Object Detectors. Wang, Bochkovskiy, Liao,
CVPR 2023."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from yolosses.arguments import switch
from yolosses.assigners.anchor_ratio import AnchorPairs
from yolosses.assigners.ota import refine_pairs
from yolosses.codecs import AnchorCodec
from yolosses.codecs.anchor import Maps
from yolosses.functional import BoxLoss, ciou_loss
from yolosses.losses.anchor_loss import Anchors
from yolosses.losses.v5 import YOLOv5Loss
from yolosses.structures import Targets

ANCHORS = (
    ((12.0, 16.0), (19.0, 36.0), (40.0, 28.0)),
    ((36.0, 75.0), (76.0, 55.0), (72.0, 146.0)),
    ((142.0, 110.0), (192.0, 243.0), (459.0, 401.0)),
)  # of COCO at 640 pixels


class YOLOv7Loss(YOLOv5Loss):
    """The loss of YOLOv7: that of `YOLOv5Loss` with other weights, and with ``ota`` (the reference's
    ``ComputeLossOTA``) other pairs: of YOLOv5's candidates each object keeps the few that cost least now
    (`assigners.ota`). Without ``ota`` it is the reference's ``ComputeLoss``.

    Args:
        ota: choose among the candidates by their predictions.
        anchors, strides, lambda_box, lambda_obj, lambda_cls: as in `YOLOv5Loss`, with YOLOv7's values.
        The others: see `YOLOv5Loss`.

    Deviations: the reference multiplies true boxes by the image's height on both axes when it works out costs, which is
    wrong where images are not square; here each axis has its own. Saturated logits (q = 1) cost at most 100, there
    infinity or NaN. Of several candidates that are one predictor an object takes the first; there any. An object whose
    candidates all go to others is counted in ``num_dropped``. Otherwise as `YOLOv5Loss`.
    """

    def __init__(
        self,
        *,
        ota: bool = True,
        num_classes: int = 80,
        anchors: Anchors = ANCHORS,
        strides: Any = (8, 16, 32),
        image_size: Any = None,
        lambda_box: float = 0.05,
        lambda_obj: float = 0.7,
        lambda_cls: float = 0.3,
        balance: Any = None,
        anchor_threshold: float = 4.0,
        objectness_from_iou: float = 1.0,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
        cls_pos_weight: float = 1.0,
        obj_pos_weight: float = 1.0,
        box_loss: BoxLoss = ciou_loss,
        class_weight: Any = None,
        reduction: str = "mean",
        impl: str = "auto",
    ) -> None:
        super().__init__(
            num_classes=num_classes, anchors=anchors, strides=strides, image_size=image_size, lambda_box=lambda_box,
            lambda_obj=lambda_obj, lambda_cls=lambda_cls, balance=balance, anchor_threshold=anchor_threshold,
            objectness_from_iou=objectness_from_iou, label_smoothing=label_smoothing, focal_gamma=focal_gamma,
            cls_pos_weight=cls_pos_weight, obj_pos_weight=obj_pos_weight, box_loss=box_loss, class_weight=class_weight,
            reduction=reduction, impl=impl,
        )  # fmt: skip
        self.ota = switch("ota", ota)

    def candidates(self, codec: AnchorCodec, raw: Maps, truth: Targets, mask: Tensor) -> AnchorPairs:
        """YOLOv5's candidates, and with ``ota`` the selected ones."""
        found = super().candidates(codec, raw, truth, mask)
        if not self.ota:
            return found
        values = codec.at(raw, found.predictor)
        return refine_pairs(
            found, pred_boxes=codec.decode(values, found.predictor), objectness=values[..., 4], classes=values[..., 5:],
            gt_boxes=codec.in_pixels(truth.boxes).to(values.dtype), gt_labels=truth.labels, mask=mask,
        )  # fmt: skip
