"""What made a loss infinite or NaN: the term, the picture, the box and the operand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from yolosses.explain.build import ExplainableLoss, names_of
from yolosses.explain.raw_output import Raw, tensors_of, with_tensors
from yolosses.explain.words import place_in_words
from yolosses.structures import LossOutput, Targets, Term

BOX_ELEMENTS = ("x", "y", "w", "h")


@dataclass(frozen=True, kw_only=True)
class NonFinite:
    """The first number that is not finite on the way to the loss. ``str()`` of it is one line.

    Attributes:
        operand: what is not finite: "raw" (or "raw[2]" of several), "targets.boxes", "targets.weight"; a term's
            "prediction", "target", "weight" or "penalty", made of finite numbers; "total", which overflows; or
            "gradient".
        index: where in that tensor.
        value: inf, -inf or nan.
        term: the term that it spoils, None where no term uses it.
        element: which part of the prediction ("sqrt w", a class name, ...), None where that is not known.
        image, image_name: in the batch.
        place: of the predicted box, "" where there is none.
        object: index in the image's targets, None for background.
        class_name: of the object, None for background.
        others: how many more numbers of the same operand are not finite.
    """

    operand: str
    index: tuple[int, ...]
    value: float
    term: str | None
    element: str | None
    image: int
    image_name: str
    place: str
    object: int | None
    class_name: str | None
    others: int

    def __str__(self) -> str:
        where = f"{self.operand}[{', '.join(map(str, self.index))}] is {self.value}"
        obj = None if self.object is None else f'object {self.object} ("{self.class_name}")'
        parts = [part for part in (self.image_name, self.place, self.element, obj) if part]
        unused = self.term is None and self.operand.startswith("raw")
        spoilt = f"term {self.term}: " if self.term is not None else "no term uses it, yet " if unused else ""
        more = f" (and {self.others} more)" if self.others else ""
        return f"{spoilt}{where}{more}, {', '.join(parts)}"


@dataclass(frozen=True, kw_only=True)
class _Spot:
    """A place of a term, or of the output, before it has words."""

    image: int
    predictor: int | None = None
    object: int | None = None
    term: str | None = None
    element: str | None = None


def find_nonfinite(
    loss_fn: ExplainableLoss,
    raw: Raw,
    targets: Targets,
    *,
    class_names: Sequence[str] | None = None,
    image_names: Sequence[str] | None = None,
) -> NonFinite | None:
    """The first number on the way to the loss that is infinite or NaN: of the raw output, then of the targets, then of
    each term, then of the sum, then of the gradient. None if all are finite.

    Objects and predicted boxes that a loss leaves out (padding, weight 0) are left out here.

    Args:
        loss_fn, raw, targets: as for `explain`.
        class_names, image_names: for the message.
    """
    looks = _Search(loss_fn, raw, targets, class_names, image_names).looks()
    return next((found for found in looks if found is not None), None)


class _Search:
    def __init__(
        self,
        loss_fn: ExplainableLoss,
        raw: Raw,
        targets: Targets,
        class_names: Sequence[str] | None,
        image_names: Sequence[str] | None,
    ) -> None:
        self.loss_fn, self.targets, self.raw = loss_fn, targets, raw
        self.parts = tuple(part.detach().requires_grad_() for part in tensors_of(raw))
        with torch.enable_grad():
            self.assignment = loss_fn.assign(self.whole(self.parts), targets)
            self.terms = loss_fn.elementwise(self.whole(self.parts), targets, self.assignment)
        self.codec = loss_fn.codec_for(raw)
        self.num_classes = self.codec.predictions(self.whole(self.parts)).scores.shape[2]
        self.class_names = names_of("class_names", class_names, self.num_classes, "class")
        self.image_names = names_of("image_names", image_names, len(targets), "image")

    def whole(self, parts: Sequence[Tensor]) -> Raw:
        filled: Raw = with_tensors(self.raw, parts)
        return filled

    def looks(self) -> Iterator[NonFinite | None]:
        """What is found in one place after the other, in the order of the computation."""
        for number, part in enumerate(self.parts):
            name = "raw" if isinstance(self.raw, Tensor) else f"raw[{number}]"
            yield self._first(name, part, partial(self._meaning, number), most=64)
        for name in ("boxes", "weight"):
            if (values := getattr(self.targets, name)) is not None:
                counted = self.targets.mask if values.ndim == 2 else self.targets.mask[..., None]
                yield self._first(f"targets.{name}", values, self._of_target, counted)
        for term in self.terms:
            weight = term.weight.detach().expand_as(term.penalty)
            operands = {
                "prediction": term.pred, "target": term.target, "weight": weight, "penalty": term.penalty,
            }  # fmt: skip
            for name, values in operands.items():
                yield self._first(name, values, partial(self._spot_of, term), weight != 0)
        with torch.enable_grad():
            output = self.loss_fn.reduce(self.terms, self.assignment)
        if not output.total.detach().isfinite().all():
            yield self._overflow(output)
        gradients = torch.autograd.grad(
            output.total.sum(), self.parts, allow_unused=True, materialize_grads=True
        )
        for number, gradient in enumerate(gradients):
            yield self._first("gradient", gradient, partial(self._meaning, number))

    def _first(
        self,
        operand: str,
        values: Tensor,
        meaning: Callable[[list[int]], _Spot],
        counted: Tensor | bool = True,
        *,
        most: int = 1,
    ) -> NonFinite | None:
        """The first number of ``values`` that is not finite where it is ``counted``. Of the first ``most`` one that
        spoils the loss comes before one that nothing uses."""
        wrong = ~values.detach().isfinite() & counted
        spots = [(index, meaning(index)) for index in wrong.nonzero()[:most].tolist()]
        if not spots:
            return None
        index, spot = next((found for found in spots if found[1].term is not None), spots[0])
        return self._told(operand, values, index, spot, wrong)

    def _overflow(self, output: LossOutput) -> NonFinite:
        """Of the sum, whose parts may all be finite."""
        per_image = output.per_image.detach()
        wrong = ~per_image.isfinite()
        image, column = (wrong if wrong.any() else per_image == per_image.max()).nonzero()[0].tolist()
        spot = _Spot(image=image, term=self.terms[column].name)
        return self._told("total", output.total.reshape(-1), [0], spot, wrong)

    def _of_target(self, index: list[int]) -> _Spot:
        """A number of the boxes (B, M, 4), or of the weights (B, M)."""
        image, obj, *side = index
        term, *_ = self._spoilt_term(image=image, obj=obj) or (None,)
        element = BOX_ELEMENTS[side[0]] if side else None
        return _Spot(image=image, object=obj, element=element, term=term)

    def _meaning(self, number: int, index: list[int]) -> _Spot:
        """What one number of the raw output stands for: found by making it NaN in an output of zeros and looking at
        what becomes NaN."""
        parts = [torch.zeros_like(part) for part in self.parts]
        parts[number][tuple(index)] = torch.nan
        boxes, scores = self.codec.predictions(self.whole(parts))
        image, of_box, of_score = index[0], boxes[index[0]].isnan(), scores[index[0]].isnan()
        predictors = (of_box.any(-1) | of_score.any(-1)).nonzero().flatten().tolist()
        if of_box.any():
            sides = of_box[predictors[0]].nonzero().flatten().tolist()
            element = BOX_ELEMENTS[sides[0]] if len(sides) == 1 else None
        elif predictors:
            classes = of_score[predictors[0]].nonzero().flatten().tolist()
            one = len(classes) == 1 and (self.num_classes > 1 or len(predictors) > 1)
            element = self.class_names[classes[0]] if one else "confidence"
        else:
            element = None
        spoilt = self._spoilt_term(image=image, predictors=predictors)
        if spoilt is not None:
            term, predictor, obj = spoilt
            return _Spot(image=image, predictor=predictor, object=obj, term=term, element=element)
        return _Spot(image=image, predictor=predictors[0] if predictors else None, element=element)

    def _spoilt_term(
        self, *, image: int, predictors: Sequence[int] = (), obj: int | None = None
    ) -> tuple[str, int, int | None] | None:
        """The first term with a contribution that is not finite at one of the predictors, or at the object."""
        for term in self.terms:
            value = (term.penalty * term.weight).detach()[image]
            for spot in (~value.isfinite() & (term.weight[image] != 0)).any(-1).nonzero().flatten().tolist():
                where = self._spot_of(term, [image, spot, 0])
                assert where.predictor is not None
                if where.predictor in predictors or (obj is not None and where.object == obj):
                    return term.name, where.predictor, where.object
        return None

    def _spot_of(self, term: Term, index: list[int]) -> _Spot:
        image, spot, element = index
        name = self.class_names[element] if term.elements is None else term.elements[element]
        return _Spot(
            image=image,
            predictor=int(term.predictor[image, spot]),
            object=None if term.object is None else int(term.object[image, spot]),
            term=term.name,
            element=name,
        )

    def _told(self, operand: str, values: Tensor, index: list[int], spot: _Spot, wrong: Tensor) -> NonFinite:
        label = None if spot.object is None else int(self.targets.labels[spot.image, spot.object])
        return NonFinite(
            operand=operand,
            index=tuple(index),
            value=float(values.detach()[tuple(index)]),
            term=spot.term,
            element=spot.element,
            image=spot.image,
            image_name=self.image_names[spot.image],
            place=self._place(spot.predictor),
            object=spot.object,
            class_name=None if label is None or label >= self.num_classes else self.class_names[label],
            others=max(int(wrong.sum()) - 1, 0),
        )

    def _place(self, predictor: int | None) -> str:
        if predictor is None:
            return ""
        level, row, col, box = (int(part) for part in self.codec.places(torch.tensor(predictor)))
        return place_in_words(level if len(self.codec.grids) > 1 else None, row, col, box)
