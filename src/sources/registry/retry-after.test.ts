import * as fc from "fast-check";
import { expect, test } from "vitest";
import { redact } from "./answer-error.ts";
import { retryAfterMs } from "./retry-after.ts";

const now = { date: "Wed, 21 Oct 2015 07:28:00 GMT", unixSeconds: 1 };

test("Retry-After is seconds, or a date by the server's own clock", () => {
  expect(retryAfterMs("2", now)).toBe(2000);
  expect(retryAfterMs(" 0 ", now)).toBe(0);
  expect(retryAfterMs("Wed, 21 Oct 2015 07:28:30 GMT", now)).toBe(30_000);
  expect(retryAfterMs("Wed, 21 Oct 2015 07:27:00 GMT", now)).toBe(0);
  const own = { date: undefined, unixSeconds: Date.parse(now.date) / 1000 };
  expect(retryAfterMs("Wed, 21 Oct 2015 07:28:05 GMT", own)).toBe(5000);
});

test("anything else says nothing", () => {
  for (const header of ["880µs", "-1", "1.5", "", "soon", "Infinity", "1e9", "0x10", undefined]) {
    expect(retryAfterMs(header, now)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (header) => {
      const ms = retryAfterMs(header, now);
      expect(ms === undefined || ms >= 0).toBe(true);
    }),
  );
});

test("secrets, and what looks like one, are removed from what a server says", () => {
  expect(redact("you sent hunter22 and hunter22", ["hunter22"])).toBe(
    "you sent [removed] and [removed]",
  );
  expect(redact("Authorization: Bearer eyJhbGciOi.x.y", [])).toBe(
    "Authorization: Bearer [removed]",
  );
});
