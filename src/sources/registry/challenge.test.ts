import * as fc from "fast-check";
import { expect, test } from "vitest";
import { AT_ONCE_MS } from "../../../test/support/at-once.ts";
import { parseChallenges } from "./challenge.ts";

function parsed(header: string): unknown {
  return parseChallenges(header).map(({ scheme, parameters }) => [
    scheme,
    Object.fromEntries(parameters),
  ]);
}

test("what registries send is understood", () => {
  expect(
    parsed(
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"',
    ),
  ).toEqual([
    [
      "bearer",
      {
        realm: "https://auth.docker.io/token",
        service: "registry.docker.io",
        scope: "repository:library/nginx:pull",
      },
    ],
  ]);
  expect(parsed('Basic realm="a, b=\\"c\\"", BEARER Realm=x , error="e"')).toEqual([
    ["basic", { realm: 'a, b="c"' }],
    ["bearer", { realm: "x", error: "e" }],
  ]);
  expect(parsed('Negotiate, Basic realm="x"')).toEqual([
    ["negotiate", {}],
    ["basic", { realm: "x" }],
  ]);
  expect(parsed("Negotiate dG9rZW4=, Basic realm=x")).toEqual([
    ["negotiate", {}],
    ["basic", { realm: "x" }],
  ]);
  expect(parsed(" , ,Basic")).toEqual([["basic", {}]]);
});

test("the first of a parameter given twice counts, and what is malformed ends the reading", () => {
  expect(parsed('Bearer realm="a",realm="b"')).toEqual([["bearer", { realm: "a" }]]);
  expect(parsed('Basic realm="x", Bearer realm="unclosed')).toEqual([
    ["basic", { realm: "x" }],
    ["bearer", {}],
  ]);
  expect(parsed('"')).toEqual([]);
  expect(parsed("")).toEqual([]);
});

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/);
const text = fc.string({ unit: fc.constantFrom(...Array.from('aZ09 ,=\\"/:%')), maxLength: 20 });

test("whatever is written by the rules is read as it was written", () => {
  const challenge = fc.record({
    scheme: token,
    parameters: fc.uniqueArray(fc.tuple(token, text), {
      minLength: 1,
      maxLength: 4,
      selector: ([name]) => name.toLowerCase(),
    }),
  });
  fc.assert(
    fc.property(fc.array(challenge, { minLength: 1, maxLength: 4 }), (challenges) => {
      const header = challenges
        .map(({ scheme, parameters }) => {
          const words = parameters.map(
            ([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&")}"`,
          );
          return `${scheme} ${words.join(", ")}`;
        })
        .join(", ");
      expect(parsed(header)).toEqual(
        challenges.map(({ scheme, parameters }) => [
          scheme.toLowerCase(),
          Object.fromEntries(parameters.map(([name, value]) => [name.toLowerCase(), value])),
        ]),
      );
    }),
  );
});

test("any header at all is read in bounded time, and never thrown over", () => {
  const pieces = fc.constantFrom(
    "Bearer",
    "Basic",
    " ",
    ",",
    "=",
    '"',
    "\\",
    "realm",
    "\t",
    "é",
    "a=",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
      expect(parseChallenges(parts.join("")).length).toBeLessThanOrEqual(16);
    }),
  );
  const long = ["=", '"', "\\", " ", "a", ",", 'a="', "a "].map((piece) => piece.repeat(100_000));
  const start = performance.now();
  for (const header of long) parseChallenges(`Bearer ${header}`);
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
});
