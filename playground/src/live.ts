/** The library itself behind `yolosses play`, asked over one WebSocket. The messages are those of apps/play/messages.py. */
import type { Capabilities, Engine, Entry, Graph, Outputs, Setting, Trainer, TrainingLine, Values } from "./engine";

/** What is used of a WebSocket. */
export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: (() => void) | null;
}

interface Request {
  message: Record<string, unknown>;
  tries: number;
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

interface Reply {
  id?: number;
  error?: string;
  capabilities?: Capabilities;
  entry?: Entry;
  outputs?: Record<string, { data: (number | boolean | null)[] }>;
  training?: number | string;
  replies?: Reply[];
}

const FIRST_MS = 3000; // for a connection to open
const REPLY_MS = 20_000; // without a reply: the connection is taken for lost
const RETRY_MS = 500;
const MOST_RETRY_MS = 5000;
const MOST_TRIES = 3; // of one request
const MOST_TOGETHER = 8; // requests in one message

/** One message at a time: the server keeps only the newest of those that wait, and all of these are wanted. What waits
 * goes out together. */
export class LiveEngine implements Engine {
  /** Told when the connection is lost, and when it is there again. */
  onConnection: (there: boolean) => void = () => {};

  readonly trainer: Trainer = {
    start: async (settings: Setting[], minutes, watch) => {
      this.watch = watch;
      const named = settings.map(({ coord, noobj }) => ({ lambda_coord: coord, lambda_noobj: noobj }));
      await this.ask({ do: "train", settings: named, minutes });
    },
    stop: async () => {
      await this.ask({ do: "stop" });
      this.watch = () => {};
    },
  };

  private readonly graphs = new Map<string, Promise<Graph>>();
  private readonly waiting: Request[] = [];
  private socket: Socket | null = null;
  private asked: Request[] = [];
  private soon = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private number = 0;
  private watch: (line: TrainingLine) => void = () => {};

  constructor(private readonly connect: () => Socket) {}

  /** The first connection; fails where no server answers. */
  begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.connect();
      const late = setTimeout(() => socket.close(), FIRST_MS);
      socket.onopen = () => {
        clearTimeout(late);
        this.socket = socket;
        resolve();
        this.next();
      };
      socket.onmessage = ({ data }) => this.receive(JSON.parse(data) as Reply);
      socket.onclose = () => {
        clearTimeout(late);
        reject(new Error("no server answers at /live"));
        if (this.socket === socket) this.lost();
      };
    });
  }

  async capabilities(): Promise<Capabilities> {
    return (await this.ask({ do: "capabilities" })).capabilities as Capabilities;
  }

  load(graph: string): Promise<Graph> {
    let loaded = this.graphs.get(graph);
    if (loaded === undefined) {
      loaded = this.create(graph);
      this.graphs.set(graph, loaded);
    }
    return loaded;
  }

  private async create(graph: string): Promise<Graph> {
    const { entry } = await this.ask({ do: "graph", graph });
    return {
      entry: entry as Entry,
      run: async (inputs: Record<string, Values>) => {
        const numbers = Object.entries(inputs).map(([name, values]) => [name, Array.from(values as ArrayLike<number | bigint>, Number)]);
        return read((await this.ask({ do: "run", graph, inputs: Object.fromEntries(numbers) })).outputs ?? {});
      },
    };
  }

  private ask(message: Record<string, unknown>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ message, tries: 0, resolve, reject });
      if (this.soon) return;
      this.soon = true;
      queueMicrotask(() => {
        this.soon = false;
        this.next();
      });
    });
  }

  private next(): void {
    if (this.socket === null || this.asked.length > 0 || this.waiting.length === 0) return;
    const alone = this.waiting.findIndex(({ message }) => message["do"] === "train" || message["do"] === "stop");
    this.asked = this.waiting.splice(0, Math.max(1, Math.min(alone < 0 ? MOST_TOGETHER : alone, MOST_TOGETHER)));
    for (const request of this.asked) request.tries += 1;
    this.number += 1;
    const socket = this.socket;
    this.timer = setTimeout(() => socket.close(), REPLY_MS);
    const messages = this.asked.map(({ message }) => message);
    socket.send(JSON.stringify({ id: this.number, ...(messages.length === 1 ? messages[0] : { do: "all", messages }) }));
  }

  private receive(reply: Reply): void {
    if (typeof reply.training === "number") return this.watch(reply as TrainingLine);
    const requests = this.asked;
    if (requests.length === 0 || reply.id !== this.number) return undefined;
    this.asked = [];
    clearTimeout(this.timer);
    if (reply.error === "overtaken") this.waiting.unshift(...requests);
    else requests.forEach((request, index) => settle(request, reply.replies?.[index] ?? reply));
    return this.next();
  }

  /** Connect again; what was asked is asked once more. A training has ended with its connection. */
  private lost(): void {
    clearTimeout(this.timer);
    this.socket = null;
    const requests = this.asked;
    this.asked = [];
    this.waiting.unshift(...requests.filter(({ tries }) => tries < MOST_TRIES));
    for (const { tries, reject } of requests) if (tries >= MOST_TRIES) reject(new Error("the server does not reply"));
    for (const training of [0, 1] as const) this.watch({ training, ended: true });
    this.onConnection(false);
    this.retry(RETRY_MS);
  }

  private retry(after: number): void {
    setTimeout(() => {
      this.begin().then(
        () => this.onConnection(true),
        () => this.retry(Math.min(2 * after, MOST_RETRY_MS)),
      );
    }, after);
  }
}

function settle(request: Request, reply: Reply): void {
  if (reply.error === undefined) request.resolve(reply);
  else request.reject(new Error(reply.error));
}

/** JSON has neither NaN nor infinity: null stands for both. Indices are small enough for a float32. */
function read(outputs: NonNullable<Reply["outputs"]>): Outputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data, (value) => (value === null ? Number.NaN : Number(value)))]),
  );
}
