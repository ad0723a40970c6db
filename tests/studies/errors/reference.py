"""Both analyses once more: loops over single boxes, in exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

Box = tuple[Fraction, Fraction, Fraction, Fraction]
"""Left, top, right, bottom in pixels, inside the picture."""


@dataclass
class Truth:
    label: int
    box: Box
    taken: bool = False
    meant_by: Guess | None = None


@dataclass
class Guess:
    label: int
    score: float
    box: Box
    kind: str = ""
    means: Truth | None = None
    counted: bool = True


@dataclass
class Picture:
    truths: list[Truth]
    ignored: list[Truth]
    guesses: list[Guess]  # best first


def pictures(records: Sequence[Record], detections: Sequence[Detections]) -> list[Picture]:
    """What there is in each."""
    result = []
    for record, found in zip(records, detections, strict=True):
        truths = [
            (bool(ignore), Truth(int(label), edges(box, record.image_size)))
            for label, ignore, box in zip(record.labels, record.ignore, record.boxes, strict=True)
        ]
        guesses = [
            Guess(int(label), float(score), edges(box, record.image_size))
            for label, score, box in zip(found.labels, found.scores, found.boxes, strict=True)
        ]
        result.append(
            Picture(
                [truth for ignore, truth in truths if not ignore],
                [truth for ignore, truth in truths if ignore],
                sorted(guesses, key=lambda guess: -guess.score),
            )
        )
    return result


def edges(box: Sequence[float], size: tuple[int, int]) -> Box:
    cx, cy, w, h = (Fraction(float(value)) for value in box)
    ends = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    left, top, right, bottom = (min(max(end, Fraction(0)), Fraction(1)) for end in ends)
    return left * size[1], top * size[0], right * size[1], bottom * size[0]


def area(box: Box) -> Fraction:
    return max(box[2] - box[0], Fraction(0)) * max(box[3] - box[1], Fraction(0))


def shared(a: Box, b: Box) -> Fraction:
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def iou(a: Box, b: Box) -> Fraction:
    both = shared(a, b)
    return both / (area(a) + area(b) - both) if both else Fraction(0)


def lies_on(guess: Guess, ignored: Sequence[Truth]) -> bool:
    """More than half of it on an ignored object of its class."""
    return any(
        truth.label == guess.label and 2 * shared(guess.box, truth.box) > area(guess.box) for truth in ignored
    )


def nearest(guess: Guess, truths: Sequence[Truth]) -> tuple[Fraction, Truth | None]:
    """The first of those with the highest IoU; none without any overlap."""
    best: tuple[Fraction, Truth | None] = (Fraction(0), None)
    for truth in truths:
        if iou(guess.box, truth.box) > best[0]:
            best = (iou(guess.box, truth.box), truth)
    return best


# ------------------------------------------------------------ TIDE


def tide(
    records: Sequence[Record], num_classes: int, detections: Sequence[Detections]
) -> tuple[float | None, dict[str, int], dict[str, float | None]]:
    """AP, counts and costs at IoU 1/2 and 1/10."""
    split = pictures(records, detections)
    for picture in split:
        del picture.guesses[100:]
        judge(picture)
    truths = [truth for picture in split for truth in picture.truths]
    guesses = [guess for picture in split for guess in picture.guesses]
    missed = [truth for truth in truths if not truth.taken and truth.meant_by is None]
    kinds = ("classification", "localisation", "both", "duplicate", "background")
    counts = {kind: sum(guess.kind == kind for guess in guesses) for kind in kinds} | {"missed": len(missed)}
    if not truths:
        return None, counts, dict.fromkeys(counts)

    def mean(rows: list[tuple[int, float, bool]], removed: Sequence[Truth] = ()) -> float:
        aps = []
        for label in range(num_classes):
            number = sum(truth.label == label for truth in truths)
            left = number - sum(truth.label == label for truth in removed)
            mine = [(score, hit) for of, score, hit in rows if of == label]
            if number and (left or mine):
                aps.append(average_precision(mine, left))
        return sum(aps) / len(aps) if aps else 1.0

    before = mean([(guess.label, guess.score, guess.kind == "hit") for guess in guesses if guess.counted])
    hits = [(guess.label, guess.score, True) for guess in guesses if guess.kind == "hit"]
    costs: dict[str, float | None] = {}
    for kind in counts:
        rows = []
        for guess in guesses:
            if guess.kind == kind:
                if guess.means is not None and guess.means.meant_by is guess:
                    rows.append((guess.means.label, guess.score, True))
            elif guess.kind != "hit" and guess.counted:
                rows.append((guess.label, guess.score, False))
        costs[kind] = max(mean(rows + hits, missed if kind == "missed" else ()) - before, 0.0)
    return before, counts, costs


def judge(picture: Picture) -> None:
    for guess in picture.guesses:
        own = [truth for truth in picture.truths if truth.label == guess.label]
        overlap, truth = nearest(guess, [truth for truth in own if not truth.taken])
        if truth is not None and overlap >= Fraction(1, 2):
            truth.taken, guess.kind = True, "hit"
    for guess in picture.guesses:
        if guess.kind != "hit":
            guess.kind, meant = fault(guess, picture.truths)
            if meant is not None and not meant.taken:
                guess.means = meant
                meant.meant_by = meant.meant_by or guess
            if lies_on(guess, picture.ignored):
                guess.counted = False
                guess.kind = guess.kind if guess.means else "none"


def fault(guess: Guess, truths: Sequence[Truth]) -> tuple[str, Truth | None]:
    own = [truth for truth in truths if truth.label == guess.label]
    overlap, truth = nearest(guess, own)
    if Fraction(1, 10) <= overlap <= Fraction(1, 2):
        return "localisation", truth
    wrong, other = nearest(guess, [truth for truth in truths if truth.label != guess.label])
    if wrong >= Fraction(1, 2):
        return "classification", other
    if any(truth.taken and iou(guess.box, truth.box) >= Fraction(1, 2) for truth in own):
        return "duplicate", None
    return ("background" if max(overlap, wrong) <= Fraction(1, 10) else "both"), None


def average_precision(rows: Sequence[tuple[float, bool]], number: int) -> float:
    """Highest precision at or beyond each of 101 recalls, by trying every length of the list."""
    if not number:
        return 0.0
    ranked = [hit for _, hit in sorted(rows, key=lambda row: -row[0])]
    hits, curve = 0, []
    for rank, hit in enumerate(ranked, start=1):
        hits += hit
        curve.append((Fraction(hits, number), Fraction(hits, rank)))
    return float(
        sum(
            max(
                (precision for recall, precision in curve if recall >= Fraction(point, 100)),
                default=Fraction(0),
            )
            for point in range(101)
        )
        / 101
    )


# ------------------------------------------------------------ the YOLO paper


def top(
    records: Sequence[Record],
    class_names: Sequence[str],
    detections: Sequence[Detections],
    similar: Sequence[set[str]],
) -> list[dict[str, int]]:
    """The counts of each class."""
    split = pictures(records, detections)
    kept: list[Guess] = []
    for picture in split:
        for guess in picture.guesses:
            own = [truth for truth in picture.truths if truth.label == guess.label]
            overlap, truth = nearest(guess, [truth for truth in own if not truth.taken])
            if truth is not None and overlap > Fraction(1, 2):
                truth.taken, guess.kind = True, "correct"
            elif not lies_on(guess, picture.ignored):
                guess.kind = "background"
                for other in picture.truths:
                    if iou(guess.box, other.box) > Fraction(1, 10):
                        names = {class_names[guess.label], class_names[other.label]}
                        kind = (
                            "localisation" if len(names) == 1
                            else "similar" if any(names <= group for group in similar)
                            else "other"
                        )  # fmt: skip
                        order = ("localisation", "similar", "other", "background")
                        guess.kind = min(guess.kind, kind, key=order.index)
            kept += [guess] if guess.kind else []
    result = []
    for label in range(len(class_names)):
        number = sum(truth.label == label for picture in split for truth in picture.truths)
        surest = sorted((guess for guess in kept if guess.label == label), key=lambda guess: -guess.score)[
            :number
        ]
        kinds = ("correct", "localisation", "similar", "other", "background")
        result.append({kind: sum(guess.kind == kind for guess in surest) for kind in kinds})
    return result
