import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import {
  execFailedHead,
  exitedBody,
  helloHead,
  listeningBody,
  markHead,
  signalledBody,
  startedBody,
  stepHead,
} from "./message-layout.ts";
import { reportTypes } from "./message-types.ts";
import {
  FrameReader,
  decodeReport,
  encodeCommand,
  encodeFrame,
  exitStatus,
  isFinal,
  type FinalReport,
  type Report,
} from "./protocol.ts";

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const execFailed = join(
  execFailedHead.encode({ errno: 2, reason: 3, pathLength: 8 }),
  utf8("/bin/app/lib/ld.so"),
);

const conversation: [number, Uint8Array, Report][] = [
  [
    reportTypes.hello,
    join(helloHead.encode({ version: 1 }), utf8("wick 0.1")),
    { kind: "hello", version: 1, build: "wick 0.1" },
  ],
  [
    reportTypes.mark,
    join(markHead.encode({ ns: 1234567n }), utf8("stage2")),
    { kind: "mark", name: "stage2", ns: 1234567 },
  ],
  [
    reportTypes.warning,
    join(stepHead.encode({ errno: 2, stepLength: 5 }), utf8("mqueuenot there")),
    { kind: "warning", errno: 2, step: "mqueue", text: "not there" },
  ],
  [
    reportTypes.started,
    startedBody.encode({ pid: 77, ns: 5n }),
    { kind: "started", pid: 77, ns: 5 },
  ],
  [
    reportTypes.listening,
    listeningBody.encode({ port: 80, ns: 6n }),
    { kind: "listening", port: 80, ns: 6 },
  ],
  [
    reportTypes["exec-failed"],
    execFailed,
    {
      kind: "exec-failed",
      errno: 2,
      reason: "loader-missing",
      path: "/bin/app",
      detail: "/lib/ld.so",
    },
  ],
  [
    reportTypes["setup-failed"],
    join(stepHead.encode({ errno: 0, stepLength: 4 }), utf8("rootno drive")),
    { kind: "setup-failed", errno: 0, step: "root", text: "no drive" },
  ],
  [reportTypes.exited, exitedBody.encode({ status: 7 }), { kind: "exited", status: 7 }],
  [
    reportTypes.signalled,
    signalledBody.encode({ signal: 9, flags: 1 }),
    { kind: "signalled", signal: 9, oom: true },
  ],
  [0x0777, utf8("later"), { kind: "unknown", type: 0x0777 }],
];
conversation[2]![1].set([6], 4); // "mqueue" has six bytes

const wire = join(...conversation.map(([type, payload]) => encodeFrame(type, payload)));
const reports = conversation.map(([, , report]) => report);

function readAll(chunks: readonly Uint8Array[]): Report[] {
  const reader = new FrameReader();
  const all = chunks.flatMap((chunk) => reader.push(chunk).map(decodeReport));
  reader.end();
  return all;
}

test("every report comes back typed, whole or split at any byte", () => {
  expect(readAll([wire])).toEqual(reports);
  expect(readAll(Array.from(wire, (byte) => Uint8Array.of(byte)))).toEqual(reports);
  for (let at = 0; at <= wire.length; at++) {
    expect(readAll([wire.subarray(0, at), wire.subarray(at)])).toEqual(reports);
  }
});

