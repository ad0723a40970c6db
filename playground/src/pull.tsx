/** Where the gradient pulls, and descent along it with the curve of each term. */
import type { JSX } from "preact";
import { useStore, useWords } from "./context";
import { Swatch } from "./formula";
import { short } from "./format";
import { names } from "./scene";
import { COLOURS, DASHES, NUMBERS, TERMS } from "./terms";
import { fill } from "./words";

const WIDTH = 520;
const HEIGHT = 200;
const LEFT = 40;
const BOTTOM = 22;

export function Pull(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { state } = store;
  return (
    <section id="pull">
      <h2>{words.pull}</h2>
      <p class="lead">{words.pullLead}</p>
      <div class="bar">
        <button type="button" class="main" onClick={() => (store.playing ? store.pause() : store.play())}>{store.playing ? words.pause : words.play}</button>
        <button type="button" onClick={() => store.step()}>{words.step}</button>
        <button type="button" onClick={() => store.restart()}>{words.restart}</button>
        <button type="button" aria-pressed={state.arrows} class={names(state.arrows && "on")} onClick={() => { store.did("arrows"); store.set({ arrows: !state.arrows }); }}>{words.arrows}</button>
      </div>
      <div class="sliders two">
        <label>
          <span>{words.rate} <output>{state.rate}</output></span>
          <input type="range" min="0.005" max="0.2" step="0.005" value={state.rate} onInput={(event) => store.set({ rate: Number(event.currentTarget.value) })} />
        </label>
        <label>
          <span>{words.speed} <output>{store.stepsPerSecond}</output></span>
          <input type="range" min="1" max="30" step="1" value={store.stepsPerSecond} onInput={(event) => store.setSpeed(Number(event.currentTarget.value))} />
        </label>
      </div>
      <Curves history={store.history} caption={store.history.length ? fill(words.chart, { steps: store.history.length - 1 }) : words.chartEmpty} />
    </section>
  );
}

function Curves({ history, caption }: { history: number[][]; caption: string }): JSX.Element {
  const last = Math.max(history.length - 1, 10);
  const top = Math.max(...history.flat(), 1e-3);
  const x = (step: number) => LEFT + ((WIDTH - LEFT - 30) * step) / last;
  const y = (value: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 8) * Math.max(value, 0)) / top;
  return (
    <figure class="curves">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={caption}>
        <path class="axis" d={`M${LEFT} 8 V${HEIGHT - BOTTOM} H${WIDTH - 30}`} />
        {history.length > 0 && <text x={LEFT - 6} y={14} class="end">{short(top)}</text>}
        <text x={LEFT - 6} y={HEIGHT - BOTTOM + 4} class="end">0</text>
        <text x={WIDTH - 30} y={HEIGHT - 6} class="end">{history.length ? last : ""}</text>
        {history.length > 0 && TERMS.map((term, index) => (
          <path key={term} class="curve" stroke={COLOURS[term]} stroke-dasharray={DASHES[term]}
            d={`M${history.map((terms, step) => `${x(step).toFixed(1)} ${y(terms[index] as number).toFixed(1)}`).join(" L")}`} />
        ))}
      </svg>
      <figcaption>
        <span>{caption}</span>
        <span class="keys">{TERMS.map((term) => <span key={term}><Swatch term={term} /> {NUMBERS[term]}</span>)}</span>
      </figcaption>
    </figure>
  );
}
