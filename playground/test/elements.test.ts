import { expect, test } from "vitest";
import { elementsOf, pairsOf } from "../src/elements";
import { lit, speaksOf } from "../src/point";

const outputs = {
  xy_penalty: Float32Array.of(1, 2, 3, 4), xy_weight: Float32Array.of(1, 1, 0, 0), xy_pred: Float32Array.of(5, 6, 7, 8),
  xy_target: Float32Array.of(9, 10, 11, 12), xy_predictor: BigInt64Array.of(13n, 0n),
  pair_predictor: BigInt64Array.of(13n, 0n), pair_object: BigInt64Array.of(0n, 1n), pair_mask: Uint8Array.of(1, 0), pair_iou: Float32Array.of(0.5, 0),
};
const layout = { grid: 3, boxes: 2, classes: 10, slots: 6 };

test("elements are those with a weight, with the numbers of the graph", () => {
  expect(elementsOf("xy", outputs, 5)).toEqual([
    { predictor: 13, part: 0, pred: 5, target: 9, penalty: 1, weight: 1, value: 5 },
    { predictor: 13, part: 1, pred: 6, target: 10, penalty: 2, weight: 1, value: 10 },
  ]);
});

test("pairs are those that are valid", () => {
  expect(pairsOf(outputs)).toEqual([{ object: 0, predictor: 13, iou: 0.5 }]);
});

test("an output that is missing is named", () => {
  expect(() => elementsOf("wh", outputs, 1)).toThrow("wh_penalty");
});

test("1noobj speaks of all boxes but the responsible one, those of its own cell included", () => {
  const pairs = pairsOf(outputs);
  const others = lit({ symbol: "1noobj" }, pairs, layout)?.predictors;
  expect(others?.size).toBe(17);
  expect(others?.has(12)).toBe(true);
  expect(others?.has(13)).toBe(false);
  expect([...(lit({ symbol: "1obj_i" }, pairs, layout)?.cells ?? [])]).toEqual([6]);
  expect([...(lit({ symbol: "1obj" }, pairs, layout)?.predictors ?? [])]).toEqual([13]);
});

test("a box lights the symbols that count it", () => {
  const pairs = pairsOf(outputs);
  expect(speaksOf("1obj", "xy", { predictor: 13 }, pairs, layout)).toBe(true);
  expect(speaksOf("1noobj", "noobj", { predictor: 13 }, pairs, layout)).toBe(false);
  expect(speaksOf("1noobj", "noobj", { predictor: 12 }, pairs, layout)).toBe(true);
  expect(speaksOf("1obj_i", "cls", { cell: 6 }, pairs, layout)).toBe(true);
  expect(speaksOf("1obj_i", "cls", { cell: 0 }, pairs, layout)).toBe(false);
});
