/**
 * What computes: the library's own loss, in the browser (static_engine.ts) or in Python (live.ts). The page does no
 * arithmetic of a loss itself. What only a live engine can do is one field each of `Capabilities`, false in the browser.
 */
export interface Engine {
  capabilities(): Promise<Capabilities>;
  load(graph: string): Promise<Graph>;
  /** Only where `Capabilities.training` is true. */
  readonly trainer?: Trainer;
}

/** Trains a tiny detector with each of one or two settings, for some minutes. */
export interface Trainer {
  start(settings: Setting[], minutes: number, watch: (line: TrainingLine) => void): Promise<void>;
  stop(): Promise<void>;
}

export interface Setting {
  coord: number;
  noobj: number;
}

export interface TrainingLine {
  /** Index of its setting. */
  training: 0 | 1;
  step?: number;
  unweighted?: Record<string, number>;
  /** Now and then, of pictures that are held out. */
  measures?: { precision: number; recall: number };
  ended?: boolean;
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
