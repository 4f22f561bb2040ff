/**
 * `value` as JSON that depends on its contents alone: keys sorted by code unit, two spaces,
 * a newline at the end. (JSON.stringify keeps the order of insertion and puts keys that look
 * like numbers first.) Properties that are undefined are left out.
 */
export function canonicalJson(value: unknown): string {
  return `${print(value, "")}\n`;
}

function print(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const parts = Array.isArray(value)
    ? value.map((item) => print(item, inner))
    : entriesOf(value).map(([key, item]) => `${JSON.stringify(key)}: ${print(item, inner)}`);
  if (parts.length === 0) return open + close;
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

function entriesOf(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
