import * as fc from "fast-check";
import { isIP } from "node:net";
import { expect, test } from "vitest";
import { messageOf } from "../../test/support/failures.ts";
import { isIpAddress } from "./addresses.ts";
import { parseExposed, parsePublished, parsePublishedAll, portKey, showPort } from "./ports.ts";

const shown = (text: string) => parsePublished(text).map(showPort);

/** Docker's grammar (its nat.ParsePortSpec), with loopback in place of 0.0.0.0. */
const cases: [string, string[]][] = [
  ["80", ["127.0.0.1:0:80/tcp"]],
  ["8080:80", ["127.0.0.1:8080:80/tcp"]],
  ["0:80", ["127.0.0.1:0:80/tcp"]],
  [":80", ["127.0.0.1:0:80/tcp"]],
  ["53:53/udp", ["127.0.0.1:53:53/udp"]],
  ["53:53/UDP", ["127.0.0.1:53:53/udp"]],
  ["0.0.0.0:8080:80", ["0.0.0.0:8080:80/tcp"]],
  ["127.0.0.1::80", ["127.0.0.1:0:80/tcp"]],
  ["[::1]:8080:80", ["[::1]:8080:80/tcp"]],
  ["::1:8080:80", ["[::1]:8080:80/tcp"]],
  ["[::]::80/tcp", ["[::]:0:80/tcp"]],
  ["8080-8081:80-81", ["127.0.0.1:8080:80/tcp", "127.0.0.1:8081:81/tcp"]],
  ["80-81", ["127.0.0.1:0:80/tcp", "127.0.0.1:0:81/tcp"]],
];

for (const [text, ports] of cases) {
  test(`-p ${text} means ${ports.join(" and ")}`, () => {
    expect(shown(text)).toEqual(ports);
  });
}

test("a range of host ports for one guest port takes a free one of them", () => {
  expect(parsePublished("8080-8090:80")).toEqual([
    {
      protocol: "tcp",
      hostAddress: "127.0.0.1",
      hostPort: 0,
      guestPort: 80,
      hostRange: { first: 8080, last: 8090 },
    },
  ]);
});

test("what is no port says why", () => {
  const wrong = [
    ["65536:80", "65536 is over 65535"],
    ["8080:65536", "65536 is over 65535"],
    ["8080:0", "the guest's port is 0"],
    ["/udp", "there is none"],
    ["", "there is none"],
    ["8080:", "there is none"],
    ["80/sctp", 'protocol "sctp"'],
    ["80/", 'protocol ""'],
    ["80/tcp/udp", 'protocol "tcp/udp"'],
    ["8080-8081:80-82", "2 host ports for 3"],
    ["8080:80-81", "1 host ports for 2"],
    ["90-80:80", "runs backwards"],
    ["1-60000:1-60000", "over 1024 ports"],
    ["-1:80", '"-1" is not a port'],
    ["+80", '"+80" is not a port'],
    ["8e1", '"8e1" is not a port'],
    ["localhost:8080:80", '"localhost" is not an IP address'],
    ["1.2.3:8080:80", "is not an IP address"],
    ["[::1:8080:80", "is not an IP address"],
    ["a\u001b[31m:80", "\\x1b"],
  ] as const;
  for (const [text, why] of wrong) expect(messageOf(() => parsePublished(text))).toContain(why);
});

test("a host port claimed twice is refused, different protocols and free ports are not", () => {
  expect(messageOf(() => parsePublishedAll(["8080:80", "8080:81"]))).toContain("8080:80/tcp has");
  expect(messageOf(() => parsePublishedAll(["8080:80", "0.0.0.0:8080:81"]))).toContain("same host");
  const good = ["8080:80", "8080:80/udp", "80", "80", "127.0.0.2:8080:80"];
  expect(parsePublishedAll(good).length).toBe(5);
});

test("exposed ports become canonical keys", () => {
  expect(parseExposed("80")).toEqual(["80/tcp"]);
  expect(parseExposed("8000-8002/udp")).toEqual(["8000/udp", "8001/udp", "8002/udp"]);
  expect([portKey("53/UDP"), portKey("1-2"), portKey("x")]).toEqual([
    "53/udp",
    undefined,
    undefined,
  ]);
  for (const text of ["0", "70000", "80/icmp", "a", "8080:80"]) {
    expect(messageOf(() => parseExposed(text))).toContain("Cannot expose");
  }
});

test("addresses are what Node takes for addresses", () => {
  const part = fc.oneof(
    fc.stringMatching(/^[0-9a-f]{0,5}$/),
    fc.constantFrom("1.2.3.4", "256.0.0.1"),
  );
  const texts = fc.oneof(
    fc.array(part, { maxLength: 9 }).map((parts) => parts.join(":")),
    fc
      .array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 })
      .map((p) => p.join(".")),
    fc.ipV4(),
    fc.ipV6(),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect([text, isIpAddress(text)]).toEqual([text, isIP(text) !== 0]);
    }),
    { numRuns: 2000 },
  );
});
