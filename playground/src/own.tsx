/** Pictures of the reader's own: those of the data one by one, and files that are opened. Only with a server. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useStore, useWords } from "./context";
import type { Store } from "./store";
import { fill, type Words } from "./words";

export function OwnBar(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const input = useRef<HTMLInputElement>(null);
  const { pictures, uploads } = store.capabilities;
  const open = (file: File | null | undefined) => {
    if (!file) return;
    if (uploads && file.size > uploads.bytes) return store.refuse(fill(words.tooLarge, { most: Math.floor(uploads.bytes / 1e6) }));
    void store.openFile(file);
  };
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      open(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  });
  const notes = notesOf(store, words);
  return (
    <>
      <div class="bar own">
        {pictures && <Numbers count={pictures.count} />}
        <span class="push" />
        <button type="button" onClick={() => input.current?.click()}>{words.openPicture}</button>
        <input ref={input} type="file" accept="image/*" hidden aria-label={words.openPicture} onChange={(event) => {
          open(event.currentTarget.files?.[0]);
          event.currentTarget.value = ""; // so that the same file can be opened again
        }} />
      </div>
      {notes.length > 0 && <p class="quiet own-notes">{notes.join(store.state.language === "en" ? " " : "")}</p>}
    </>
  );
}

function Numbers({ count }: { count: number }): JSX.Element {
  const store = useStore();
  const words = useWords();
  const number = store.own?.number ?? null;
  const go = (which: number | string) => void store.choosePicture(which);
  const say = (text: string) => {
    if (text === "") return;
    const asked = Number(text); // a name may be made of digits, as VOC's are
    go(String(asked) === text && Number.isInteger(asked) && asked <= count ? asked - 1 : text);
  };
  return (
    <>
      <button type="button" aria-label={words.previousPicture} disabled={number === null || number === 0} onClick={() => go((number ?? 0) - 1)}>←</button>
      <input class="which" type="text" key={number} defaultValue={number === null ? "" : String(number + 1)} aria-label={words.whichPicture} title={words.whichPicture}
        onChange={(event) => say(event.currentTarget.value.trim())} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
      <span class="quiet">/ {count}</span>
      <button type="button" aria-label={words.nextPicture} disabled={number === count - 1} onClick={() => go(number === null ? 0 : number + 1)}>→</button>
    </>
  );
}

function notesOf(store: Store, words: Words): string[] {
  const { own, state } = store;
  if (own === null) return [];
  const { pictures, run } = store.capabilities;
  const notes = [own.number === null || !pictures ? words.ownOpened : fill(words.ownPicture, { name: own.name, data: pictures.name, split: pictures.split })];
  if (own.left_out > 0) notes.push(fill(words.leftOut, { count: own.left_out }));
  if (state.truths.length === 0) notes.push(words.noTruths);
  if (run === null) notes.push(words.madeUp);
  else if (store.emitted) notes.push(fill(words.emitted, { run: run.name }));
  else if (run.grid === undefined) notes.push(fill(words.otherLoss, { run: run.name, loss: run.loss }));
  else notes.push(fill(words.otherShape, { run: run.name, grid: run.grid, boxes: run.boxes ?? "" }));
  return notes;
}
