/** Where the tags of boxes are, so that none covers another. In hundredths of the picture. */
export const TAG_HEIGHT = 4.2;
const APART = 0.3;

export interface Tag {
  left: number;
  top: number;
  width: number;
}

/** `x`, `y`: the corner of the box that the tag belongs to; `below`: it hangs from it instead of standing on it. */
export interface Wanted {
  x: number;
  y: number;
  text: string;
  below: boolean;
}

/** The first stay where they belong; a later one that would cover one of them moves on, up or down. */
export function placed(wanted: Wanted[]): Tag[] {
  const tags: Tag[] = [];
  for (const { x, y, text, below } of wanted) {
    const width = 2.2 + Array.from(text).reduce((sum, letter) => sum + (letter > "\u2e80" ? 3.1 : 1.85), 0);
    const left = Math.min(Math.max(x - 0.35, 0), 100 - width);
    const first = within(below ? y : y - TAG_HEIGHT);
    const step = (TAG_HEIGHT + APART) * (below ? 1 : -1);
    const tops = [0, 1, 2, 3, -1, -2].map((steps) => within(first + steps * step));
    const free = tops.find((top) => !tags.some((tag) => overlap(tag, { left, top, width })));
    tags.push({ left, top: free ?? first, width });
  }
  return tags;
}

const within = (top: number) => Math.min(Math.max(top, 0), 100 - TAG_HEIGHT);

function overlap(a: Tag, b: Tag): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && Math.abs(a.top - b.top) < TAG_HEIGHT;
}
