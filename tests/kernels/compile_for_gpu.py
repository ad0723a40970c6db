"""Compile every kernel for a GPU, without one, in a process that does not interpret: print a line for each."""

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from yolosses.kernels.triton import point_decode, point_sums, squared_errors, task_aligned

TYPES = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16", torch.float64: "fp64"}
LEVELS = 2
"""Every tuple of pointers has as many."""
LAYOUT = {"LEVELS": LEVELS, "STRIDES": (8.0, 16.0)}
PAIRS = {"predictor": "i64", "object": "i64", "mask": "i1", "quality": "wide", "boxes": "wide", "labels": "i64",
         "weight": "wide", "location_weight": "wide", "class_weight": "wide"}  # fmt: skip
FLAGS = {"HAS_WEIGHT": True, "HAS_CLASS_WEIGHT": True, "SMOOTHING": 0.1, "R": 16, "PADDED": 16, "ROWS": 32}
CELLS = {"raw": None, "boxes": "fp32", "labels": "i64", "weight": "fp32", "class_weight": "fp32", "object": "i64",
         "confidence": "wide", "answer": "i32", "spared": "i1"}  # fmt: skip
OF_CELLS = {
    "box_at": 0, "box_cell": 30, "box_box": 5, "conf_at": 4, "conf_cell": 30, "conf_box": 5, "class_at": 10,
    "class_cell": 30, "length": 1470, "rows": 7, "cols": 7, "k": 2, "classes": 20,
    "ROOTS": True,
    "HAS_WEIGHT": True,
    "HAS_CLASS_WEIGHT": True,
    "HAS_CONFIDENCE": True,
    "HAS_SPARED": True,
}  # fmt: skip
MARKS = {"claims": "i64", "takers": "i32", "best": "i64", "widest": "i32"}
# Names in the plural are of tuples: of pointers where they are told, else of numbers.
TUPLES = {"steps", "box_steps", "to_steps", "to_box_steps", "starts", "blocks", "rows", "cols"}
LENGTHS = {"steps": 3, "box_steps": 3, "to_steps": 3, "to_box_steps": 3}
POINTERS = {"parts", "box_parts", "to_scores", "to_boxes"}
KERNELS = {
    squared_errors._sums_kernel: (
        {**CELLS, "mask": "i1", "predictor": "i64", "first": "i1", "iou": "wide", "sums": "wide", "dropped": "i64"},
        {**OF_CELLS, "ASSIGNS": True, "HAS_OBJECT": False, "CELLS": 64, "OBJECTS": 16, "CLASSES": 32},
    ),
    squared_errors._gradient_kernel: (
        {**CELLS, "of_sums": "wide", "gradient": None},
        {**OF_CELLS, "CELLWISE": True, "HAS_OBJECT": True, "BLOCK": 1024},
    ),
    point_decode._decode_kernel: (
        {"parts": None, "boxes": "wide"}, {**LAYOUT, "R": 16, "TILE": 128}
    ),
    task_aligned._look_kernel: (
        {"pred_boxes": "fp32", "parts": None, "gt_boxes": "fp32", "labels": "i64", "mask": "i1", "found": "i64",
         "claims": "i64"},
        {**LAYOUT, "LEAST_SIDE": 16.0, "ALPHA": 0.5, "BETA": 2.5, "TOPK": 10, "KEPT": 16, "TILE": 128, "PARTS": 8},
    ),
    task_aligned._take_kernel: (
        {"found": "i64", "taken": "i64", "takers": "i32"}, {"TOPK": 10, "KEPT": 16, "FOUND": 128}
    ),
    task_aligned._settle_kernel: (
        {"pred_boxes": "fp32", "parts": None, "gt_boxes": "fp32", "labels": "i64", "taken": "i64", **MARKS,
         "predictor": "i64", "object": "i64", "iou": "fp32", "quality": "fp32", "overlaps": "fp32"},
        {"LEVELS": LEVELS, "ALPHA": 0.5, "BETA": 6.0, "PAIRS": 64},
    ),
    task_aligned._quality_kernel: (
        {"mask": "i1", **MARKS, "predictor": "i64", "object": "i64", "counts": "i1", "iou": "fp32", "quality": "fp32",
         "overlaps": "fp32", "num_dropped": "i64"},
        {"KEEP_BEST": True, "PAIRS": 64},
    ),
    point_sums._pairs_kernel: ({"box_parts": None, "parts": None, **PAIRS, "sums": "wide"}, {**LAYOUT, **FLAGS}),
    point_sums._softplus_kernel: (
        {"parts": None, "location_weight": "wide", "class_weight": "wide", "partial": "wide"},
        {"LEVELS": LEVELS, "IN_A_ROW": (True, False), "HAS_LOCATION": True, "HAS_CLASS": True, "BLOCK": 2048},
    ),
    point_sums._total_kernel: ({"of_pairs": "wide", "everywhere": "wide", "sums": "wide"}, {"BLOCK": 256}),
    point_sums._sigmoid_kernel: (
        {"parts": None, "to_scores": None, "to_boxes": None, "location_weight": "wide", "class_weight": "wide",
         "of_sums": "wide"},
        {"LEVELS": LEVELS, "IN_A_ROW": (True, False), "BOXES_IN_A_ROW": (False, True), "HAS_LOCATION": True,
         "HAS_CLASS": True, "BLOCK": 2048},
    ),
    point_sums._pairs_gradient_kernel: (
        {"box_parts": None, "parts": None, "to_boxes": None, "to_scores": None, **PAIRS, "of_sums": "wide"},
        {**LAYOUT, **FLAGS, "HAS_LOCATION": True},
    ),
}  # fmt: skip


def type_of(argument: str, pointers: dict, constants: dict, name: str, wide: str) -> object:
    """As Triton writes it."""
    if argument in constants:
        return "constexpr"
    if argument in pointers:
        kind = "*" + {None: name, "wide": wide}.get(pointers[argument], pointers[argument])
        return (kind,) * LEVELS if argument in POINTERS else kind
    if argument in TUPLES and "LEVELS" in constants:
        return ("i32",) * (LENGTHS[argument] * LEVELS if argument in LENGTHS else 2 * LEVELS + 1)
    return "fp32" if argument in ("width", "height") else "i32"


for kernel, (pointers, constants) in KERNELS.items():
    for dtype, name in TYPES.items():
        wide = TYPES[torch.promote_types(dtype, torch.float32)]
        signature = {
            argument: type_of(argument, pointers, constants, name, wide) for argument in kernel.arg_names
        }
        source = ASTSource(
            kernel, signature, constexprs={(kernel.arg_names.index(k),): v for k, v in constants.items()}
        )
        compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32))
        print(kernel.__name__, name, len(compiled.asm["ptx"]))
