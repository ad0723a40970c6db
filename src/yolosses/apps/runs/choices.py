"""The names that arguments can take. Apart from what they name, so that ``--help`` need not load it."""

from typing import Literal, get_args

LossName = Literal["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v10", "yolox"]
PenaltyName = Literal["squared_error", "absolute_error", "huber", "binary_cross_entropy", "focal"]
BoxLossName = Literal["iou", "squared_iou", "giou", "diou", "ciou", "eiou", "siou"]
ModelName = Literal["tiny", "small", "fast-yolo", "yolov1"]
OptimizerName = Literal["adamw", "sgd"]
ScheduleName = Literal["cosine", "paper"]
PrecisionName = Literal["float32", "bfloat16", "float16"]  # of the network's operations in training
FitName = Literal["stretch", "letterbox"]
LanguageName = Literal["en", "zh-TW"]  # of the lessons and of the playground
SamplerName = Literal["grid", "tpe"]
ObjectiveName = Literal["map50", "map", "f1"]
FileFormatName = Literal["onnx", "torch"]
DetectorOutputName = Literal["raw", "boxes", "detections"]

LOSSES: tuple[LossName, ...] = get_args(LossName)
MODELS: tuple[ModelName, ...] = get_args(ModelName)
PENALTIES: tuple[PenaltyName, ...] = get_args(PenaltyName)
BOX_LOSSES: tuple[BoxLossName, ...] = get_args(BoxLossName)
