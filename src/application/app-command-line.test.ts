import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { appCommandLine } from "./app-command-line.ts";
import { kernelWord, kernelWords } from "./kernel-words.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const bytes = (text: string) => Array.from(utf8(text), (b) => String.fromCharCode(b)).join("");

test("arguments follow two dashes, variables go before them, PATH is Docker's", () => {
  const config = { Entrypoint: ["/nginx", "-g"], Cmd: ["daemon off;"], Env: ["A=1", "B=two 2"] };
  expect(appCommandLine(config).words).toEqual([
    PATH,
    "A=1",
    '"B=two 2"',
    "--",
    "-g",
    '"daemon off;"',
  ]);
});

test("a program without arguments needs no dashes, and an image's PATH stays", () => {
  expect(appCommandLine({ Cmd: ["/app"], Env: ["PATH=/bin"] }).words).toEqual(["PATH=/bin"]);
});

test("JSON goes as it is where its spaces lie between quotes, an empty argument in quotes", () => {
  const { words } = appCommandLine({ Cmd: ["/app", '{"a":"b c"}', "", "à"] });
  expect(words.slice(2)).toEqual(['{"a":"b c"}', '""', '"à"']);
});

test.each([
  [["/app", 'a " b'], [], /argument "a " b".*no escape/],
  [["/app", "x", "--", "y"], [], /second --/],
  [["/app"], ["a.b=1"], /variable a\.b.*letters, digits/],
  [["/app"], ["console=x"], /variable console.*kernel's own/],
  [["/app"], ['A=" "x'], /variable A.*no escape/],
  [["/app", ...Array.from({ length: 33 }, () => "a")], [], /33 arguments.*32 at most/],
  [["/app"], Array.from({ length: 31 }, (_, i) => `V${i}=`), /32 variables.*31 at most/],
  [["/app", "a".repeat(2048)], [], /bytes of a command line.*2047/],
])("what the kernel cannot carry is UNSUPPORTED: %j %j", (Cmd, Env, message) => {
  expect(() => appCommandLine({ Cmd, Env })).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringMatching(message) }),
  );
});

test("whatever has a spelling comes back from a line of many words, and most words have one", () => {
  const word = fc.string({
    unit: fc.constantFrom(...Array.from("ab= \"\n\t-à'\\{")),
    maxLength: 8,
  });
  let spelled = 0;
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      const known = words.filter((each) => kernelWord(each) !== undefined);
      spelled += known.length;
      expect(kernelWords(known.map(kernelWord).join(" "))).toEqual(known.map(bytes));
    }),
    { seed: 5, numRuns: 2000 },
  );
  expect(spelled).toBeGreaterThan(2000);
});

test("any word without a double quote has a spelling", () => {
  const unit = fc.constantFrom(...Array.from("ab= \n\t-à'\\{é\u00a0"));
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (text) => kernelWord(text) !== undefined),
    { seed: 5 },
  );
});
