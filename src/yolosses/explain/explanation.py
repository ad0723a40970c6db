"""Everything that a loss value is made of: numbers and sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from yolosses.explain.contributions import NONE, Contributions
from yolosses.explain.plain import plain
from yolosses.explain.structures import ExplainedObject, PredictedBoxes
from yolosses.explain.words import (
    Sentence,
    background_sentence,
    faults_in_words,
    object_sentence,
    place_in_words,
)
from yolosses.language import Language, require_language
from yolosses.structures import LossOutput


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """Everything that one loss value is made of. ``print(explanation)`` shows the table of terms and the worst objects.

    Attributes:
        output: the loss itself, detached.
        contributions: one row for each place of each term.
        predictions: the predicted boxes, and where the loss pulls each.
        objects: every object of the targets, assigned or not.
        scales: the lambda of each term.
        elements: names of the elements of each term; None where they are the classes.
        class_names, image_names: for people.
        images: the images it speaks of: all of the batch, or one.
    """

    output: LossOutput
    contributions: Contributions
    predictions: PredictedBoxes
    objects: tuple[ExplainedObject, ...]
    scales: dict[str, float]
    elements: tuple[tuple[str, ...] | None, ...]
    class_names: tuple[str, ...]
    image_names: tuple[str, ...]
    images: tuple[int, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms, in the order of the loss."""
        return self.contributions.terms

    @property
    def num_images(self) -> int:
        """Images of the batch."""
        return len(self.image_names)

    @property
    def total(self) -> float:
        """The sum of all contributions: the loss."""
        return float(self.contributions.value.sum())

    def by_term(self) -> dict[str, tuple[float, float]]:
        """(unweighted, weighted) sum of each term, 0 included."""
        sums = self.contributions.sums("term")
        return {name: sums.get((index,), (0.0, 0.0)) for index, name in enumerate(self.terms)}

    def of_image(self, image: int) -> Explanation:
        """The part of one image, which keeps its number."""
        if image not in self.images:
            raise ValueError(f"image: expected one of {_listed(self.images)}; got {image}")
        return replace(
            self,
            contributions=self.contributions.where(image=image),
            objects=tuple(obj for obj in self.objects if obj.image == image),
            images=(image,),
        )

    def sentences(self, *, language: Language = "en", top: int | None = None) -> list[Sentence]:
        """One sentence for each object, and for each predicted box that is responsible for nothing but has a loss;
        largest loss first. ``top``: the first so many."""
        require_language(language)
        found: list[tuple[float, int, int | None, partial[str]]] = [
            (obj.loss, obj.image, obj.index, partial(self.about, obj)) for obj in self.objects
        ]
        found += [
            (loss, image, None, partial(self._about_background, image, predictor))
            for (image, predictor), (_, loss) in self._background.sums("image", "predictor").items()
            if loss > 0
        ]
        return [
            Sentence(image=image, object=index, loss=loss, text=say(language=language))
            for loss, image, index, say in sorted(found, key=lambda entry: -entry[0])[:top]
        ]

    def about(self, obj: ExplainedObject, *, language: Language = "en") -> str:
        """What the predicted box that is responsible for an object gets wrong, in a sentence."""
        rows = self.contributions.where(image=obj.image, object=obj.index)
        return object_sentence(obj, self._faults(rows, language), language=language)

    def records(self) -> list[dict[str, object]]:
        """One dict for each contribution, for ``pandas.DataFrame(explanation.records())``. Names stand for
        numbers; what a row does not have is None."""
        rows = self.contributions

        def plainly(*names: str) -> dict[str, list[Any]]:
            return {name: rows.column(name).tolist() for name in names}

        columns = {
            "term": [self.terms[term] for term in rows.term],
            **plainly("image"),
            "image_name": [self.image_names[image] for image in rows.image],
            **plainly("level", "row", "col", "box", "predictor"),
            "object": [None if obj == NONE else obj for obj in rows.object.tolist()],
            "class": [None if label == NONE else self.class_names[label] for label in rows.label],
            "element": [
                (self.elements[term] or self.class_names)[element]
                for term, element in zip(rows.term, rows.element, strict=True)
            ],
            **plainly("pred", "target", "penalty", "weight"),
            "lambda": rows.scale.tolist(),
            **plainly("raw_value", "value", "gradient"),
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_json(self) -> dict[str, object]:
        """Terms, objects, sentences and contributions as plain values. Numbers that are not finite become None, as json
        has none."""
        whole: dict[str, object] = {
            "total": self.total,
            "terms": {
                name: {"raw_value": raw, "lambda": self.scales[name], "value": value}
                for name, (raw, value) in self.by_term().items()
            },
            "num_dropped": sum(obj.state == "dropped" for obj in self.objects),
            "num_ignored": sum(obj.state == "ignored" for obj in self.objects),
            "images": [self.image_names[image] for image in self.images],
            "objects": self.objects,
            "sentences": self.sentences(),
            "contributions": self.records(),
        }
        return {name: plain(value) for name, value in whole.items()}

    def __str__(self) -> str:
        lines = [f"{'term':<8}{'value':>12}{'weight':>9}{'weighted':>12}{'share':>8}"]
        lines.append("─" * len(lines[0]))
        total = self.total
        for name, (raw, value) in self.by_term().items():
            share = f"{value / total:.1%}" if total else "-"
            lines.append(f"{name:<8}{raw:>12.4f}{self.scales[name]:>9g}{value:>12.4f}{share:>8}")
        lines += [lines[1], f"{'total':<29}{total:>12.4f}", ""]
        lines += [f"{sentence.loss:>9.4f}  {sentence.text}" for sentence in self.sentences(top=5)]
        return "\n".join(lines)

    @property
    def _background(self) -> Contributions:
        return self.contributions.where(object=NONE)

    def _about_background(self, image: int, predictor: int, *, language: Language) -> str:
        place = place_in_words(*self.predictions.place(predictor), language=language)
        rows = self._background.where(image=image, predictor=predictor)
        return background_sentence(place, self._faults(rows, language), language=language)

    def _faults(self, rows: Contributions, language: Language) -> list[str]:
        return faults_in_words(rows, self.elements, self.class_names, language=language)


def _listed(images: tuple[int, ...]) -> str:
    whole = len(images) == images[-1] + 1 > 1
    return f"0..{images[-1]}" if whole else ", ".join(map(str, images))
