"""Assigners: who answers for which object. They know boxes, scores and targets, never a model."""

from yolosses.assigners.responsible import assign_responsible, first_in_cell

__all__ = ["assign_responsible", "first_in_cell"]
