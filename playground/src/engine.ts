/**
 * What computes: the library's own loss, in the browser (static) or in Python (live). The page does no arithmetic of a
 * loss itself.
 *
 * A live engine speaks the same three calls over one WebSocket, as JSON with base64 numbers:
 *   {id, call: "capabilities"}             -> {id, capabilities}
 *   {id, call: "load", graph: GraphName}   -> {id, entry}        any loss and option of the library
 *   {id, call: "run", graph, inputs}       -> {id, outputs}      the names of `entry.outputs`
 *   on failure                             -> {id, error: "argument: expected ...; got ..."}
 * A reply carries the id of its request. Of several "run" that wait, the server may drop all but the newest and answer
 * {id, dropped: true}. What only a live engine can do (own pictures, a trained run, training) is one field each of
 * `Capabilities`, false here.
 */
export interface Engine {
  capabilities(): Promise<Capabilities>;
  load(graph: string): Promise<Graph>;
}

export interface Graph {
  readonly entry: Entry;
  run(inputs: Record<string, Values>): Promise<Outputs>;
}

/** Numbers of a tensor in row-major order; its shape is that of the entry. */
export type Values = Float32Array | BigInt64Array | Uint8Array;
export type Outputs = Record<string, Values>;

export interface Entry {
  inputs: Record<string, number[]>;
  outputs: string[];
  terms: string[];
  lambdas: number[];
}

export interface Capabilities {
  classes: number;
  slots: number;
  grids: number[];
  boxes: number[];
  options: Record<OptionName, string[]>;
  graphs: string[];
  pictures: boolean;
  runs: boolean;
  training: boolean;
}

export type OptionName = "size_term" | "confidence_target" | "class_term";
export type Options = Record<OptionName, string>;

export function lossGraph(grid: number, boxes: number, options: Options): string {
  return ["v1", grid, boxes, options.size_term, options.confidence_target, options.class_term].join("-");
}

export function codecGraph(grid: number, boxes: number): string {
  return `codec-${grid}-${boxes}`;
}

export function floats(outputs: Outputs, name: string): Float32Array {
  const values = outputs[name];
  if (!(values instanceof Float32Array)) throw new Error(`${name}: expected float32 in the outputs of the graph`);
  return values;
}

/** Whole numbers, such as indices and masks. */
export function integers(outputs: Outputs, name: string): number[] {
  const values = outputs[name];
  if (values === undefined) throw new Error(`${name}: expected in the outputs of the graph`);
  return Array.from(values as ArrayLike<number | bigint>, Number);
}
