"""From a loss, a raw output and its targets to an `Explanation`, by the same elementwise terms that make the value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from yolosses.codecs import PointCodec
from yolosses.explain.contributions import NONE, Contributions, collect
from yolosses.explain.explanation import Explanation
from yolosses.explain.pull import box_gradient
from yolosses.explain.raw_output import Raw, tensors_of, with_tensors
from yolosses.explain.structures import ExplainedObject, Floats, PredictedBoxes
from yolosses.explain.words import place_in_words
from yolosses.structures import Assignment, LossOutput, Place, Predictions, Targets, Term


class Codec(Protocol):
    """What an explanation asks of a codec."""

    @property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of each level."""

    def places(self, predictor: Tensor) -> Place:
        """Where predictors sit."""

    def locate(self, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """The cell that holds each box's centre, and the offset within it."""

    def predictions(self, raw: Any) -> Predictions:
        """The boxes and scores of all predictors, those included that `decode` of the loss leaves out (YOLOv10)."""


@runtime_checkable
class ExplainableLoss(Protocol):
    """What an explanation asks of a loss; every loss of the library has it."""

    def codec_for(self, raw: Any) -> Any:
        """The `Codec` that reads ``raw``."""

    def assign(self, raw: Any, targets: Targets) -> Assignment:
        """Which predictor is responsible for which object."""

    def elementwise(self, raw: Any, targets: Targets, assignment: Assignment) -> tuple[Term, ...]:
        """The terms before any sum."""

    def reduce(
        self, terms: Sequence[Term], assignment: Assignment, normalizer: Tensor | float | None = None
    ) -> LossOutput:
        """Their sums."""

    def decode(self, raw: Any) -> Predictions:
        """Boxes and scores."""


def explain(
    loss_fn: ExplainableLoss,
    raw: Raw,
    targets: Targets,
    *,
    assignment: Assignment | None = None,
    normalizer: Tensor | float | None = None,
    class_names: Sequence[str] | None = None,
    image_names: Sequence[str] | None = None,
) -> Explanation:
    """Take the value of a loss apart.

    The elementwise terms are those of ``loss_fn`` itself, so the contributions add up to its value. The gradient of
    the loss is worked out as well; the graph of ``raw``, if it has one, is not touched.

    Args:
        loss_fn: any loss of the library.
        raw: what the network emitted, as ``loss_fn`` takes it.
        targets: the truth. assignment, normalizer: as for ``loss_fn``.
        class_names: one for each class; default "class 0", "class 1", ...
        image_names: one for each image; default "image 0", ...

    Raises:
        ValueError, TypeError: what ``loss_fn`` raises, or names that are not one for each class or image.
    """
    codec: Codec = loss_fn.codec_for(raw)
    leaves = tuple(part.detach().requires_grad_() for part in tensors_of(raw))
    whole = with_tensors(raw, leaves)
    with torch.enable_grad():
        if assignment is None:
            assignment = loss_fn.assign(whole, targets)
        terms = loss_fn.elementwise(whole, targets, assignment)
        output = loss_fn.reduce(terms, assignment, normalizer)
        wanted = [term.pred for term in terms]
        gradients = torch.autograd.grad(
            output.total.sum(), [*wanted, *leaves], allow_unused=True, materialize_grads=True
        )
    element_gradients, raw_gradients = gradients[: len(terms)], gradients[len(terms) :]

    def boxes_of(*parts: Tensor) -> Tensor:
        return codec.predictions(with_tensors(raw, parts)).boxes

    with torch.no_grad():
        output = loss_fn.reduce(terms, assignment, normalizer)  # the same without a graph
        predictions = codec.predictions(raw)
        num_predictors, num_classes = predictions.scores.shape[1:]
        places = codec.places(torch.arange(num_predictors, device=predictions.boxes.device))
    contributions = collect(terms, element_gradients, output, targets, places)
    assignment = replace(assignment, mask=_counting(terms, assignment, targets))
    predicted = _predicted(
        predictions, terms, element_gradients, assignment, places, codec.grids,
        box_gradient(boxes_of, leaves, raw_gradients),
    )  # fmt: skip
    names = names_of("class_names", class_names, num_classes, "class")
    return Explanation(
        output=output,
        contributions=contributions,
        predictions=predicted,
        objects=_objects(targets, assignment, predicted, contributions, codec, names),
        scales={term.name: float(term.scale) for term in terms},
        elements=tuple(term.elements for term in terms),
        class_names=names,
        image_names=names_of("image_names", image_names, len(targets), "image"),
        images=tuple(range(len(targets))),
    )


def names_of(argument: str, given: Sequence[str] | None, count: int, kind: str) -> tuple[str, ...]:
    if given is None:
        return tuple(f"{kind} {index}" for index in range(count))
    if len(given) != count:
        raise ValueError(f"{argument}: expected {count} names; got {len(given)}")
    return tuple(str(name) for name in given)


def _counting(terms: Sequence[Term], assignment: Assignment, targets: Targets) -> Tensor:
    """(B, P) bool: the pairs that contribute. Where objects share a predictor, some losses let one of them
    have it; an object of weight 0 counts all the same."""
    of_pairs = [
        (term.weight != 0).any(-1)
        for term in terms
        if term.object is not None and term.object.shape == assignment.mask.shape
    ]
    if not of_pairs:
        return assignment.mask
    counts = torch.stack(of_pairs).any(0)
    if targets.weight is not None:
        counts = counts | (targets.weight.gather(1, assignment.object) == 0)
    return assignment.mask & counts


def _predicted(
    predictions: Predictions,
    terms: Sequence[Term],
    gradients: Sequence[Tensor],
    assignment: Assignment,
    places: Place,
    grids: tuple[tuple[int, int], ...],
    gradient: Tensor,
) -> PredictedBoxes:
    images, predictors = predictions.boxes.shape[:2]
    obj, iou = np.full((images, predictors), NONE, np.int64), np.full((images, predictors), np.nan)
    image, pair = (part.cpu().numpy() for part in assignment.mask.nonzero(as_tuple=True))
    image, pair = image[::-1], pair[::-1]  # of several objects of one predictor the first is written last
    predictor = assignment.predictor.cpu().numpy()[image, pair]
    obj[image, predictor] = assignment.object.cpu().numpy()[image, pair]
    iou[image, predictor] = _float(assignment.iou)[image, pair]
    confidence, confidence_gradient = _confidence(terms, gradients, images, predictors)
    return PredictedBoxes(
        boxes=_float(predictions.boxes),
        scores=_float(predictions.scores),
        confidence=confidence,
        responsible=obj != NONE,
        object=obj,
        iou=iou,
        **{name: part.cpu().numpy() for name, part in places._asdict().items()},
        grids=grids,
        gradient=_float(gradient),
        confidence_gradient=confidence_gradient,
    )


def _confidence(
    terms: Sequence[Term], gradients: Sequence[Tensor], images: int, predictors: int
) -> tuple[Floats | None, Floats]:
    """What the terms on the confidence compared, and the derivative by it, (B, A) each."""
    value, slope = np.full((images, predictors), np.nan), np.zeros((images, predictors))
    for term, gradient in zip(terms, gradients, strict=True):
        if term.elements != ("confidence",):
            continue
        predictor = term.predictor.cpu().numpy()
        row = np.arange(images)[:, None].repeat(predictor.shape[1], 1)
        pred = term.pred if term.activation is None else term.activation(term.pred)
        value[row, predictor] = _float(pred[..., 0])
        counted = (term.weight != 0).any(-1)
        np.add.at(slope, (row, predictor), _float(torch.where(counted, gradient[..., 0], 0)))
    return (None if np.isnan(value).all() else value), slope


def _objects(
    targets: Targets,
    assignment: Assignment,
    predicted: PredictedBoxes,
    contributions: Contributions,
    codec: Codec,
    class_names: tuple[str, ...],
) -> tuple[ExplainedObject, ...]:
    cells = codec.locate(targets.boxes)[0].cpu().numpy()
    boxes, labels = _float(targets.boxes), targets.labels.cpu().numpy()
    ignored = np.zeros_like(labels, dtype=bool) if targets.ignore is None else targets.ignore.cpu().numpy()
    answering = _answering(assignment)
    losses = contributions.sums("image", "object", "term")

    def beyond(image: int, index: int, predictor: int) -> tuple[str, ...]:
        if not isinstance(codec, PointCodec):
            return ()
        box = codec.in_pixels(targets.boxes[image, index])
        sides = codec.out_of_reach(box, torch.tensor(predictor, device=box.device)).tolist()
        return tuple(name for name, far in zip(("w", "h"), sides, strict=True) if far)

    def of(image: int, index: int) -> ExplainedObject:
        predictors = answering.get((image, index), ())
        level: int | None
        box: int | None
        if predictors:
            first = predictors[0]
            level, row, col, box = predicted.place(first)
            iou, pred_box = float(predicted.iou[image, first]), predicted.boxes[image, first]
        else:
            row, col = (int(part) for part in divmod(cells[image, index], predicted.grids[0][1]))
            level, box, iou, pred_box = 0 if len(predicted.grids) > 1 else None, None, None, None
        terms = {
            name: losses.get((image, index, number), (0.0, 0.0))[1]
            for number, name in enumerate(contributions.terms)
        }
        label = int(labels[image, index])
        return ExplainedObject(
            image=image,
            index=index,
            label=label,
            class_name=class_names[label] if 0 <= label < len(class_names) else f"class {label}",
            box=boxes[image, index],
            state="answered" if predictors else "ignored" if ignored[image, index] else "dropped",
            level=level,
            row=row,
            col=col,
            box_in_cell=box,
            place=place_in_words(level, row, col, box),
            predictors=predictors,
            iou=iou,
            pred_box=pred_box,
            out_of_reach=beyond(image, index, predictors[0]) if predictors else (),
            terms=terms,
            loss=sum(terms.values()),
        )

    return tuple(of(image, index) for image, index in targets.mask.nonzero().tolist())


def _answering(assignment: Assignment) -> dict[tuple[int, int], tuple[int, ...]]:
    found: dict[tuple[int, int], tuple[int, ...]] = {}
    predictor, obj = assignment.predictor.tolist(), assignment.object.tolist()
    for image, pair in assignment.mask.nonzero().tolist():
        key = (image, obj[image][pair])
        found[key] = (*found.get(key, ()), predictor[image][pair])
    return found


def _float(values: Tensor) -> Floats:
    array: Floats = values.detach().double().cpu().numpy()
    return array
