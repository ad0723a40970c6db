import { expect, test } from "vitest";
import { short } from "../src/format";

test.each([
  [1.61634, "1.616"], [0.06858, "0.0686"], [0, "0.000"], [12.345, "12.35"], [310.26, "310.3"], [-0.5, "−0.500"], [1e-9, "0.000"], [NaN, "NaN"], [Infinity, "∞"],
])("%s is written %s", (value, text) => {
  expect(short(value)).toBe(text);
});
