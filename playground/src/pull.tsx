/** Where the gradient pulls, and descent along it with the curve of each term. */
import type { JSX } from "preact";
import { useStore, useWords } from "./context";
import { Curves, termCurves, TermKeys, totalCurve } from "./curves";
import { Said } from "./math";
import { names } from "./scene";
import { fill } from "./words";

export function Pull(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { state } = store;
  return (
    <section id="pull">
      <h2>{words.pull}</h2>
      <p class="lead"><Said text={words.pullLead} /></p>
      <div class="bar">
        <button type="button" class="main" onClick={() => (store.playing ? store.pause() : store.play())}>{store.playing ? words.pause : words.play}</button>
        <button type="button" onClick={() => store.step()}>{words.step}</button>
        <button type="button" onClick={() => store.restart()}>{words.restart}</button>
        <button type="button" aria-pressed={state.arrows} class={names(state.arrows && "on")} onClick={() => { store.set({ arrows: !state.arrows }); }}>{words.arrows}</button>
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
      <Curves curves={[...termCurves(store.history.map((terms, step) => [step, terms])), totalCurve(store.descent)]} last={Math.max(store.history.length - 1, 10)}
        caption={store.history.length ? fill(words.chart, { steps: store.history.length - 1 }) : words.chartEmpty}>
        <span class="keys"><b>{words.total}</b><TermKeys /></span>
      </Curves>
    </section>
  );
}
