"""The names that arguments can take. Apart from what they name, so that ``--help`` need not load it."""

from enum import StrEnum


class LossName(StrEnum):
    """Losses that `train` knows."""

    V1 = "v1"
    V2 = "v2"
    V3 = "v3"
    V4 = "v4"
    V5 = "v5"
    V6 = "v6"
    V7 = "v7"
    V8 = "v8"
    V10 = "v10"
    YOLOX = "yolox"


class PenaltyName(StrEnum):
    """Elementwise penalties that a term of a loss can have."""

    SQUARED_ERROR = "squared_error"
    ABSOLUTE_ERROR = "absolute_error"
    HUBER = "huber"
    BINARY_CROSS_ENTROPY = "binary_cross_entropy"
    FOCAL = "focal"


class BoxLossName(StrEnum):
    """How a loss can compare boxes."""

    IOU = "iou"
    SQUARED_IOU = "squared_iou"
    GIOU = "giou"
    DIOU = "diou"
    CIOU = "ciou"
    EIOU = "eiou"
    SIOU = "siou"


class ModelName(StrEnum):
    """Networks that `train` knows."""

    TINY = "tiny"
    SMALL = "small"
    FAST_YOLO = "fast-yolo"
    YOLOV1 = "yolov1"


class OptimizerName(StrEnum):
    """Optimisers that `train` knows."""

    ADAMW = "adamw"
    SGD = "sgd"


class ScheduleName(StrEnum):
    """Learning-rate schedules that `train` knows."""

    COSINE = "cosine"
    PAPER = "paper"


class PrecisionName(StrEnum):
    """Precisions of the network's operations in training."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class FitName(StrEnum):
    """How pictures get the size of the input."""

    STRETCH = "stretch"
    LETTERBOX = "letterbox"


class LanguageName(StrEnum):
    """Languages of the lessons and of the playground."""

    EN = "en"
    ZH_TW = "zh-TW"


class SamplerName(StrEnum):
    """Ways to choose the settings of a study."""

    GRID = "grid"
    TPE = "tpe"


class ObjectiveName(StrEnum):
    """What the search for the best setting makes large."""

    MAP50 = "map50"
    MAP = "map"
    F1 = "f1"


class FileFormatName(StrEnum):
    """What a detector is exported to."""

    ONNX = "onnx"
    TORCH = "torch"


class DetectorOutputName(StrEnum):
    """What an exported detector returns."""

    RAW = "raw"
    BOXES = "boxes"
    DETECTIONS = "detections"
