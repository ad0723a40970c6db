"""Several processes, or one step in several parts, train as one process does: the same loss at each step and the same
weights. In float64, so that what is left is a few last digits and not the chaos of rounding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from tests.training.shapes import paint as paint_of_shapes
from tests.training.shapes import shapes
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from yolosses.apps.runs.build import build_training
from yolosses.apps.runs.request import TrainRequest
from yolosses.apps.runs.settings import resolve
from yolosses.training.data import DataError, DetectionDataset
from yolosses.training.loop import NonFiniteLossError, StepRecord, Training
from yolosses.training.processes import ALONE, Processes, StoppedElsewhere, joined
from yolosses.training.run import Settings
from yolosses.training.shared_norm import share_statistics

LOSSES = ("v1", "v8", "yolox")
STEPS = 6  # two epochs
RATE = 1e-4  # with the usual one the first steps are chaos: they blow up a last digit a thousandfold each
BATCH = 6  # on four processes: 2, 2, 1, 1
CPU = torch.device("cpu")
needs_gloo = pytest.mark.skipif(not dist.is_gloo_available(), reason="this torch has no gloo")


@dataclass
class Trained:
    """What a run gave."""

    records: list[StepRecord]
    weights: dict[str, Tensor]
    average: dict[str, Tensor]


def pictures() -> DetectionDataset:
    """Two of three pictures have no object: many processes have none in their share."""
    data = shapes(18)
    empty = [
        replace(r, boxes=r.boxes[:0], labels=r.labels[:0], ignore=r.ignore[:0]) if index % 3 else r
        for index, r in enumerate(data.records)
    ]
    return DetectionDataset(
        name="shapes", split="train", class_names=data.class_names, records=empty, paint=paint_of_shapes
    )


def asked_for(loss: str, **options: Any) -> Settings:
    request = TrainRequest(
        data="shapes", loss=loss, image_size=32, batch_size=BATCH, epochs=50, learning_rate=RATE, **options
    )
    return resolve(request, pictures(), "val")


def exact_training(
    settings: Settings, processes: Processes = ALONE, data: DetectionDataset | None = None
) -> Training:
    torch.set_default_dtype(torch.float64)
    try:
        training = build_training(settings, data or pictures(), CPU, processes=processes)
    finally:
        torch.set_default_dtype(torch.float32)
    training.model.register_forward_pre_hook(lambda _, inputs: (inputs[0].double(),))
    return training


def trained(training: Training, steps: int = STEPS) -> Trained:
    made = training.steps()
    records = [next(made) for _ in range(steps)]
    made.close()
    return Trained(records, training.model.state_dict(), training.average.module.state_dict())


CLOSE = {"rel": 1e-6, "abs": 1e-9}


def same(found: Trained, wanted: Trained, *, norms: bool = True) -> None:
    for one, other in zip(found.records, wanted.records, strict=True):
        assert one.total == pytest.approx(other.total, **CLOSE), one.step
        assert one.terms == pytest.approx(other.terms, **CLOSE)
        assert one.unweighted == pytest.approx(other.unweighted, **CLOSE)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-5)
        assert (one.images, one.num_answered, one.num_dropped) == (
            other.images,
            other.num_answered,
            other.num_dropped,
        )
    for weights, wanted_weights in ((found.weights, wanted.weights), (found.average, wanted.average)):
        for name, value in weights.items():
            if norms or not name.endswith("num_batches_tracked"):
                torch.testing.assert_close(value, wanted_weights[name], rtol=1e-5, atol=1e-7)


Work = Callable[[Processes, Path], None]


def in_processes(count: int, folder: Path, *works: Work) -> Path:
    """Each of ``works`` done by ``count`` processes together; what they keep is in the folder."""
    context = torch.multiprocessing.get_context("forkserver")  # torch is imported once
    context.set_forkserver_preload([__name__, "torch._dynamo"])  # which optimizers import
    started = [
        context.Process(target=_joined_works, args=(rank, count, folder, works)) for rank in range(count)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * count
    return folder


def _joined_works(rank: int, count: int, folder: Path, works: Sequence[Work]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count)
    for work in works:
        work(Processes(rank, count), folder)
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_processes(2, tmp_path_factory.mktemp("two"), _train_all, _break_one, _lose_pictures)


@pytest.fixture(scope="module")
def of_four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_processes(4, tmp_path_factory.mktemp("four"), _train_all, _norm_uneven)


def _train_all(processes: Processes, folder: Path) -> None:
    for loss in LOSSES:
        found = trained(exact_training(asked_for(loss), processes))
        torch.save(found, folder / f"{loss}-{processes.rank}.pt")


@pytest.fixture(scope="module")
def alone() -> dict[str, Trained]:
    return {loss: trained(exact_training(asked_for(loss))) for loss in LOSSES}


@needs_gloo
def test_processes_train_as_one(of_two: Path, of_four: Path, alone: dict[str, Trained]) -> None:
    for folder, count in ((of_two, 2), (of_four, 4)):
        for loss in LOSSES:
            for rank in range(count):
                same(torch.load(folder / f"{loss}-{rank}.pt", weights_only=False), alone[loss])


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_in_parts_is_the_whole_step(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for batch normalisation, which sees each part alone: it is taken out."""
    monkeypatch.setattr(nn.BatchNorm2d, "forward", lambda self, images: images)
    whole = trained(exact_training(asked_for(loss)), steps=10)
    in_parts = trained(exact_training(asked_for(loss, accumulate=4)), steps=10)
    same(in_parts, whole, norms=False)


