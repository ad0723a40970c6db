"""The commands and their arguments. What they do is in the files beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from yolosses.apps.cli.choices import (
    DetectorOutputName,
    FileFormatName,
    FitName,
    LanguageName,
    LossName,
    ModelName,
    ObjectiveName,
    OptimizerName,
    PrecisionName,
    SamplerName,
    ScheduleName,
)
from yolosses.apps.cli.failures import Interrupted
from yolosses.apps.play import PORT
from yolosses.language import LANGUAGES


class _Commands(TyperGroup):
    """Typer would print an empty line for an interrupt."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted from error


app = typer.Typer(
    cls=_Commands,
    name="yolosses",
    help="Every YOLO loss: exact, fast, explained. Train a small detector with one, and look at every term.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich's markdown would take a third of the time to answer
    context_settings={"help_option_names": ["-h", "--help"]},
)


Data = Annotated[
    str,
    typer.Argument(
        help="A folder in VOC, YOLO or COCO layout, a data yaml, an instances json, or 'digits'.",
        metavar="DATA",
    ),
]
Run = Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")]
Detector = Annotated[
    Path, typer.Argument(help="The folder of a run, or a file that export wrote.", metavar="RUN")
]
Out = Annotated[Path | None, typer.Option(help="Folder for what comes out.", metavar="DIR")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first broken annotation instead of skipping it.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]


def _language(value: str) -> str:
    """Languages are those that have a catalogue, so no enumeration can list them."""
    if value not in LANGUAGES:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, LANGUAGES))}.")
    return value


Lang = Annotated[
    str,
    typer.Option(
        "--lang", metavar=f"[{'|'.join(LANGUAGES)}]", callback=_language, help="Language of the page."
    ),
]


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", is_eager=True)
    ] = False,
) -> None:
    if version:
        import yolosses

        typer.echo(f"yolosses {yolosses.__version__}")
        raise typer.Exit


@app.command()
def demo(
    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = 3.0,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    out: Out = None,
) -> None:
    """Watch a YOLOv1 detector learn handwritten digits. Nothing is downloaded."""
    from yolosses.apps.cli.train import TrainRequest, free_folder, train_run

    request = TrainRequest(data="digits", minutes=minutes, seed=seed, out=out or free_folder("demo"))
    train_run(request)


