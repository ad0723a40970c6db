/** The library itself behind `yolosses play`, asked over one WebSocket. The messages are those of apps/play/messages.py. */
import type { Asked, Capabilities, Engine, Entry, Graph, Outputs, OwnPictures, OwnScene, Setting, Trainer, TrainingLine, Values } from "./engine";

/** What is used of a WebSocket. */
export interface Socket {
  send(message: string | Uint8Array): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: (() => void) | null;
}

interface Request {
  message: Record<string, unknown>;
  /** A file to send in place of the message. */
  file?: Uint8Array;
  tries: number;
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

interface Reply {
  id?: number;
  error?: string;
  capabilities?: Capabilities;
  entry?: Entry;
  outputs?: Record<string, { data: string }>;
  scene?: Omit<OwnScene, "raw"> & { raw: string | null };
  training?: number | string;
  replies?: Reply[];
}

const FIRST_MS = 3000; // for a connection to open
const REPLY_MS = 20_000; // without a reply: the connection is taken for lost
const RETRY_MS = 500;
const MOST_RETRY_MS = 5000;
const MOST_TRIES = 3; // of one request
const MOST_TOGETHER = 8; // requests in one message
const ALONE: unknown[] = ["train", "stop", "open"]; // requests that are a message of their own

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

  readonly own: OwnPictures = {
    scene: async (which) => sceneOf(await this.ask({ do: "scene", picture: which })),
    open: async (file) => sceneOf(await this.ask({ do: "open" }, new Uint8Array(await file.arrayBuffer()))),
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
      run: async (inputs: Record<string, Values>, { wanted, rawOf }: Asked = {}) => {
        const numbers = Object.entries(inputs).map(([name, values]) => [name, pack(values)]);
        const message = { do: "run", graph, packed: true, inputs: Object.fromEntries(numbers), wanted, raw_of: rawOf };
        return read((await this.ask(message)).outputs ?? {});
      },
    };
  }

  private ask(message: Record<string, unknown>, file?: Uint8Array): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ message, ...(file && { file }), tries: 0, resolve, reject });
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
    const alone = this.waiting.findIndex(({ message }) => ALONE.includes(message["do"]));
    this.asked = this.waiting.splice(0, Math.max(1, Math.min(alone < 0 ? MOST_TOGETHER : alone, MOST_TOGETHER)));
    for (const request of this.asked) request.tries += 1;
    this.number += 1;
    const socket = this.socket;
    this.timer = setTimeout(() => socket.close(), REPLY_MS);
    const file = this.asked[0]?.file;
    if (file) return socket.send(numbered(this.number, file));
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

function sceneOf({ scene }: Reply): OwnScene {
  if (scene === undefined) throw new Error("scene: expected in the reply");
  return { ...scene, raw: scene.raw === null ? null : unpack(scene.raw) };
}

/** A file with the number of its request in front, in four bytes. */
function numbered(number: number, file: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + file.length);
  new DataView(bytes.buffer).setUint32(0, number);
  bytes.set(file, 4);
  return bytes;
}

/** Float32 in base64, a fraction of the time of digits. Indices are small enough for a float32. */
function pack(values: Values): string {
  const numbers = values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number | bigint>, Number);
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  let letters = "";
  for (let i = 0; i < bytes.length; i += 8192) letters += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(letters);
}

function unpack(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function read(outputs: NonNullable<Reply["outputs"]>): Outputs {
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, unpack(data)]));
}
