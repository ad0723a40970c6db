import { expect, test } from "vitest";
import { refusal } from "../src/bugs";

const found = { totals: [1.643, 1.643, 0.9, 1.6431, Number.NaN, Number.NaN], gradients: [0, 0, 2, 0.5, 1, 1] };

test("a wrong guess is refused by the value, by the gradient, or not at all yet", () => {
  expect(refusal(found, 1, 2)).toBe("wrongGuess");
  expect(refusal(found, 1, 3)).toBe("sameValue"); // as they are written, the values are the same
  expect(refusal(found, 1, 4)).toBe("wrongGuess");
  expect(refusal(found, 4, 5)).toBe("sameSoFar");
  expect(refusal(found, 1, 0)).toBe("sameSoFar");
});
