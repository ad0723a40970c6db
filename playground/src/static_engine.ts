/** The library's loss as ONNX graphs, run by onnxruntime in WebAssembly, each graph loaded when it is first asked for. */
import * as ort from "onnxruntime-web/wasm";
import type { Capabilities, Engine, Entry, Graph, OptionName, Outputs, Values } from "./engine";

interface Manifest {
  classes: number;
  slots: number;
  grids: number[];
  boxes: number[];
  options: Record<OptionName, string[]>;
  graphs: Record<string, Entry & { file: string }>;
}

/** Contents of a file of the page by its name. */
export type Read = (name: string) => Promise<Uint8Array>;

export class StaticEngine implements Engine {
  private readonly graphs = new Map<string, Promise<Graph>>();
  private readonly manifest: Promise<Manifest>;
  private readonly runtime: Promise<void>;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly read: Read) {
    this.manifest = read("manifest.json").then((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Manifest);
    this.runtime = read("ort.wasm").then((bytes) => {
      ort.env.wasm.wasmBinary = bytes.buffer as ArrayBuffer;
    });
    this.runtime.catch(() => {}); // told where it is waited for
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
  }

  async capabilities(): Promise<Capabilities> {
    const { graphs, ...rest } = await this.manifest;
    return { ...rest, graphs: Object.keys(graphs), losses: ["v1", "v3", "v8", "v10"], training: false, pictures: null, class_names: [], uploads: null, run: null };
  }

  load(graph: string): Promise<Graph> {
    let loaded = this.graphs.get(graph);
    if (loaded === undefined) {
      loaded = this.create(graph);
      this.graphs.set(graph, loaded);
    }
    return loaded;
  }

  private async create(name: string): Promise<Graph> {
    const entry = (await this.manifest).graphs[name];
    if (entry === undefined) throw new Error(`graph: expected one of manifest.json; got ${name}`);
    const [bytes] = await Promise.all([this.read(entry.file), this.runtime]);
    const session = await this.alone(() => ort.InferenceSession.create(bytes, { logSeverityLevel: 3 }));
    return {
      entry,
      run: async (inputs) => {
        const feeds = Object.fromEntries(
          Object.entries(inputs).map(([key, values]) => [key, tensor(values, entry.inputs[key] ?? [])]),
        );
        const results = await this.alone(() => session.run(feeds));
        return Object.fromEntries(Object.entries(results).map(([key, value]) => [key, value.data])) as Outputs;
      },
    };
  }

  /** onnxruntime in one thread does one thing at a time. */
  private alone<T>(job: () => Promise<T>): Promise<T> {
    const next = this.last.then(job, job);
    this.last = next;
    return next;
  }
}

function tensor(values: Values, shape: number[]): ort.Tensor {
  if (values instanceof Float32Array) return new ort.Tensor("float32", values, shape);
  if (values instanceof BigInt64Array) return new ort.Tensor("int64", values, shape);
  return new ort.Tensor("bool", values, shape);
}