test("random bytes and mutated reports give reports or GUEST_PROTOCOL, nothing else", () => {
  const change = fc.tuple(fc.nat(wire.length - 1), fc.nat(255));
  const mutated = fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    const bytes = wire.slice();
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), fc.nat(50), (bytes, cut) => {
      try {
        readAll([bytes.subarray(0, cut), bytes.subarray(cut)]);
      } catch (error) {
        if (!isWickError(error, "GUEST_PROTOCOL")) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});

test.each([2 ** 31, 2 ** 32 - 1, (1 << 20) + 1])(
  "a frame that claims %i bytes closes the reader before any is kept",
  (length) => {
    const head = new Uint8Array(8);
    new DataView(head.buffer).setUint32(0, length, true);
    const reader = new FrameReader();
    expect(() => reader.push(head)).toThrow(expect.objectContaining({ code: "GUEST_PROTOCOL" }));
    expect(() => reader.push(wire)).toThrow("a frame of");
    expect(() => reader.end()).toThrow("a frame of");
  },
);

test("a frame at the cap and a frame without payload pass", () => {
  const reader = new FrameReader();
  const bytes = join(encodeFrame(5, new Uint8Array(1 << 20)), encodeFrame(6, new Uint8Array()));
  expect(reader.push(bytes).map((f) => f.payload.length)).toEqual([1 << 20, 0]);
  expect(() => encodeFrame(5, new Uint8Array((1 << 20) + 1))).toThrow("cap");
});

test("bytes that end within a header or a payload are an error at the end", () => {
  for (const length of [3, 8, 10]) {
    const reader = new FrameReader();
    reader.push(wire.subarray(0, length));
    expect(() => reader.end()).toThrow("within a frame");
  }
});

test("a million small frames do not pile up in the reader", () => {
  const reader = new FrameReader();
  const chunk = join(...Array.from({ length: 8192 }, () => encodeFrame(0x0777, new Uint8Array())));
  const before = process.memoryUsage().arrayBuffers;
  let frames = 0;
  for (let i = 0; i < 123; i++) frames += reader.push(chunk).length;
  expect(frames).toBeGreaterThan(1_000_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
});

test.each([
  [
    "a stream that nobody opened",
    { type: reportTypes.exited, stream: 4, payload: exitedBody.encode({ status: 0 }) },
  ],
  [
    "an unknown type that must be understood",
    { type: 0x8777, stream: 0, payload: new Uint8Array() },
  ],
  [
    "a status over 255",
    { type: reportTypes.exited, stream: 0, payload: exitedBody.encode({ status: 256 }) },
  ],
  [
    "a signal of zero",
    { type: reportTypes.signalled, stream: 0, payload: signalledBody.encode({}) },
  ],
  [
    "another version",
    { type: reportTypes.hello, stream: 0, payload: helloHead.encode({ version: 2 }) },
  ],
  [
    "a text beyond its payload",
    {
      type: reportTypes["exec-failed"],
      stream: 0,
      payload: execFailedHead.encode({ pathLength: 9 }),
    },
  ],
  ["a text of 9 KiB", { type: reportTypes.mark, stream: 0, payload: new Uint8Array(9216) }],
])("%s is GUEST_PROTOCOL", (_, frame) => {
  expect(() => decodeReport(frame)).toThrow(expect.objectContaining({ code: "GUEST_PROTOCOL" }));
});

test("terminal escapes in the guest's texts are made visible", () => {
  const payload = join(markHead.encode({ ns: 1n }), utf8("\u001b]52;c;eA==\u0007"));
  const report = decodeReport({ type: reportTypes.mark, stream: 0, payload });
  expect(report).toEqual({ kind: "mark", name: String.raw`\x1b]52;c;eA==\x07`, ns: 1 });
});

test("the application's end becomes Docker's exit status", () => {
  const exec = { kind: "exec-failed", reason: "other", path: "", detail: "" } as const;
  const cases: [FinalReport, number][] = [
    [{ kind: "exited", status: 7 }, 7],
    [{ kind: "signalled", signal: 9, oom: true }, 137],
    [{ ...exec, errno: 2 }, 127],
    [{ ...exec, errno: 13 }, 126],
    [{ ...exec, errno: 8 }, 126],
    [{ kind: "setup-failed", errno: 2, step: "root", text: "" }, 125],
  ];
  for (const [report, status] of cases) expect(exitStatus(report)).toBe(status);
  expect(cases.every(([report]) => isFinal(report))).toBe(true);
  expect(isFinal({ kind: "started", pid: 1, ns: 0 })).toBe(false);
});

test("commands have the bytes that docs/channel.md shows", () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  expect(hex(encodeCommand({ kind: "hello" }))).toBe(
    ["04000000", "0101", "0000", "01000000"].join(""),
  );
  expect(hex(encodeCommand({ kind: "ack", report: "exited" }))).toBe(
    ["02000000", "0201", "0000", "1200"].join(""),
  );
  expect(hex(encodeCommand({ kind: "signal", number: 10 }))).toBe(
    ["04000000", "0301", "0000", "0a000000"].join(""),
  );
  expect(hex(encodeCommand({ kind: "stop", signal: 0, graceMs: 10000 }))).toBe(
    ["08000000", "0401", "0000", "00000000", "10270000"].join(""),
  );
});
