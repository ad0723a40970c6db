/** A card that leads through the page, sets the state, and ticks off what the reader did. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useMedia, useStore, useWords } from "./context";
import { Said } from "./math";
import { names } from "./scene";
import { ANSWERED, PAGES, type Page, type Said as Both } from "./tour_pages";
import { acted, fill } from "./words";

export function Tour({ page: number }: { page: number }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const { language } = store.state;
  const index = Math.min(number, PAGES.length - 1);
  const page = PAGES[index] as Page;
  const card = useRef<HTMLElement>(null);
  const finger = useMedia("(pointer: coarse)");
  const [folded, setFolded] = useState(false);
  const say = (text: Both) => <Said text={acted(text[language], language, finger)} />;
  useEffect(() => {
    const observer = new ResizeObserver(() => makeRoom(card.current));
    observer.observe(card.current as HTMLElement);
    return () => {
      observer.disconnect();
      makeRoom(null);
    };
  }, []);
  useEffect(() => {
    makeRoom(card.current);
    setFolded(false);
    card.current?.scrollTo(0, 0);
    if (matchMedia("(max-height: 500px)").matches) return; // there the card itself is above the page
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const term = page.openTerm ? document.querySelector(`[data-term="${page.openTerm}"]`) : null; // not the head of all five
    (term ?? document.getElementById(page.at))?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }, [index, store.result === null]);
  const latest = [...store.done].reverse().find((done) => page.tasks.some((task) => task.done === done && task.then));
  const answered = (details: HTMLElement) => {
    store.did(ANSWERED);
    card.current?.scrollTo(0, details.offsetTop - 8);
  };
  const where = fill(words.page, { page: index + 1, pages: PAGES.length });
  return (
    <aside class={names("tour", folded && "folded")} data-at={page.at} aria-label={words.tour} ref={card}>
      <div class="said" aria-live="polite">
        <p class="quiet">
          {where} <progress max={PAGES.length} value={index + 1} aria-label={where} />
          <button type="button" class="bare fold" aria-expanded={!folded} onClick={() => setFolded(!folded)}>{folded ? words.unfold : words.fold}</button>
        </p>
        <h2>{page.title[language]}</h2>
        <p>{say(page.text)}</p>
        {/* Where there is room, one at a time in one place: the card keeps its height while a box is dragged. */}
        <div class="thens">
          {page.tasks.map((task) => task.then && <p key={task.done} class={names("then", task.done === latest && "now")}>{say(task.then)}</p>)}
        </div>
      </div>
      <div class="todo">
        <ul>
          {page.tasks.map((task) => {
            const done = store.done.has(task.done);
            return (
              <li key={task.done} class={names(done && "done")}>
                <i role="img" aria-label={done ? words.tick : words.todo} />
                <span>{say(task)}{done && task.then && <b class="then">{say(task.then)}</b>}</span>
              </li>
            );
          })}
        </ul>
        {page.question && (
          <details key={index} onToggle={(event) => event.currentTarget.open && answered(event.currentTarget)}>
            <summary>{say(page.question.ask)}</summary>
            <p>{say(page.question.answer)}</p>
          </details>
        )}
        <div class="bar">
          {index < PAGES.length - 1 && <button type="button" class="bare" onClick={() => store.endTour()}>{words.endTour}</button>}
          <span class="push" />
          <button type="button" disabled={index === 0} onClick={() => void store.tourTo(index - 1, PAGES[index - 1] as Page)}>{words.back}</button>
          {index < PAGES.length - 1
            ? <button type="button" class="main" onClick={() => void store.tourTo(index + 1, PAGES[index + 1] as Page)}>{words.next}</button>
            : <button type="button" class="main" onClick={() => store.endTour()}>{words.endTour}</button>}
        </div>
      </div>
    </aside>
  );
}

/** Nothing of the page lies under the card: style.css knows how high it is. */
function makeRoom(card: HTMLElement | null): void {
  document.documentElement.style.setProperty("--card", `${card?.offsetHeight ?? 0}px`);
}
