"""Pictures of a training run: curves of every term, curves of the scores, pictures with boxes.

Nothing global is touched: figures are made without pyplot, whatever backend or style its user has chosen.
"""

from yolosses.training.figures.curves import plot_metrics, plot_terms
from yolosses.training.figures.drawing import contact_sheet, draw_detections

__all__ = ["contact_sheet", "draw_detections", "plot_metrics", "plot_terms"]
