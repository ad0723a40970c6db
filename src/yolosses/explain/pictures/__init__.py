"""A loss in pictures: what was predicted, where each term comes from, what the lambdas do, where the loss pulls.

Every function takes an `Explanation` and gives a matplotlib ``Figure``, made without pyplot; nothing global is touched
and nothing is written. All of them can be read in black and white.
"""

from yolosses.explain.pictures.bars import draw_term_bars
from yolosses.explain.pictures.batch import draw_batch
from yolosses.explain.pictures.boxes import draw_boxes
from yolosses.explain.pictures.maps import draw_term_maps
from yolosses.explain.pictures.pull import draw_pull
from yolosses.explain.pictures.sheet import explain_picture

__all__ = ["draw_batch", "draw_boxes", "draw_pull", "draw_term_bars", "draw_term_maps", "explain_picture"]