def test_parts_count_once_for_running_statistics() -> None:
    """A part is computed twice; batch normalisation is to remember it once."""
    training = exact_training(asked_for("v8", accumulate=3))
    trained(training, steps=2)
    norms = [module for module in training.model.modules() if isinstance(module, _BatchNorm)]
    assert norms
    assert {int(norm.num_batches_tracked) for norm in norms} == {6}


UNEVEN = ((0, 3), (3, 4), (4, 4), (4, 5))  # pictures of each process: one has none


def normed(images: Tensor, place: slice, norm: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
    """The gradient of some sum over the normed pictures, and what the norm remembers."""
    mine = images[place].clone().requires_grad_()
    weight = torch.arange(images.numel(), dtype=images.dtype).reshape(images.shape).sin()
    (norm(mine) * weight[place]).sum().backward()
    assert mine.grad is not None
    return mine.grad, norm.state_dict()


def five_images() -> Tensor:
    return torch.randn(5, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def _norm_uneven(processes: Processes, folder: Path) -> None:
    norm = share_statistics(nn.Sequential(nn.BatchNorm2d(3)).double(), CPU)
    torch.save(
        normed(five_images(), slice(*UNEVEN[processes.rank]), norm), folder / f"norm-{processes.rank}.pt"
    )


@needs_gloo
def test_shared_statistics_are_those_of_all_pictures(of_four: Path) -> None:
    gradient, state = normed(five_images(), slice(None), nn.Sequential(nn.BatchNorm2d(3)).double())
    found = [torch.load(of_four / f"norm-{rank}.pt") for rank in range(4)]
    torch.testing.assert_close(torch.cat([each[0] for each in found]), gradient)
    for _, each in found:
        torch.testing.assert_close(each, state)


def _break_one(processes: Processes, folder: Path) -> None:
    """The network of the second process emits NaN in the third step."""
    training = build_training(asked_for("v8"), pictures(), CPU, processes=processes)

    def spoil(module: nn.Module, _: Any, raw: Any) -> None:
        if processes.rank == 1 and training.place.step == 2:
            raw[0].data[:] = torch.nan

    training.model.register_forward_hook(spoil)
    try:
        trained(training)
    except (NonFiniteLossError, StoppedElsewhere) as error:
        (folder / f"{processes.rank}.txt").write_text(f"{type(error).__name__} {training.place.step} {error}")


@needs_gloo
def test_all_stop_where_the_loss_of_one_is_nan(of_two: Path) -> None:
    assert (of_two / "0.txt").read_text() == "StoppedElsewhere 2 "
    said = (of_two / "1.txt").read_text()
    assert said.startswith("NonFiniteLossError 2 the loss is not finite at step 3")


def with_broken(broken: set[int]) -> DetectionDataset:
    def paint(index: int) -> NDArray[np.uint8]:
        if index in broken:
            raise DataError(f"picture {index}: cannot be read")
        return paint_of_shapes(index)

    data = pictures()
    return DetectionDataset(
        name="broken", split="train", class_names=data.class_names, records=data.records, paint=paint
    )


def _lose_pictures(processes: Processes, folder: Path) -> None:
    """The second process can read none of its pictures of the second step."""
    alone = asked_for("v8", mosaic=0.0)  # or the first would see them in mosaics of its own
    groups = build_training(alone, pictures(), CPU, processes=processes).batches.groups(0)
    broken = set(processes.gathered(groups[1].tolist())[1])
    training = exact_training(alone, processes, with_broken(broken))
    found = trained(training, steps=3)
    torch.save(
        (found, broken, set(training.batches.dataset.unreadable)), folder / f"lost-{processes.rank}.pt"
    )


@needs_gloo
def test_a_process_whose_pictures_cannot_be_read_keeps_step(of_two: Path) -> None:
    first, second = (torch.load(of_two / f"lost-{rank}.pt", weights_only=False) for rank in range(2))
    wanted = trained(exact_training(asked_for("v8", mosaic=0.0), data=with_broken(first[1])), steps=3)
    assert [record.images for record in wanted.records] == [6, 9, 15]
    same(first[0], wanted)
    same(second[0], wanted)
    assert (len(first[2]), len(second[2])) == (0, 3)


def test_without_a_launcher_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with joined(CPU) as processes:
        assert (processes.rank, processes.count, processes.first) == (0, 1, True)
        assert processes.of_first("a") == "a"
        assert (processes.any(True), processes.any(False)) == (True, False)
    assert not dist.is_initialized()


def test_a_compiled_network_trains_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced as for the compiler; the compiler itself would take a minute."""
    plain = trained(build_training(asked_for("v1", accumulate=2), pictures(), CPU), steps=3)
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    traced = trained(build_training(asked_for("v1", accumulate=2), pictures(), CPU, compiled=True), steps=3)
    assert list(traced.weights) == list(plain.weights)
    assert [r.total for r in traced.records] == pytest.approx([r.total for r in plain.records], rel=1e-3)
