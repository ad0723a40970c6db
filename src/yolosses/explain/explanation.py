"""Everything that a loss value is made of: numbers and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

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
        answered = [(obj.loss, obj.image, obj, None) for obj in self.objects]
        background = [
            (loss, image, None, predictor)
            for (image, predictor), (_, loss) in self._background.sums("image", "predictor").items()
            if loss > 0
        ]
        loudest = sorted([*answered, *background], key=lambda entry: -entry[0])[:top]
        return [
            Sentence(
                image=image,
                object=None if obj is None else obj.index,
                loss=loss,
                text=self._about_background(image, predictor, language)
                if obj is None
                else self.about(obj, language=language),
            )
            for loss, image, obj, predictor in loudest
        ]

    def about(self, obj: ExplainedObject, *, language: Language = "en") -> str:
        """What the predicted box that is responsible for an object gets wrong, in a sentence."""
        rows = self.contributions.where(image=obj.image, object=obj.index)
        return object_sentence(obj, self._faults(rows, language), language=language)

    def records(self) -> list[dict[str, object]]:
        """One dict for each contribution, for ``pandas.DataFrame(explanation.records())``. Names stand for
        numbers; what a row does not have is None."""
        rows = self.contributions
        columns = {name: rows.column(name).tolist() for name in (*_NUMBERS, "raw_value", "value")}
        return [
            {
                "term": self.terms[columns["term"][i]],
                "image": columns["image"][i],
                "image_name": self.image_names[columns["image"][i]],
                "level": columns["level"][i],
                "row": columns["row"][i],
                "col": columns["col"][i],
                "box": columns["box"][i],
                "predictor": columns["predictor"][i],
                "object": None if columns["object"][i] == NONE else columns["object"][i],
                "class": None if columns["label"][i] == NONE else self.class_names[columns["label"][i]],
                "element": self._element_name(columns["term"][i], columns["element"][i]),
                "pred": columns["pred"][i],
                "target": columns["target"][i],
                "penalty": columns["penalty"][i],
                "weight": columns["weight"][i],
                "lambda": columns["scale"][i],
                "raw_value": columns["raw_value"][i],
                "value": columns["value"][i],
                "gradient": columns["gradient"][i],
            }
            for i in range(len(rows))
        ]

    def to_json(self) -> dict[str, object]:
        """Terms, objects, sentences and contributions as plain values. Numbers that are not finite become None, as json
        has none."""
        value: dict[str, object] = plain(
            {
                "total": self.total,
                "terms": {
                    name: {"raw_value": raw, "lambda": self.scales[name], "value": value}
                    for name, (raw, value) in self.by_term().items()
                },
                "num_dropped": sum(obj.state == "dropped" for obj in self.objects),
                "num_ignored": sum(obj.state == "ignored" for obj in self.objects),
                "images": [self.image_names[image] for image in self.images],
                "objects": list(self.objects),
                "sentences": self.sentences(),
                "contributions": self.records(),
            }
        )
        return value

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

    def _element_name(self, term: int, element: int) -> str:
        names = self.elements[term]
        return self.class_names[element] if names is None else names[element]

    @property
    def _background(self) -> Contributions:
        return self.contributions.where(object=NONE)

    def _about_background(self, image: int, predictor: int | None, language: Language) -> str:
        assert predictor is not None
        boxes = self.predictions
        level = None if len(boxes.grids) == 1 else int(boxes.level[predictor])
        place = place_in_words(
            level,
            int(boxes.row[predictor]),
            int(boxes.col[predictor]),
            int(boxes.box[predictor]),
            language=language,
        )
        rows = self._background.where(image=image, predictor=predictor)
        return background_sentence(place, self._faults(rows, language), language=language)

    def _faults(self, rows: Contributions, language: Language) -> list[str]:
        return faults_in_words(rows, self.elements, self.class_names, language=language)


_NUMBERS = tuple(f.name for f in fields(Contributions) if f.name != "terms")


def _listed(images: Sequence[int]) -> str:
    return (
        f"0..{images[-1]}"
        if len(images) == images[-1] + 1 and len(images) > 1
        else ", ".join(map(str, images))
    )
