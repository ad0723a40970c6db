"""What ``yolosses train`` can be asked: its options with their help, and in the docstring the help of the command.

Nothing heavy is imported for that, so ``--help`` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from yolosses.apps.runs.choices import (
    FitName,
    LossName,
    ModelName,
    OptimizerName,
    PrecisionName,
    ScheduleName,
)

# Options that other commands have too.
Data = Annotated[
    str,
    typer.Argument(
        help="A folder in VOC, YOLO or COCO layout, a data yaml, an instances json, or 'digits'.",
        metavar="DATA",
    ),
]
Out = Annotated[Path | None, typer.Option(help="Folder for what comes out.", metavar="DIR")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first broken annotation instead of skipping it.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
TrainSplit = Annotated[str | None, typer.Option(help="Split to learn from.", show_default="train")]
EvalSplit = Annotated[str | None, typer.Option(help="Split to evaluate on.", show_default="val, else test")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
Loss = Annotated[LossName, typer.Option(help="The loss.")]


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """Train a detector on your pictures, evaluate it, and draw the curve of every term."""

    data: Data  # here and below: None where the default depends on others
    loss: Loss = "v1"
    model: Annotated[
        ModelName,
        typer.Option(help="The network. small: for an hour on a CPU, or a GPU; the paper's two: for GPUs."),
    ] = "tiny"
    image_size: Annotated[
        int | None,
        typer.Option(
            min=32, help="Pictures are resized to N x N pixels.", show_default="320; 448 for the paper's"
        ),
    ] = None
    grid: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="S, cells along each side, of the loss v1.",
            show_default="one every 16 pixels; 7 for the paper's",
        ),
    ] = None
    boxes_per_cell: Annotated[
        int | None,
        typer.Option(min=1, help="B, boxes that each cell predicts, of the loss v1.", show_default="2"),
    ] = None
    lambda_coord: Annotated[
        float | None, typer.Option(min=0, help="Weight of the box terms 1 and 2.", show_default="5")
    ] = None
    lambda_noobj: Annotated[
        float | None,
        typer.Option(min=0, help="Weight of term 3-2, confidence where no object is.", show_default="0.5"),
    ] = None
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any keyword of the loss; may be repeated. anchors=W,H,W,H,... in pixels, the smallest first.",
            metavar="NAME=VALUE",
        ),
    ] = None
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Length of the run in epochs.", show_default="100")
    ] = None
    minutes: Annotated[
        float | None, typer.Option(help="Length of the run in minutes, instead of epochs.")
    ] = None
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a step, of all processes together.")] = 8
    accumulate: Annotated[
        int,
        typer.Option(
            min=1, help="Compute a step in N parts, with the memory of one. The gradient is the same."
        ),
    ] = 1
    precision: Annotated[
        PrecisionName, typer.Option(help="Of the network in training. The loss computes in float32.")
    ] = "float32"
    optimizer: Annotated[OptimizerName, typer.Option(help="The paper's is sgd.")] = "adamw"
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Highest learning rate.", show_default="0.004; 0.002 for v1; 0.005 for sgd"),
    ] = None
    schedule: Annotated[ScheduleName, typer.Option(help="Learning rate over the run.")] = "cosine"
    fit: Annotated[
        FitName | None,
        typer.Option(
            help="How pictures get their size.",
            show_default="stretch where all have one shape, else letterbox",
        ),
    ] = None
    mosaic: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the images that are made of four pictures.",
            show_default="1; 0 for v1",
        ),
    ] = None
    train_split: TrainSplit = None
    eval_split: EvalSplit = None
    seed: Seed = 0
    out: Out = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write every term for TensorBoard too, in the run's folder.")
    ] = False
    strict: Strict = False
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that prepare pictures.", show_default="0; up to 4 beside a GPU"),
    ] = None
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the network with torch.compile first.")
    ] = False
    device: Device = "auto"
    # The options that the person wrote: a run that is resumed must agree with them.
    given: frozenset[str] = frozenset()

    @classmethod
    def like(cls, request: Any, **others: Any) -> TrainRequest:
        """The arguments that another command's request has too, and ``others``."""
        same = {f.name: getattr(request, f.name) for f in fields(cls) if hasattr(request, f.name)}
        return cls(**{**same, **others})
