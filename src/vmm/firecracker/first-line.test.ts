import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { withoutPciLine } from "./first-line.ts";

const PCI = "PCI: Fatal: No config space access function found\r\n";

async function shown(...chunks: readonly string[]): Promise<string> {
  const source = new PassThrough();
  for (const chunk of chunks) source.write(Buffer.from(chunk, "latin1"));
  source.end();
  const all: Buffer[] = [];
  for await (const chunk of withoutPciLine(source)) all.push(chunk as Buffer);
  return Buffer.concat(all).toString("latin1");
}

test("the kernel's line about PCI is left out where it comes first, wherever chunks end", async () => {
  for (const stamp of ["[    0.875275] ", "[12345.000001] ", ""]) {
    const text = `${stamp}${PCI}hello \xff\r\n`;
    for (let at = 0; at <= text.length; at++) {
      expect(await shown(text.slice(0, at), text.slice(at))).toBe("hello \xff\r\n");
    }
  }
});

test("anything else comes through, and so does that line later", async () => {
  for (const text of [
    "",
    "[",
    "[    0.1] PCI: Fatal",
    "name? ",
    "[    0.000000] Linux version 6.1\r\n",
    `hello\r\n[    0.875275] ${PCI}`,
  ]) {
    expect(await shown(text)).toBe(text);
    expect(await shown(...text.split(""))).toBe(text);
  }
});
