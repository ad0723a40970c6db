/** A card that leads through the page, sets the state, and ticks off what the reader did. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useMedia, useStore, useWords } from "./context";
import { Said } from "./math";
import { predictors } from "./raw";
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
  const [more, setMore] = useState(false);
  const { result } = store;
  const all = predictors(store.state.layout);
  const objects = result?.pairs.length ?? 0;
  const say = (text: Both) => <Said text={fill(acted(text[language], language, finger), { all, objects, others: all - objects })} />;
  const look = () => setMore(card.current !== null && card.current.scrollHeight - card.current.clientHeight - card.current.scrollTop > 12);
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      makeRoom(card.current);
      look();
    });
    for (const each of [card.current, ...(card.current?.children ?? [])]) observer.observe(each as HTMLElement);
    return () => {
      observer.disconnect();
      makeRoom(null);
    };
  }, []);
  useEffect(() => {
    makeRoom(card.current);
    setFolded(false);
    card.current?.scrollTo(0, 0);
    if (matchMedia("(max-height: 500px) and (max-width: 700px)").matches) return; // there the card itself is above the page
    show(page.openTerm ? `[data-term="${page.openTerm}"]` : `#${page.at}`); // not the head of all five
  }, [index, store.result === null]);
  const latest = [...store.done].reverse().find((done) => page.tasks.some((task) => task.done === done));
  // Where the card is too small for all of it, the newest result comes into sight.
  useEffect(() => {
    const then = card.current?.querySelector<HTMLElement>(`li[data-task="${latest}"]`);
    if (then && card.current && card.current.scrollHeight > card.current.clientHeight) card.current.scrollTo({ top: then.offsetTop - 8, behavior: behaviour() });
  }, [latest]);
  const go = (there: string) => {
    setFolded(true);
    requestAnimationFrame(() => requestAnimationFrame(() => show(there))); // once the card is small
  };
  const answered = (details: HTMLElement) => {
    store.did(ANSWERED);
    card.current?.scrollTo(0, details.offsetTop - 8);
  };
  const where = fill(words.page, { page: index + 1, pages: PAGES.length });
  return (
    <aside class={names("tour", folded && "folded")} data-at={page.at} aria-label={words.tour} ref={card} onScroll={look}>
      <div class="said" aria-live="polite">
        <p class="quiet">
          {where} <progress max={PAGES.length} value={index + 1} aria-label={where} />
          <button type="button" class="bare fold" aria-expanded={!folded} onClick={() => setFolded(!folded)}>{folded ? words.unfold : words.fold}</button>
        </p>
        <h2>{page.title[language]}</h2>
        <p>{say(page.text)}</p>
        {/* Where there is room, it is kept for all of them: the card keeps its height while a box is dragged. */}
        <div class="thens">
          {page.tasks.map((task) => task.then && <p key={task.done} class={names("then", store.done.has(task.done) && "now")}>{say(task.then)}</p>)}
        </div>
      </div>
      <div class="todo">
        <ul>
          {page.tasks.map((task) => {
            const done = store.done.has(task.done);
            return (
              <li key={task.done} data-task={task.done} class={names(done && "done")}>
                <i role="img" aria-label={done ? words.tick : words.todo} />
                <span>{say(task)} {task.there && <button type="button" class="bare there" onClick={() => go(task.there as string)}>{words.goThere}</button>}{done && task.then && <b class="then">{say(task.then)}</b>}</span>
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
          {more && !folded && <button type="button" class="bare more-below" onClick={() => card.current?.scrollBy({ top: 110, behavior: behaviour() })}>↓ {words.moreBelow}</button>}
          <button type="button" disabled={index === 0} onClick={() => void store.tourTo(index - 1, PAGES[index - 1] as Page)}>{words.back}</button>
          {index < PAGES.length - 1
            ? <button type="button" class="main" onClick={() => void store.tourTo(index + 1, PAGES[index + 1] as Page)}>{words.next}</button>
            : <button type="button" class={names(page.tasks.every((task) => store.done.has(task.done)) && "main")} onClick={() => store.endTour()}>{words.endTour}</button>}
        </div>
      </div>
    </aside>
  );
}

const behaviour = (): ScrollBehavior => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

/** Bring a part of the page into view, below or above the card. */
function show(selector: string): void {
  document.querySelector(selector)?.scrollIntoView({ behavior: behaviour(), block: "start" });
}

/** Nothing of the page lies under the card: style.css knows how high it is. */
function makeRoom(card: HTMLElement | null): void {
  document.documentElement.style.setProperty("--card", `${card?.offsetHeight ?? 0}px`);
}
