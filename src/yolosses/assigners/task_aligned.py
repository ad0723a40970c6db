"""Task-aligned assignment: the locations whose class score and box both fit an object answer for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from yolosses.arguments import require_at_least, require_choice
from yolosses.assigners.aligned_everywhere import take_by_comparing_all
from yolosses.assigners.aligned_inside import can_list, take_by_listing
from yolosses.assigners.alignment import Alignment, Wanted
from yolosses.assigners.pairs import first_of_each, largest_of_each, settle, unanswered
from yolosses.boxes import Similarity, paired_ciou, paired_iou
from yolosses.codecs import ClassScores, Levels
from yolosses.kernels import require_numba, require_triton
from yolosses.structures import Assignment

EPS = 1e-9


@dataclass(frozen=True, kw_only=True)
class TaskAligned:
    """Feng et al. 2021 (TOOD, eq. 4) as YOLOv6, v8 and v9 have it. For object j and location i with class score
    s_ij and overlap o_ij, the alignment is ``t_ij = s_ij^alpha o_ij^beta``.

    1. Candidates of an object: locations strictly inside its box.
    2. Of these it takes the ``topk`` with the largest alignment above 0.
       Of equals those with the lowest number.
    3. A location taken by several objects goes to the one that it overlaps most; of equals to the first.
    4. With ``keep_best`` each object then keeps only its best location.
    5. The quality of a pair, the soft target of its class, is ``t_ij max_i(o_ij) / (max_i(t_ij) + 1e-9)``.

    Attributes:
        topk, alpha, beta: as above. overlap: similarity of boxes cxcywh, negative ones count as 0.
        least_side: pixels that a box is widened to for step 1 alone, so that small objects have candidates.
        reach: strides. If given, a candidate's distances to the four sides are 0 to ``reach``, both included: what a
            location with ``reach`` + 1.01 bins can express.
        fallback: an object that takes nothing in step 2 takes the best aligned location anywhere.
        contested: the objects that step 3 chooses from: "inside", those that the location is a candidate of,
            whether they took it or not; "all" of the image; "taking", those that took it.
        keep_best: step 4.
        impl: "torch"; or "triton", kernels for a GPU, or "numba", loops for a CPU. Both know the default ``overlap``,
            ``reach``, ``fallback`` and ``contested`` alone, and no objectness; Triton's no float64.
    """

    topk: int = 10
    alpha: float = 0.5
    beta: float = 6.0
    overlap: Similarity = paired_ciou
    least_side: float = 0.0
    reach: float | None = None
    fallback: bool = False
    contested: str = "inside"
    keep_best: bool = False
    impl: str = "torch"

    def __post_init__(self) -> None:
        require_at_least("topk", self.topk, 1, kind=int)
        for name in ("alpha", "beta", "least_side"):
            require_at_least(name, getattr(self, name), 0)
        if self.reach is not None:
            require_at_least("reach", self.reach, 0)
        require_choice("contested", self.contested, ("inside", "all", "taking"))
        require_choice("impl", self.impl, ("torch", "triton", "numba"))
        if self.impl != "torch":
            self._require_what_the_kernel_knows()

    def _require_what_the_kernel_knows(self) -> None:
        known = {"overlap": paired_ciou, "reach": None, "fallback": False, "contested": "inside"}
        for name, value in known.items():
            if (got := getattr(self, name)) != value:
                wanted, got = (getattr(one, "__name__", repr(one)) for one in (value, got))
                raise ValueError(f"impl: {self.impl!r} expected {name}={wanted}; got {got}")

    @property
    def reads_padding(self) -> bool:
        """Whether the boxes and labels of padding are read, see `PointAssigner`."""
        return self.impl != "triton"

    @torch.no_grad()
    def __call__(
        self,
        *,
        levels: Levels,
        pred_boxes: Tensor,
        pred_scores: ClassScores,
        gt_boxes: Tensor,
        gt_labels: Tensor,
        mask: Tensor,
    ) -> Assignment:
        """Who answers for what: P = M * topk pairs, or M * A where there are fewer locations.

        Args:
            levels: where the A locations sit, in pixels. pred_boxes: (B, A, 4) cxcywh in pixels.
            pred_scores: of all locations. gt_boxes: (B, M, 4) cxcywh in pixels, finite also in padding.
            gt_labels: (B, M). mask: (B, M) bool.
        """
        # The kernel does that itself.
        labels = gt_labels if self.impl == "triton" else gt_labels.clamp(0, pred_scores.num_classes - 1)
        num_objects = gt_boxes.shape[1]
        alignment = Alignment(
            levels=levels, pred_boxes=pred_boxes, pred_scores=pred_scores, alpha=self.alpha, beta=self.beta,
            overlap=self.overlap,
        )  # fmt: skip
        wanted = Wanted(
            topk=min(self.topk, levels.num_predictors), least_side=self.least_side, reach=self.reach,
            fallback=self.fallback, contested=self.contested,
        )  # fmt: skip
        if self.impl != "torch":
            return self._by_kernels(alignment, wanted, gt_boxes, labels, mask)
        take = take_by_listing if can_list(alignment) else take_by_comparing_all
        taken, valid, contender = take(alignment, wanted, gt_boxes, labels, mask)
        predictor, object, chosen = settle(taken, valid, contender)

        boxes = pred_boxes.take_along_dim(predictor[..., None], 1)
        truth = gt_boxes.take_along_dim(object[..., None], 1)
        overlap = self.overlap(truth, boxes).clamp(min=0)
        aligned = alignment.of(overlap, pred_scores.of_pairs(levels, predictor, labels.gather(1, object)))
        if self.keep_best:
            best = largest_of_each(aligned, object, chosen, num_objects=num_objects).gather(1, object)
            chosen = first_of_each(object, chosen & (aligned == best), num_predictors=num_objects)
        most = largest_of_each(aligned, object, chosen, num_objects=num_objects).gather(1, object)
        widest = largest_of_each(overlap, object, chosen, num_objects=num_objects).gather(1, object)
        return Assignment(
            predictor=torch.where(chosen, predictor, 0),
            object=torch.where(chosen, object, 0),
            mask=chosen,
            iou=torch.where(chosen, paired_iou(boxes, truth), 0),
            num_dropped=unanswered(object, chosen, mask),
            quality=torch.where(chosen, aligned * widest / (most + EPS), 0),
        )

    def _by_kernels(
        self, alignment: Alignment, wanted: Wanted, gt_boxes: Tensor, labels: Tensor, mask: Tensor
    ) -> Assignment:
        kernels, objectness = self._kernels(alignment.pred_boxes), alignment.pred_scores.objectness
        if objectness is not None:
            raise ValueError(
                f"pred_scores: expected no objectness for impl={self.impl!r}; got that of {len(objectness)} levels"
            )
        predictor, object, chosen, iou, quality, num_dropped = kernels.assign(
            alignment.pred_boxes, alignment.pred_scores.logits, gt_boxes, labels, mask,
            grids=alignment.levels.grids, strides=alignment.levels.strides, topk=wanted.topk, alpha=self.alpha,
            beta=self.beta, least_side=self.least_side, keep_best=self.keep_best,
        )  # fmt: skip
        return Assignment(
            predictor=predictor, object=object, mask=chosen, iou=iou, num_dropped=num_dropped, quality=quality
        )

    def _kernels(self, pred_boxes: Tensor) -> Any:
        """The module whose kernels assign."""
        if self.impl == "numba":
            require_numba(pred_boxes)
            from yolosses.kernels.numba import task_aligned as loops

            return loops
        require_triton(pred_boxes)
        from yolosses.kernels.triton import task_aligned

        return task_aligned
