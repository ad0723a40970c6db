"""yolosses: every YOLO loss, exact, fast, explained."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yolosses.explain.typed import explain as explain
    from yolosses.losses import YOLOv1Loss as YOLOv1Loss
    from yolosses.losses import YOLOv2Loss as YOLOv2Loss
    from yolosses.losses import YOLOv3Loss as YOLOv3Loss
    from yolosses.losses import YOLOv4Loss as YOLOv4Loss
    from yolosses.losses import YOLOv5Loss as YOLOv5Loss
    from yolosses.losses import YOLOv6Loss as YOLOv6Loss
    from yolosses.losses import YOLOv7Loss as YOLOv7Loss
    from yolosses.losses import YOLOv8Loss as YOLOv8Loss
    from yolosses.losses import YOLOv10Loss as YOLOv10Loss
    from yolosses.losses import YOLOXLoss as YOLOXLoss
    from yolosses.structures import Assignment as Assignment
    from yolosses.structures import LossOutput as LossOutput
    from yolosses.structures import Predictions as Predictions
    from yolosses.structures import Targets as Targets
    from yolosses.structures import Term as Term
    from yolosses.structures import TermSum as TermSum

__version__: str

# Loaded at first use, so that a command line or a tool that only asks for the version does not wait for
# torch.
_HOME = {
    "Assignment": "structures",
    "LossOutput": "structures",
    "Predictions": "structures",
    "Targets": "structures",
    "Term": "structures",
    "TermSum": "structures",
    "YOLOXLoss": "losses",
    "YOLOv1Loss": "losses",
    "YOLOv2Loss": "losses",
    "YOLOv3Loss": "losses",
    "YOLOv4Loss": "losses",
    "YOLOv5Loss": "losses",
    "YOLOv6Loss": "losses",
    "YOLOv7Loss": "losses",
    "YOLOv8Loss": "losses",
    "YOLOv10Loss": "losses",
}
_ROOMS = ("assigners", "boxes", "codecs", "explain", "functional", "lessons", "losses", "structures")

# All that torch and numpy suffice for: `lessons` needs an extra, so `import *` leaves it out.
__all__ = [*_HOME, *(name for name in _ROOMS if name != "lessons")]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in _HOME:
        return getattr(import_module(f"yolosses.{_HOME[name]}"), name)
    if name in _ROOMS:
        return import_module(f"yolosses.{name}")
    raise AttributeError(f"module 'yolosses' has no attribute {name!r}")


def _version() -> str:
    """That of the installed distribution, which has it from git's tags; a source tree alone has none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("yolosses")
    except PackageNotFoundError:
        return "0.0.0"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
