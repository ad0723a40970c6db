/** The link: all state is in the address, and each group of controls can be left out of it. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useStore, useWords } from "./context";
import { GROUPS } from "./state";

export function Share(): JSX.Element {
  const store = useStore();
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const link = () => `${location.href.replace(/#.*$/, "")}#${store.hash}`;
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>{words.share}</button>
      <dialog ref={dialog} aria-label={words.hideGroups}>
        <h2>{words.hideGroups}</h2>
        <p>{words.shareLead}</p>
        <div class="groups">
          {GROUPS.map((group) => (
            <label key={group}>
              <input type="checkbox" checked={!store.state.hidden.includes(group)} onChange={() => store.toggleGroup(group)} /> {words[`group_${group}`]}
            </label>
          ))}
        </div>
        <input class="link" type="text" readOnly aria-label={words.copy} value={link()} onFocus={(event) => event.currentTarget.select()} />
        <div class="bar">
          <button type="button" class="main" onClick={() => void navigator.clipboard.writeText(link()).then(() => setCopied(true))}>{copied ? words.copied : words.copy}</button>
          <button type="button" onClick={() => dialog.current?.close()}>{words.close}</button>
        </div>
      </dialog>
    </>
  );
}
