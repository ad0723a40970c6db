"""Where a loss pulls each predicted box: its gradient in box units, whatever the network emits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import grad

Leaves = tuple[Tensor, ...]


def box_gradient(decode: Callable[..., Tensor], raw: Leaves, gradient: Leaves) -> Tensor:
    """The derivative of the loss with respect to each predicted box.

    The loss is a function of ``raw``, not of boxes, so a box is moved here by the smallest change of its own raw
    values that moves it: with J the derivative of the box (four numbers) by its raw values and g the gradient of the
    loss with respect to them, this is ``(J J^T)^+ J g``. Where every number of the box comes from one raw value, as in
    YOLOv1, that is the plain chain rule. A number of the box that no raw value can move (the square of a root
    that is 0) has derivative 0.

    Args:
        decode: from the tensors ``raw`` to boxes (B, A, 4); each box depends on raw values of its own.
        raw: what the network emits, one tensor or several; gradient: of the loss, of the same shapes.

    Returns:
        (B, A, 4) in float64: change of the loss for a change of cx, cy, w, h by the whole image, to first order.
    """
    gradient = tuple(part.detach().double() for part in gradient)
    with torch.enable_grad():
        leaves = tuple(part.detach().double().requires_grad_() for part in raw)
        boxes = decode(*leaves)
        # J v is the derivative by u of <J^T u, v>. torch.func.jvp gives the same, but what it loads takes seconds, as
        # does anything but a scalar here.
        u = torch.zeros_like(boxes, requires_grad=True)
        # Some outputs hold scores apart from boxes: those have no part in a box.
        back = grad((boxes * u).sum(), leaves, create_graph=True, allow_unused=True, materialize_grads=True)

        def push(direction: Leaves) -> Tensor:
            along = torch.stack([(b * d).sum() for b, d in zip(back, direction, strict=True)]).sum()
            (pushed,) = grad(along, u, retain_graph=True)
            return pushed

        sides = [
            grad(boxes[..., side].sum(), leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
            for side in range(4)
        ]
        square = torch.stack([push(side) for side in sides], -1)  # J J^T: (B, A, 4, 4)
        towards = push(gradient)  # J g: (B, A, 4)
    solved: Tensor = (torch.linalg.pinv(square, hermitian=True, rtol=1e-12) @ towards[..., None]).squeeze(-1)
    return solved
