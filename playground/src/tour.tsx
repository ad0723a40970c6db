/** A card that leads through the page, sets the state, and ticks off what the reader did. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useStore, useWords } from "./context";
import { names } from "./scene";
import { PAGES, type Page } from "./tour_pages";
import { fill } from "./words";

export function Tour({ page: number }: { page: number }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { language } = store.state;
  const index = Math.min(number, PAGES.length - 1);
  const page = PAGES[index] as Page;
  useEffect(() => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    document.getElementById(page.at)?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }, [index]);
  return (
    <aside class="tour" aria-label={words.tour}>
      <div class="bar">
        <span class="quiet">{fill(words.page, { page: index + 1, pages: PAGES.length })}</span>
        <span class="push" />
        <button type="button" class="bare" onClick={() => store.set({ tour: null })}>{words.endTour}</button>
      </div>
      <h2>{page.title[language]}</h2>
      <p>{page.text[language]}</p>
      <ul>
        {page.tasks.map((task) => {
          const done = store.done.has(task.done);
          return <li key={task.done} class={names(done && "done")}><i role="img" aria-label={done ? words.tick : words.todo} />{task[language]}</li>;
        })}
      </ul>
      <div class="bar">
        <progress max={PAGES.length} value={index + 1} aria-label={fill(words.page, { page: index + 1, pages: PAGES.length })} />
        <span class="push" />
        <button type="button" disabled={index === 0} onClick={() => void store.tourTo(index - 1, PAGES[index - 1] as Page)}>{words.back}</button>
        {index < PAGES.length - 1
          ? <button type="button" class="main" onClick={() => void store.tourTo(index + 1, PAGES[index + 1] as Page)}>{words.next}</button>
          : <button type="button" class="main" onClick={() => store.set({ tour: null })}>{words.endTour}</button>}
      </div>
    </aside>
  );
}
