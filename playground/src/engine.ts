import type { Layout, Truth } from "./raw";
import type { LambdaName } from "./terms";

/**
 * What computes: the library's own loss, in the browser (static_engine.ts) or in Python (live.ts). The page does no
 * arithmetic of a loss itself. What only a live engine can do is one field each of `Capabilities`, false in the browser.
 */
export interface Engine {
  capabilities(): Promise<Capabilities>;
  load(graph: string): Promise<Graph>;
  /** Only where `Capabilities.training` is true. */
  readonly trainer?: Trainer;
  /** Only where `Capabilities.uploads` is not null. */
  readonly own?: OwnPictures;
}

/** Pictures of the reader's own. */
export interface OwnPictures {
  /** A picture of the data, by its number or name. */
  scene(which: number | string): Promise<OwnScene>;
  /** A file of the reader's. */
  open(file: Blob): Promise<OwnScene>;
}

export interface OwnScene {
  name: string;
  /** Its place in the data; null for an opened file. */
  number: number | null;
  /** A data URL. */
  picture: string;
  truths: Truth[];
  /** Objects that are not shown: too many, or too small. */
  left_out: number;
  slots: number;
  /** What the network of the run emits for it. */
  raw: Float32Array | null;
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
  run(inputs: Record<string, Values>, asked?: Asked): Promise<Outputs>;
}

/** What a live engine can be spared, and can put in itself. */
export interface Asked {
  /** Some of the outputs only. */
  wanted?: string[];
  /** The raw output is what the network of the run emits for this picture. */
  rawOf?: number | "opened";
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
  /** What is not named has its default. */
  options: Partial<Record<OptionName, string[]>>;
  /** Those that can be compared. */
  losses: string[];
  graphs: string[];
  training: boolean;
  /** The data of the reader. */
  pictures: { name: string; split: string; count: number } | null;
  /** Names of the classes of own pictures. */
  class_names: string[];
  /** Limits of an opened file. */
  uploads: { bytes: number; pixels: number } | null;
  run: Run | null;
}

/** A trained network; the last four only of YOLOv1. */
export interface Run {
  name: string;
  loss: string;
  grid?: number;
  boxes?: number;
  options?: Options;
  lambdas?: Record<LambdaName, number>;
}

export type OptionName = "size_term" | "confidence_target" | "class_term" | "size_encoding" | "penalty";
export type Options = Record<OptionName, string>;

export const DEFAULT_OPTIONS: Options = {
  size_term: "sqrt", confidence_target: "iou", class_term: "squared_error", size_encoding: "sqrt", penalty: "squared_error",
};

// The graphs that are files have these; a live engine has others under longer names.
const FILES = { classes: 10, slots: 6, grid: 13, losses: ["v3", "v8", "v10"] };
const inFiles = ({ classes, slots, grid }: Layout) => classes === FILES.classes && slots === FILES.slots && grid <= FILES.grid;

export function lossGraph(layout: Layout, options: Options): string {
  const key = ["v1", layout.grid, layout.boxes, options.size_term, options.confidence_target, options.class_term];
  const usual = options.size_encoding === DEFAULT_OPTIONS.size_encoding && options.penalty === DEFAULT_OPTIONS.penalty;
  return (usual && inFiles(layout) ? key : [...key, options.size_encoding, options.penalty, layout.classes, layout.slots]).join("-");
}

export function codecGraph(layout: Layout, options: Options): string {
  const key = ["codec", layout.grid, layout.boxes];
  const usual = options.size_encoding === DEFAULT_OPTIONS.size_encoding;
  return (usual && inFiles(layout) ? key : [...key, options.size_encoding, layout.classes, layout.slots]).join("-");
}

/** Of a loss other than YOLOv1; "run": the one of the run. */
export function laterGraph(loss: string, layout: Layout): string {
  if (loss === "run") return `run-${layout.slots}`;
  return FILES.losses.includes(loss) && inFiles(layout) ? loss : [loss, layout.classes, layout.slots].join("-");
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
