import "katex/dist/katex.css";
import "./style.css";
import { render } from "preact";
import { App } from "./app";
import { StoreContext } from "./context";
import type { Engine } from "./engine";
import { readFile } from "./files";
import { LiveEngine, type Socket } from "./live";
import { asked, parseHash } from "./state";
import { StaticEngine } from "./static_engine";
import { Store, type SceneFile } from "./store";
import { WORDS, fill } from "./words";
import sceneFiles from "../scenes/scenes.json";
import oneCell from "../scenes/one-cell.png";
import sizes from "../scenes/sizes.png";
import three from "../scenes/three.png";

const PICTURES: Record<string, string> = { three, "one-cell": oneCell, sizes };

declare global {
  interface Window {
    /** For tests and for curious readers: the state, and what was computed of it. */
    yolossesPlayground?: Store;
  }
}

/** The server that serves this page, if it is one of `yolosses play`. */
async function liveEngine(): Promise<LiveEngine | null> {
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`;
  const engine = new LiveEngine(() => new WebSocket(address) as unknown as Socket);
  return engine.begin().then(() => engine, () => null);
}

/** A finger that scrolls the page and began on a slider leaves its value as it was. */
function keepSliders(): void {
  let slider: HTMLInputElement | null = null;
  let value = "";
  addEventListener("pointerdown", ({ target }) => {
    slider = target instanceof HTMLInputElement && target.type === "range" ? target : null;
    value = slider?.value ?? "";
  }, true);
  addEventListener("pointercancel", () => {
    if (slider === null || slider.value === value) return;
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

async function begin(): Promise<void> {
  const place = document.getElementById("app") as HTMLElement;
  const hash = asked(location);
  const words = WORDS[parseHash(hash).language ?? (navigator.language.startsWith("zh") ? "zh-TW" : "en")];
  place.textContent = words.loading;
  try {
    const live = parseHash(hash).live ? await liveEngine() : null;
    const engine: Engine = live ?? new StaticEngine(readFile);
    const store = new Store(engine, sceneFiles as SceneFile[]);
    if (live) live.onConnection = (there) => store.setNote(there ? null : "reconnecting");
    else if (parseHash(hash).live) store.setNote("noServer");
    const show = () => {
      place.textContent = "";
      place.inert = true; // nothing can be moved before it is known what the boxes are
      render(
        <StoreContext.Provider value={store}>
          <App pictures={store.scenes.map((scene) => PICTURES[scene.name] as string)} />
        </StoreContext.Provider>,
        place,
      );
    };
    await store.open(hash, show);
    place.inert = false;
    addEventListener("pointerdown", () => store.hold(true));
    addEventListener("pointerup", () => store.hold(false));
    keepSliders();
    addEventListener("pointercancel", () => store.hold(false));
    window.yolossesPlayground = store;
  } catch (error) {
    render(null, place);
    place.inert = false;
    place.textContent = fill(words.failed, { why: error instanceof Error ? error.message : String(error) });
  }
}

void begin();
