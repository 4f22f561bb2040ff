import { expect, test } from "vitest";
import { TerminalFilter } from "./console.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function filtered(...chunks: string[]): string {
  const filter = new TerminalFilter();
  return chunks.map((chunk) => filter.push(bytes(chunk))).join("") + filter.end();
}

test("colours of a guest reach the terminal, other escapes are made visible", () => {
  expect(filtered("\u001b[1;31mred\u001b[0m\r\n")).toBe("\u001b[1;31mred\u001b[0m\r\n");
  expect(filtered("\u001b]52;c;cHduZWQ=\u0007")).toBe("\\x1b]52;c;cHduZWQ=\\x07");
  expect(filtered("\u001b[6n")).toBe("\\x1b[6n");
  expect(filtered("a\u202eb")).toBe("a\\x202eb");
});

test("an escape that is cut between chunks is judged as a whole", () => {
  for (let cut = 1; cut < 5; cut++) {
    const text = "\u001b[31mx";
    expect(filtered(text.slice(0, cut), text.slice(cut))).toBe(text);
  }
  expect(filtered("\u001b")).toBe("\\x1b");
  expect(filtered("\u001b[", "2J")).toBe("\\x1b[2J");
});
