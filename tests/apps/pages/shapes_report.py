"""The report on a few painted shapes, for the tests that open it in a browser."""

import torch
from tests.training.shapes import shapes

from yolosses.apps.pages.report import dataset_report
from yolosses.language import Language
from yolosses.losses import YOLOv1Loss
from yolosses.studies.dataset_loss import DatasetLoss, explain_dataset
from yolosses.studies.label_errors import LabelSuspicion
from yolosses.studies.term_history import term_history
from yolosses.training.data import Batches
from yolosses.training.models import Tiny

DATASET = shapes(8)
SUSPICION = LabelSuspicion(
    picture=2, name="shape-02", kind="moved", score=0.99, image_size=(64, 64), object=0,
    box=(0.3, 0.3, 0.2, 0.2), label_name="red", pred_box=(0.8, 0.3, 0.2, 0.2), pred_name="red",
    pred_score=0.9, iou=0.0, agreeing=0.97, better_seen=0.98,
)  # fmt: skip


def study_of_shapes() -> DatasetLoss:
    torch.manual_seed(0)
    return explain_dataset(
        Tiny(num_classes=2, stride=16),
        YOLOv1Loss(grid=4, num_classes=2),
        Batches(DATASET, batch_size=4, image_size=(64, 64)),
        torch.device("cpu"),
        top=4,
    )


def report_of_shapes(study: DatasetLoss, *, playground: dict[int, str], language: Language) -> str:
    rows = [{"step": s, "total": 2.0, "terms": dict.fromkeys(study.scales, 0.4)} for s in range(1, 30)]
    return dataset_report(
        study, [SUSPICION], DATASET, term_history(rows), rows,
        trained=("run", "v1", "test"), top=4, playground=playground, language=language,
    )  # fmt: skip
