/** Numbers as the page writes them. */

/** Three to four digits that say something: 12.35, 0.6184, 0.0021. */
export function short(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const digits = size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 || size < 5e-5 ? 3 : 4;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
}

export function two(value: number): string {
  return value.toFixed(2).replace("-", "−");
}
