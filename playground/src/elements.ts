/** A term as the list of its elements, read from the outputs of a graph. */
import { floats, integers, type Outputs } from "./engine";
import type { TermName } from "./terms";

export interface Element {
  predictor: number;
  part: number;
  pred: number;
  target: number;
  penalty: number;
  weight: number;
  /** lambda x weight x penalty: its share of the loss. */
  value: number;
}

/** Elements that count, in the order of the graph. */
export function elementsOf(term: TermName, outputs: Outputs, lambda: number): Element[] {
  const [penalty, weight, pred, target] = ["penalty", "weight", "pred", "target"].map((part) =>
    floats(outputs, `${term}_${part}`),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const predictor = integers(outputs, `${term}_predictor`);
  const parts = penalty.length / predictor.length;
  const elements: Element[] = [];
  penalty.forEach((value, index) => {
    const factor = weight[index] as number;
    if (factor === 0) return;
    elements.push({
      predictor: predictor[Math.floor(index / parts)] as number,
      part: index % parts,
      pred: pred[index] as number,
      target: target[index] as number,
      penalty: value,
      weight: factor,
      value: lambda * factor * value,
    });
  });
  return elements;
}

/** Who is responsible for which object, and which objects nobody is responsible for. */
export interface Pair {
  object: number;
  predictor: number;
  iou: number;
}

export function pairsOf(outputs: Outputs): Pair[] {
  const predictor = integers(outputs, "pair_predictor");
  const object = integers(outputs, "pair_object");
  const iou = floats(outputs, "pair_iou");
  return integers(outputs, "pair_mask").flatMap((valid, index) =>
    valid ? [{ object: object[index] as number, predictor: predictor[index] as number, iou: iou[index] as number }] : [],
  );
}
