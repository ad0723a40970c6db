"""Pictures within a page, as ``data:`` URIs."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 85
_SMALL_PNG = 8192  # bytes of base64: below it a png stays as it is


def picture_data(
    picture: NDArray[np.uint8], *, max_side: int | None = None, quality: int = JPEG_QUALITY
) -> str:
    """A picture (H, W, 3) uint8 RGB as ``data:`` URI (jpeg), reduced until its longer side is at most ``max_side``
    pixels.

    Raises:
        ValueError: it is not such a picture.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"picture: expected (H, W, 3) uint8; got {picture.shape} {picture.dtype}")
    image = Image.fromarray(picture)
    if max_side is not None:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return _jpeg(image, quality)


def smaller(encoded: str) -> str:
    """A photograph as jpeg where that is shorter; what has transparency stays png."""
    encoded = "".join(encoded.split())
    as_png = f"data:image/png;base64,{encoded}"
    if len(encoded) < _SMALL_PNG:
        return as_png
    image: Image.Image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    if image.mode not in ("RGB", "L"):
        if image.convert("RGBA").getchannel("A").getextrema()[0] != 255:
            return as_png
        image = image.convert("RGB")
    return min(as_png, _jpeg(image, JPEG_QUALITY), key=len)


def _jpeg(image: Image.Image, quality: int) -> str:
    file = io.BytesIO()
    image.save(file, "jpeg", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
