import { expect, test } from "vitest";
import { untilInitEnds } from "./until-init-ends.ts";

const PANIC =
  "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300\r\nCPU: 0\r\n";

async function shown(...chunks: readonly string[]): Promise<string[]> {
  async function* console(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk, "latin1");
  }
  const all: string[] = [];
  for await (const bytes of untilInitEnds(console())) {
    all.push(Buffer.from(bytes).toString("latin1"));
  }
  return all;
}

test("the console ends where the kernel panics about process 1, wherever chunks end", async () => {
  for (const stamp of ["[    5.422523] ", "[12345.000001] ", ""]) {
    const text = `hello\r\nno newline${stamp}${PANIC}`;
    for (let at = 0; at <= text.length; at++) {
      const all = await shown(text.slice(0, at), text.slice(at));
      expect(all.join("")).toBe("hello\r\nno newline");
    }
    expect((await shown(...text.split(""))).join("")).toBe("hello\r\nno newline");
  }
});

test("what is no panic about process 1 comes through, a prompt at once", async () => {
  const lines =
    "[1] K\xff\r\n[    1.000000] Kernel panic - not syncing: No working init found.\r\n";
  expect((await shown(...lines.split(""))).join("")).toBe(lines);
  expect(await shown("name? ", "Karl [", "x")).toEqual(["name? ", "Karl ", "[x"]);
  expect(await shown("ends with [  1.")).toEqual(["ends with ", "[  1."]);
});
