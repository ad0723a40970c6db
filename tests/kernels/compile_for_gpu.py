"""Compile every kernel for a GPU, without one, in a process that does not interpret: print a line for each."""

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from yolosses.kernels.triton import (
    point_boxes,
    responsible,
    sigmoid_cross_entropy,
    squared_errors,
    task_aligned,
)

TYPES = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16", torch.float64: "fp64"}
KERNELS = {
    sigmoid_cross_entropy._softplus_kernel: (
        {"scores": None, "partial": "wide", "of_location": "wide", "of_class": "wide"},
        {"HAS_LOCATION": True, "HAS_CLASS": True, "BLOCK": 2048},
    ),
    sigmoid_cross_entropy._sigmoid_kernel: (
        {"scores": None, "target": None, "of_sums": "wide", "of_location": "wide", "of_class": "wide"},
        {"HAS_LOCATION": True, "HAS_CLASS": True, "BLOCK": 2048},
    ),
    squared_errors._sums_kernel: (
        {"boxes": None, "confidence": None, "classes": None, "predictor": "i64", "target": "wide", "weight": "wide",
         "background": "i1", "sums": "wide"},
        {"PAIRS": 16, "CLASSES": 32, "BLOCK": 256},
    ),
    squared_errors._gradient_kernel: (
        {"boxes": None, "confidence": None, "classes": None, "of_boxes": None, "of_confidence": None,
         "of_classes": None, "predictor": "i64", "target": "wide", "weight": "wide", "background": "i1",
         "of_sums": "wide"},
        {"CELLS": 32, "BOXES": 2, "CLASSES": 32},
    ),
    responsible._responsible_kernel: (
        {"boxes": None, "gt_boxes": "fp32", "mask": "i1", "predictor": "i64", "first": "i1", "iou": "wide"},
        {"ROOTS": True, "OBJECTS": 16},
    ),
    point_boxes._terms_kernel: (
        {"numbers": None, "boxes": "wide", "points": "wide", "strides": "wide", "mask": "i1", "missing": "wide",
         "focal": "wide", "sides": "wide"},
        {"R": 16, "PADDED": 16, "ROWS": 32},
    ),
    point_boxes._gradient_kernel: (
        {"numbers": None, "boxes": "wide", "points": "wide", "strides": "wide", "mask": "i1", "of_missing": "wide",
         "of_focal": "wide", "gradient": None},
        {"R": 16, "PADDED": 16, "ROWS": 32},
    ),
    task_aligned._take_kernel: (
        {"pred_boxes": "fp32", "logits": None, "gt_boxes": "fp32", "labels": "i64", "mask": "i1", "taken": "i64",
         "valid": "i1", "claims": "i64"},
        {"STRIDE": 8.0, "LEAST_SIDE": 16.0, "ALPHA": 0.5, "BETA": 2.5, "TOPK": 10, "KEPT": 16, "TILE": 256,
         "FIRST": False, "LAST": True},
    ),
}  # fmt: skip

for kernel, (pointers, constants) in KERNELS.items():
    for dtype, name in TYPES.items():
        wide = TYPES[torch.promote_types(dtype, torch.float32)]
        signature = {
            argument: "*" + {None: name, "wide": wide}.get(pointers[argument], pointers[argument])
            if argument in pointers
            else "constexpr" if argument in constants else "i32"
            for argument in kernel.arg_names
        }  # fmt: skip
        source = ASTSource(
            kernel, signature, constexprs={(kernel.arg_names.index(k),): v for k, v in constants.items()}
        )
        compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32))
        print(kernel.__name__, name, len(compiled.asm["ptx"]))