@app.command()
def train(
    context: typer.Context,
    data: Data,
    loss: Annotated[LossName, typer.Option(help="The loss.")] = LossName.V1,
    model: Annotated[
        ModelName,
        typer.Option(help="The network. small: for an hour on a CPU, or a GPU; the paper's two: for GPUs."),
    ] = ModelName.TINY,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=32, help="Pictures are resized to N x N pixels.", show_default="320; 448 for the paper's"
        ),
    ] = None,
    grid: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="S, cells along each side, of the loss v1.",
            show_default="one every 16 pixels; 7 for the paper's",
        ),
    ] = None,
    boxes_per_cell: Annotated[
        int | None,
        typer.Option(min=1, help="B, boxes that each cell predicts, of the loss v1.", show_default="2"),
    ] = None,
    lambda_coord: Annotated[
        float | None,
        typer.Option(min=0, help="Weight of the box terms 1 and 2.", show_default="5"),
    ] = None,
    lambda_noobj: Annotated[
        float | None,
        typer.Option(min=0, help="Weight of term 3-2, confidence where no object is.", show_default="0.5"),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any keyword of the loss; may be repeated. anchors=W,H,W,H,... in pixels, the smallest first.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Length of the run in epochs.", show_default="100")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Length of the run in minutes, instead of epochs.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a step, of all processes together.")] = 8,
    accumulate: Annotated[
        int,
        typer.Option(
            min=1, help="Compute a step in N parts, with the memory of one. The gradient is the same."
        ),
    ] = 1,
    precision: Annotated[
        PrecisionName, typer.Option(help="Of the network in training. The loss computes in float32.")
    ] = PrecisionName.FLOAT32,
    optimizer: Annotated[OptimizerName, typer.Option(help="The paper's is sgd.")] = OptimizerName.ADAMW,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest learning rate.", show_default="0.002; 0.005 for sgd")
    ] = None,
    schedule: Annotated[ScheduleName, typer.Option(help="Learning rate over the run.")] = ScheduleName.COSINE,
    fit: Annotated[
        FitName | None,
        typer.Option(
            help="How pictures get their size.",
            show_default="stretch where all have one shape, else letterbox",
        ),
    ] = None,
    mosaic: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the images that are made of four pictures.",
            show_default="1; 0 for v1",
        ),
    ] = None,
    train_split: Annotated[
        str | None, typer.Option(help="Split to learn from.", show_default="train")
    ] = None,
    eval_split: Annotated[
        str | None, typer.Option(help="Split to evaluate on.", show_default="val, else test")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write every term for TensorBoard too, in the run's folder.")
    ] = False,
    strict: Strict = False,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that prepare pictures.", show_default="0; up to 4 beside a GPU"),
    ] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the network with torch.compile first.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Train a detector on your pictures, evaluate it, and draw the curve of every term."""
    from yolosses.apps.cli.train import TrainRequest, train_run

    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    train_run(
        TrainRequest(
            data=data, loss=loss, model=model, image_size=image_size, grid=grid, boxes_per_cell=boxes_per_cell,
            lambda_coord=lambda_coord, lambda_noobj=lambda_noobj, options=tuple(options or ()),
            epochs=epochs, minutes=minutes, batch_size=batch_size, accumulate=accumulate, precision=precision,
            optimizer=optimizer, learning_rate=learning_rate, schedule=schedule, fit=fit, mosaic=mosaic,
            train_split=train_split, eval_split=eval_split, seed=seed, out=out, resume=resume, strict=strict,
            workers=workers, compiled=compiled, device=device, tensorboard=tensorboard,
        ),
        given=given,
    )  # fmt: skip


@app.command()
def compare(
    data: Data,
    losses: Annotated[
        str, typer.Option(help="The losses, with commas between them.", metavar="NAME,NAME,...")
    ] = "v1,v3,v5,v8,yolox",
    minutes: Annotated[
        float | None, typer.Option(help="Length of each run in minutes.", show_default="5")
    ] = None,
    epochs_each: Annotated[
        int | None, typer.Option(min=1, help="Length of each run in epochs, instead of minutes.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each loss, with different seeds.")] = 1,
    peers: Annotated[
        list[Path] | None,
        typer.Option(
            "--peer",
            help="What another library's detector found, see benchmarks/small_sets_peer.py; may be repeated.",
            metavar="FILE",
        ),
    ] = None,
    model: Annotated[ModelName, typer.Option(help="tiny or small.")] = ModelName.TINY,
    image_size: Annotated[
        int | None, typer.Option(min=32, help="As for train.", show_default="as for train")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a step.")] = 8,
    train_split: Annotated[
        str | None, typer.Option(help="Split to learn from.", show_default="train")
    ] = None,
    eval_split: Annotated[
        str | None, typer.Option(help="Split to evaluate on.", show_default="val, else test")
    ] = None,
    out: Out = None,
    strict: Strict = False,
    device: Device = "auto",
) -> None:
    """Train several losses with the same budget: a table, compare.png and compare.json.

    The same command goes on where it was stopped; with other --losses it adds them to those that are there."""
    from yolosses.apps.cli.compare import CompareRequest, compare_losses

    compare_losses(
        CompareRequest(
            data=data, losses=losses, minutes=minutes, epochs_each=epochs_each, seeds=seeds, image_size=image_size,
            peers=tuple(peers or ()), model=model,
            batch_size=batch_size, train_split=train_split, eval_split=eval_split, out=out, strict=strict,
            device=device,
        )
    )  # fmt: skip


@app.command("eval")
def evaluate(
    run: Detector,
    data: Annotated[
        str | None,
        typer.Argument(help="Other data than the run's. A file of export needs it.", metavar="[DATA]"),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split to evaluate on.", show_default="the run's")] = None,
    strict: Strict = False,
    device: Device = "auto",
) -> None:
    """Score a trained detector, and say what its errors cost: tables, metrics.json and errors.png."""
    from yolosses.apps.cli.evaluate import evaluate_run

    evaluate_run(run, data, split, strict=strict, device=device)


@app.command()
def predict(
    run: Detector,
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures, or folders of pictures.", metavar="PICTURES...")
    ],
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Least score that is shown.",
            show_default="the one of the best F1 in the run's evaluation",
        ),
    ] = None,
    out: Out = None,
    device: Device = "auto",
) -> None:
    """Find objects in pictures: pictures with boxes, and predictions.json in COCO style."""
    from yolosses.apps.cli.predict import predict_pictures

    predict_pictures(run, pictures, threshold=threshold, out=out, device=device)


@app.command()
def export(
    run: Run,
    file_format: Annotated[
        FileFormatName, typer.Option("--format", help="onnx, or torch: a program of torch.export.")
    ] = FileFormatName.ONNX,
    output: Annotated[
        DetectorOutputName,
        typer.Option(
            help="What the file returns: the network's numbers, every box with its scores, or the detections of "
            "predict."
        ),
    ] = DetectorOutputName.DETECTIONS,
    out: Annotated[
        Path | None,
        typer.Option(help="The file.", metavar="FILE", show_default="model.onnx or model.pt2 in RUN"),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Picture to compare the file with torch on.",
            metavar="FILE",
            show_default="two of the run's evaluation",
        ),
    ] = None,
) -> None:
    """Write a trained detector as one file that runs without yolosses.

    The file is run and compared with torch before it is kept. eval and predict take it in place of RUN."""
    from yolosses.apps.cli.export import export_run

    export_run(run, format=file_format, output=output, out=out, picture=picture)


@app.command()
def explain(
    run: Run,
    data: Annotated[str | None, typer.Argument(help="Other data than the run's.", metavar="[DATA]")] = None,
    split: Annotated[str | None, typer.Option(help="Split to explain.", show_default="the run's")] = None,
    image: Annotated[
        str | None, typer.Option(help="Name of the one picture to explain.", metavar="NAME")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of the worst to show.")] = 20,
    out: Out = None,
    lang: Lang = "en",
    replay: Annotated[
        Path | None, typer.Option(help="The batch that stopped a run, nonfinite.pt.", metavar="FILE")
    ] = None,
    strict: Strict = False,
    device: Device = "auto",
) -> None:
    """Say where the loss of a trained detector comes from: report.html and explanation.json."""
    from yolosses.apps.cli.explain import explain_run

    explain_run(
        run, data, split, image=image, top=top, out=out, language=lang, replay=replay, strict=strict,
        device=device,
    )  # fmt: skip


@app.command()
def inspect(
    data: Data,
    grid: Annotated[
        list[str] | None,  # read in `inspect_data`: typer would not say what it got
        typer.Option(
            help="S, cells along each side; several may follow.",
            metavar="S...",
            show_default="7 10 14 20",
        ),
    ] = None,
    boxes_per_cell: Annotated[int, typer.Option(min=1, help="B: boxes that each cell predicts.")] = 2,
    split: Annotated[
        list[str] | None, typer.Option(help="Split to inspect; may be repeated.", show_default="all")
    ] = None,
    out: Out = None,
    lang: Lang = "en",
) -> None:
    """Look over a data set before any training: inspection.html and inspection.json."""
    from yolosses.apps.cli.inspect import inspect_data

    inspect_data(
        data, grids=grid or ("7", "10", "14", "20"), boxes_per_cell=boxes_per_cell, splits=split or (), out=out,
        language=lang,
    )  # fmt: skip


@app.command()
def study(
    data: Annotated[
        str | None,
        typer.Argument(help="As for train; not needed with --show.", metavar="[DATA]"),
    ] = None,
    loss: Annotated[LossName, typer.Option(help="The loss.")] = LossName.V1,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="A keyword of the loss, or batch_size, fit, learning_rate, model or mosaic, and the values to try; "
            "may be repeated. LOW..HIGH for --sampler tpe.",
            metavar="NAME=VALUE,VALUE,...",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each setting, with different seeds.")] = 3,
    minutes_each: Annotated[
        float | None, typer.Option(help="Length of a run in minutes.", show_default="2")
    ] = None,
    epochs_each: Annotated[
        int | None, typer.Option(min=1, help="Length of a run in epochs: the same on a slow machine.")
    ] = None,
    sampler: Annotated[
        SamplerName, typer.Option(help="grid: every setting. tpe: look for the best.")
    ] = SamplerName.GRID,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Settings that tpe tries.", show_default="50")
    ] = None,
    objective: Annotated[ObjectiveName, typer.Option(help="What tpe makes large.")] = ObjectiveName.MAP50,
    storage: Annotated[
        str | None,
        typer.Option(
            help="A file, or the URL of a database that many machines share.",
            metavar="PATH_OR_URL",
            show_default="journal.log in --out",
        ),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(min=32, help="As for train.", show_default="as for train")
    ] = None,
    train_split: Annotated[
        str | None, typer.Option(help="Split to learn from.", show_default="train")
    ] = None,
    eval_split: Annotated[
        str | None, typer.Option(help="Split to measure on.", show_default="val, else test")
    ] = None,
    out: Out = None,
    show: Annotated[
        Path | None, typer.Option(help="Draw the report of this study again; train nothing.", metavar="DIR")
    ] = None,
    strict: Strict = False,
    device: Device = "auto",
    lang: Lang = "en",
) -> None:
    """Measure what the hyper-parameters of a loss do: report.html, results.json and results.csv.

    Every setting is trained and measured with every seed. The same command goes on with a study that was stopped, or
    helps a study that another process is doing."""
    from yolosses.apps.cli.study import StudyRequest, run_study, show_study

    if show is not None:
        show_study(show, lang)
        return
    if data is None:
        raise typer.BadParameter("expected a data set, or --show DIR", param_hint="DATA")
    run_study(
        StudyRequest(
            data=data, loss=loss, vary=tuple(vary or ()), seeds=seeds, minutes_each=minutes_each,
            epochs_each=epochs_each, sampler=sampler, trials=trials, objective=objective, storage=storage, out=out,
            image_size=image_size, train_split=train_split, eval_split=eval_split, strict=strict, device=device,
            language=lang,
        )
    )  # fmt: skip


@app.command()
def lessons(
    folder: Annotated[Path, typer.Argument(help="Where the notebooks go.", metavar="DIR")],
    lang: Annotated[LanguageName, typer.Option("--lang", help="Language of the lessons.")] = LanguageName.EN,
) -> None:
    """Write the lessons as notebooks, ready to open in Jupyter. Notebooks that are there already are kept."""
    from yolosses.apps.cli.lessons import run_lessons

    run_lessons(folder, lang.value)


@app.command()
def play(
    run: Annotated[
        Path | None,
        typer.Argument(help="The folder of a run, whose network the page shows.", metavar="[RUN]"),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Pictures to show, in any layout that train takes.", metavar="DATA", show_default="the run's"
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split to show.", show_default="the run's")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
    lang: Annotated[LanguageName, typer.Option("--lang", help="Language of the page.")] = LanguageName.EN,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Open the playground: a page in the browser that shows every number of the loss while boxes are dragged."""
    from yolosses.apps.cli.play import run_play

    run_play(run, data, split, host=host, port=port, language=lang.value, browser=browser)
