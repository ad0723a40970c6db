"""How a call runs: whether tensors may be looked at, or only computed with."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_exporting = False


@contextmanager
def exporting() -> Iterator[None]:
    """Within it losses keep to operations that `torch.export` and ONNX know, with shapes that depend on no value.

    Tracers such as `torch.fx.experimental.proxy_tensor.make_fx` do not say that they trace, so a caller has to.
    """
    global _exporting
    before, _exporting = _exporting, True
    try:
        yield
    finally:
        _exporting = before


def is_exporting() -> bool:
    """Whether the call is within `exporting`."""
    return _exporting


def is_traced() -> bool:
    """Whether a compiler or an exporter records the call."""
    return _exporting or torch.compiler.is_compiling()


def on_cpu(tensor: Tensor) -> bool:
    """Whether ``tensor`` is in the host's own memory, so that nothing waits for its values; False while exporting."""
    return tensor.device.type == "cpu" and not _exporting


def dynamic_lengths(tensor: Tensor) -> bool:
    """Whether a shape may depend on the values of ``tensor``: not on a GPU, where the host would wait for them, and not
    in a traced graph, which needs shapes that are known beforehand."""
    return on_cpu(tensor) and not torch.compiler.is_compiling()
