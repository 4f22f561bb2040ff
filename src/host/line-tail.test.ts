import { array, assert, nat, property, string } from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { LineTail } from "./line-tail.ts";

test("the last lines are kept whatever pieces they come in", () => {
  const line = string({ unit: "grapheme-ascii", minLength: 1, maxLength: 30 });
  assert(
    property(array(line, { maxLength: 20 }), array(nat(400)), (lines, cuts) => {
      const bytes = utf8(lines.map((text) => `${text}\r\n`).join(""));
      const tail = new LineTail({ lines: 5 });
      let from = 0;
      for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
        tail.add(bytes.subarray(from, Math.min(cut, bytes.length)));
        from = Math.min(cut, bytes.length);
      }
      expect(tail.lines()).toEqual(lines.slice(-5));
    }),
  );
});

test("a line of 100 MB is kept only up to its bound, and the next one is whole", () => {
  const tail = new LineTail({ lineBytes: 16 });
  const chunk = new Uint8Array(1 << 20).fill(0x61);
  for (let i = 0; i < 100; i++) tail.add(chunk);
  tail.add(utf8("\nnext\nlast without an end"));
  expect(tail.lines()).toEqual(["a".repeat(16), "next", "last without an "]);
});

test("escape sequences, NULs and broken UTF-8 are made visible", () => {
  const tail = new LineTail();
  tail.add(Buffer.from("\x1b]52;c;x\x07\0\n\xff\xfe\n", "latin1"));
  expect(tail.lines()).toEqual(["\\x1b]52;c;x\\x07\\x00", "\\xff\\xfe"]);
});

test("every complete line is shown to the listener, also those the tail forgets", () => {
  const seen: string[] = [];
  const tail = new LineTail({ lines: 1 }, (line) => seen.push(line));
  tail.add(utf8("one\ntwo\nthr"));
  tail.add(utf8("ee\nfour"));
  expect(seen).toEqual(["one", "two", "three"]);
});
