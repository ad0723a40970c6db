"""Pictures of a training run: curves of every term, pictures with boxes.

Nothing global is touched: figures are made without pyplot, whatever backend or style its user has chosen.
"""

from yolosses.training.figures.curves import plot_terms
from yolosses.training.figures.drawing import Found, draw_detections, draw_sheet

__all__ = ["Found", "draw_detections", "draw_sheet", "plot_terms"]
