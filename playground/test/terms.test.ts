import { expect, test } from "vitest";
import { codecGraph, DEFAULT_OPTIONS, laterGraph, lossGraph } from "../src/engine";
import { confidentCells } from "../src/raw";
import { formula } from "../src/terms";

const files = { grid: 3, boxes: 2, classes: 10, slots: 6 };

test("graphs that are files have short names, all others say their classes and slots", () => {
  expect(lossGraph(files, DEFAULT_OPTIONS)).toBe("v1-3-2-sqrt-iou-squared_error");
  expect(codecGraph(files, DEFAULT_OPTIONS)).toBe("codec-3-2");
  expect(laterGraph("v8", files)).toBe("v8");
  expect(laterGraph("v5", files)).toBe("v5-10-6");
  const own = { grid: 20, boxes: 2, classes: 20, slots: 16 };
  const options = { ...DEFAULT_OPTIONS, size_encoding: "linear", penalty: "huber" };
  expect(lossGraph(own, options)).toBe("v1-20-2-sqrt-iou-squared_error-linear-huber-20-16");
  expect(codecGraph(own, options)).toBe("codec-20-2-linear-20-16");
  expect(laterGraph("v8", own)).toBe("v8-20-16");
  expect(laterGraph("run", own)).toBe("run-16");
});

test("the formula shows the penalty", () => {
  const of = (penalty: string) => formula("xy", { ...DEFAULT_OPTIONS, penalty }).replaceAll(/\\htmlData\{symbol=\w+\}\{([^{}]*)\}/g, "$1");
  expect(of("squared_error")).toContain("(x_i-\\hat x_i)^2");
  expect(of("absolute_error")).toContain("|y_i-\\hat y_i|");
  expect(of("huber")).toContain("H}(x_i-\\hat x_i)");
});

test("the surest boxes of a network are shown, unless it is sure of none", () => {
  const layout = { grid: 2, boxes: 1, classes: 1, slots: 6 };
  const raw = new Float32Array(4 * 6);
  expect(confidentCells(raw, layout)).toEqual([]);
  raw[4] = 0.3; // cell 0
  raw[2 * 6 + 4] = 0.9; // cell 2
  raw[3 * 6 + 4] = 0.1; // cell 3
  expect(confidentCells(raw, layout)).toEqual([2, 0]);
});
