"""The networks emit what the loss reads, start as they should, and say which sizes they take."""

import pytest
import torch
from torch import nn

from yolosses import YOLOv1Loss
from yolosses.training.models import FastYOLO, Small, Tiny, YOLOv1


def convolutions(model: nn.Module) -> int:
    return sum(isinstance(module, nn.Conv2d) for module in model.modules())


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_papers_networks_have_the_papers_layers() -> None:
    with torch.device("meta"):
        full, fast = YOLOv1(num_classes=20), FastYOLO(num_classes=20)
    assert convolutions(full) == 24
    assert convolutions(fast) == 9
    assert full.head[-2].out_features == fast.head[-2].out_features == 1470
    assert full.head[1].out_features == 4096
    assert full.head[1].in_features == 7 * 7 * 1024
    assert full(torch.empty(2, 3, 448, 448, device="meta")).shape == (2, 7, 7, 30)
    assert fast(torch.empty(2, 3, 448, 448, device="meta")).shape == (2, 7, 7, 30)


def test_fully_connected_heads_take_any_grid() -> None:
    model = FastYOLO(num_classes=3, grid=(5, 4), boxes_per_cell=3, image_size=(64, 128)).eval()
    assert model(torch.zeros(1, 3, 64, 128)).shape == (1, 5, 4, 18)


@pytest.mark.parametrize(("network", "least", "most"), [(Tiny, 0.5e6, 2e6), (Small, 1e6, 3e6)])
@pytest.mark.parametrize("stride", Tiny.STRIDES)
def test_small_ones_take_any_multiple_of_32_at_every_stride(
    stride: int, network: type[Tiny], least: float, most: float
) -> None:
    model = network(num_classes=4, stride=stride).eval()
    assert least < parameters(model) < most
    for height, width in ((64, 96), (128, 32)):
        output = model(torch.zeros(2, 3, height, width))
        assert output.shape == (2, height // stride, width // stride, 14)
    with pytest.raises(
        ValueError, match=r"images: expected height and width in multiples of 32; got 64 x 100"
    ):
        model(torch.zeros(1, 3, 64, 100))
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("network", [Tiny, Small])
def test_every_parameter_learns(network: type[Tiny]) -> None:
    for stride in Tiny.STRIDES:
        model = network(num_classes=4, stride=stride)
        model(torch.rand(2, 3, 64, 64)).square().sum().backward()
        assert all(p.grad is not None for p in model.parameters())


def test_tiny_refuses_other_strides() -> None:
    with pytest.raises(ValueError, match=r"stride: expected one of \(8, 16, 32\); got 7"):
        Tiny(num_classes=4, stride=7)


@pytest.mark.parametrize(
    "model", [Tiny(num_classes=2, stride=16), FastYOLO(num_classes=2, grid=(4, 4), image_size=(64, 64))]
)
def test_untrained_boxes_are_typical_and_scores_near_zero(model: nn.Module) -> None:
    torch.manual_seed(0)
    loss = YOLOv1Loss(grid=4, num_classes=2)
    with torch.no_grad():
        boxes, scores = loss.decode(model.eval()(torch.rand(2, 3, 64, 64)))
    centres = boxes[:, :, :2].reshape(2, 4, 4, 2, 2)
    expected = (torch.arange(4) + 0.5) / 4
    assert (centres[..., 0] - expected[None, None, :, None]).abs().max() < 0.1
    assert (centres[..., 1] - expected[None, :, None, None]).abs().max() < 0.1
    sizes = torch.tensor([(2 / 9) ** 2, (4 / 9) ** 2])[None, None, None, :, None]
    assert (boxes[:, :, 2:].reshape(2, 4, 4, 2, 2) - sizes).abs().max() < 0.1
    assert scores.abs().max() < 0.1
