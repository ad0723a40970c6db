/** The store for all components, the words of the chosen language, and numbers that tests can read. */
import { createContext, type JSX } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { short } from "./format";
import type { Store } from "./store";
import { WORDS, type Words } from "./words";

export const StoreContext = createContext<Store | null>(null);

/** The store; the component is drawn again whenever the store changes. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === null) throw new Error("StoreContext: expected a Store around this component");
  const [, draw] = useState(0);
  useEffect(() => store.subscribe(() => draw((count) => count + 1)), [store]);
  return store;
}

export function useWords(): Words {
  return WORDS[useStore().state.language];
}

/** A number in short; `name` says which one it is, the whole number is in `data-value`. */
export function Value({ name, value }: { name: string; value: number }): JSX.Element {
  return (
    <span class="number" data-name={name} data-value={value}>
      {short(value)}
    </span>
  );
}
