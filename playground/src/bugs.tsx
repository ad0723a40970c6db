import type { JSX } from "preact";
export function Bugs(): JSX.Element | null { return null; }
