"""Assigners: which predictors are responsible for which object. They know boxes, scores and targets, never a model."""

from yolosses.assigners.point import PointAssigner
from yolosses.assigners.responsible import assign_responsible, first_in_cell
from yolosses.assigners.sim_ota import SimOTA
from yolosses.assigners.task_aligned import AlignedRecipe, TaskAligned

__all__ = ["AlignedRecipe", "PointAssigner", "SimOTA", "TaskAligned", "assign_responsible", "first_in_cell"]
