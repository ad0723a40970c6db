"""The scores of a detector on one split: numbers, a dictionary for json, a table for people."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """What one score threshold gives: detections with ``score >= threshold`` are kept, IoU 0.5 makes a hit.

    All classes are pooled: ``precision`` is hits / detections kept, ``recall`` is hits / objects. Detections
    on ignored objects count in neither; those of a class without objects are misses.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """The scores of one class; the average precisions are ``None`` where the split holds no object of it.

    ``precision50`` is the precision-recall curve at IoU 0.5: the highest precision at the recalls 0, 0.01, ..., 1 or
    beyond, whose mean is ``ap50``.
    """

    name: str
    objects: int
    ap50: float | None
    ap50_95: float | None
    voc07_ap: float | None
    precision50: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SizeMetrics:
    """The scores of the objects of one size, as COCO bands them: by area, in pixels of the original picture.

    Attributes:
        name: "small", "medium" or "large".
        least, most: the side of a square of the band's least and largest area, in pixels; ``most`` is None without end.
        objects: how many have an area in the band.
        map50, map50_95: mean over the classes with objects in the band; None where there are none.
        recall: AR@100 in the band.
    """

    name: str
    least: float
    most: float | None
    objects: int
    map50: float | None
    map50_95: float | None
    recall: float | None


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The scores of a detector on one split, all between 0 and 1.

    A mean is over the classes that have objects in the split (COCO's rule), and ``None`` where none has.

    Attributes:
        map50_95: COCO mAP, the mean over the IoU thresholds 0.50, 0.55, ..., 0.95.
        map50: COCO mAP at IoU 0.50.
        map75: COCO mAP at IoU 0.75.
        map_small: COCO mAP of objects below 32 x 32 pixels of the original picture; ``None`` without any.
        map_medium: the same from 32 x 32 to 96 x 96 pixels.
        map_large: the same above 96 x 96 pixels.
        recall: COCO AR@100: the recall with at most 100 detections a class and picture, mean over the ten
            IoU thresholds.
        voc07_map: mean of the VOC07 11-point average precisions (see ``evaluate`` for the devkit's twists).
        best_f1: the score threshold with the highest F1; ``None`` without objects or without detections.
        classes: one entry a class, in the order of the class indices.
        sizes: one entry for each of COCO's three bands, the smallest first.
        num_pictures: pictures of the split.
        num_objects: objects to be found.
        num_ignored: objects marked crowd or difficult, which are neither to be found nor wrong to find.
        num_detections: detections that were scored.
    """

    map50_95: float | None
    map50: float | None
    map75: float | None
    map_small: float | None
    map_medium: float | None
    map_large: float | None
    recall: float | None
    voc07_map: float | None
    best_f1: OperatingPoint | None
    classes: tuple[ClassMetrics, ...]
    num_pictures: int
    num_objects: int
    num_ignored: int
    num_detections: int
    sizes: tuple[SizeMetrics, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything as plain dictionaries, lists, floats and ints; what is undefined is ``None``."""
        return {
            **asdict(self),
            "classes": [asdict(row) for row in self.classes],
            "sizes": [asdict(row) for row in self.sizes],
        }

    def table(self) -> "Table":
        """A table to print with rich: one row a class, the mean, and below it the other scores."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(
            box=box.SIMPLE_HEAD,
            caption=Text("\n".join(self._summary())),
            caption_justify="left",
            pad_edge=False,
            min_width=60,
        )
        table.add_column("class", no_wrap=True, overflow="ellipsis")
        for heading in ("objects", "AP50", "AP50:95", "VOC07 AP"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.classes:
            # Text, not str: a class name with square brackets is no markup.
            scores = (_shown(row.ap50), _shown(row.ap50_95), _shown(row.voc07_ap))
            style = None if row.objects else "dim"
            table.add_row(Text(row.name), f"{row.objects:,}", *scores, style=style)
        table.add_section()
        means = (_shown(self.map50), _shown(self.map50_95), _shown(self.voc07_map))
        table.add_row(Text(self._mean_of()), f"{self.num_objects:,}", *means, style="bold")
        return table

    def _mean_of(self) -> str:
        present = sum(row.objects > 0 for row in self.classes)
        return "mean" if present == len(self.classes) else f"mean of {present} present"

    def _summary(self) -> list[str]:
        ignored = f" + {self.num_ignored:,} ignored" if self.num_ignored else ""
        small, medium, large = map(_shown, (self.map_small, self.map_medium, self.map_large))
        lines = [
            f"{self.num_pictures:,} pictures, {self.num_objects:,} objects{ignored}, "
            f"{self.num_detections:,} detections",
            f"AP75 {_shown(self.map75)}, AR@100 {_shown(self.recall)}",
            f"AP small {small}, medium {medium}, large {large}",
        ]
        if self.best_f1 is not None:
            point = self.best_f1
            lines += [
                f"best F1 {_shown(point.f1)} at score >= {_shown(point.threshold)}:",
                f"precision {_shown(point.precision)}, recall {_shown(point.recall)}",
            ]
        return lines


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
