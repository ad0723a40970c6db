/** The store for all components, the words of the chosen language, and numbers that tests can read. */
import { createContext, type JSX } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { short } from "./format";
import type { Store } from "./store";
import { wordsFor, type Words } from "./words";

export const StoreContext = createContext<Store | null>(null);

/** The store; the component is drawn again whenever the store changes. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === null) throw new Error("StoreContext: expected a Store around this component");
  const [, draw] = useState(0);
  useEffect(() => store.subscribe(() => draw((count) => count + 1)), [store]);
  return store;
}

/** Said of a finger where there is no mouse. */
export function useWords(): Words {
  return wordsFor(useStore().state.language, useMedia("(pointer: coarse)"));
}

/** One column: the picture and the loss stay at the top. */
export const useNarrow = () => useMedia("(max-width: 700px)");
/** A phone on its side: the picture has the left half, whole; all else passes on the right. */
export const useLow = () => useMedia("(max-height: 500px) and (min-width: 701px)");

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = () => setMatches(list.matches);
    changed();
    list.addEventListener("change", changed);
    return () => list.removeEventListener("change", changed);
  }, [query]);
  return matches;
}

/** A number in short; `name` says which one it is, the whole number is in `data-value`. */
export function Value({ name, value }: { name: string; value: number }): JSX.Element {
  return (
    <span class="number" data-name={name} data-value={value}>
      {short(value)}
    </span>
  );
}
