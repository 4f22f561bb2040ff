import { sanitise, type Struct } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Frame } from "./frames.ts";
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
import {
  TYPE_MUST_UNDERSTAND,
  channelVersion,
  controlStream,
  execReasons,
  reportTypes,
  type ExecReason,
} from "./message-types.ts";

/** The last word about the application; init waits for its ack before the machine ends. */
export type FinalReport =
  | {
      readonly kind: "exec-failed";
      readonly errno: number;
      readonly reason: ExecReason;
      readonly path: string;
      /** What the reason needs: the missing interpreter's path, the file's architecture. */
      readonly detail: string;
    }
  | {
      readonly kind: "setup-failed";
      readonly errno: number;
      readonly step: string;
      readonly text: string;
    }
  | { readonly kind: "exited"; readonly status: number }
  | { readonly kind: "signalled"; readonly signal: number; readonly oom: boolean };

/** What init says. Texts come from the guest: control characters are made visible. */
export type Report =
  | { readonly kind: "hello"; readonly version: number; readonly build: string }
  /** Every `ns` is since the guest's kernel started (CLOCK_BOOTTIME). */
  | { readonly kind: "mark"; readonly name: string; readonly ns: number }
  | { readonly kind: "started"; readonly pid: number; readonly ns: number }
  /** Never for a port that listens on the loopback address alone. */
  | { readonly kind: "listening"; readonly port: number; readonly ns: number }
  | {
      readonly kind: "warning";
      readonly errno: number;
      readonly step: string;
      readonly text: string;
    }
  | FinalReport
  /** A type of a later version that may be skipped. */
  | { readonly kind: "unknown"; readonly type: number };

/** Texts longer than this are the guest's mistake, or its attack. */
const textCap = 8192;

const decoder = new TextDecoder("utf-8");

function broken(what: string): WickError {
  return new WickError("GUEST_PROTOCOL", `Cannot understand the guest's report: ${what}`);
}

function text(payload: Uint8Array, start: number, end = payload.length): string {
  if (end > payload.length) throw broken(`a text of ${end - start} bytes, cut`);
  if (end - start > textCap) throw broken(`a text of ${end - start} bytes, wanted ${textCap}`);
  return sanitise(decoder.decode(payload.subarray(start, end)));
}

function head<V>(layout: Struct<V>, payload: Uint8Array, exact: "exact" | "more"): V {
  if (
    payload.length < layout.sizeBytes ||
    (exact === "exact" && payload.length > layout.sizeBytes)
  ) {
    throw broken(`${layout.name} has ${payload.length} bytes, wanted ${layout.sizeBytes}`);
  }
  return layout.read(payload);
}

function hello(payload: Uint8Array): Report {
  const { version } = head(helloHead, payload, "more");
  if (version !== channelVersion) {
    throw broken(`init speaks version ${version}, wanted ${channelVersion}`);
  }
  return { kind: "hello", version, build: text(payload, helloHead.sizeBytes) };
}

function time(ns: bigint): number {
  if (ns > BigInt(Number.MAX_SAFE_INTEGER)) throw broken(`the time ${ns} ns`);
  return Number(ns);
}

function mark(payload: Uint8Array): Report {
  const { ns } = head(markHead, payload, "more");
  return { kind: "mark", name: text(payload, markHead.sizeBytes), ns: time(ns) };
}

function started(payload: Uint8Array): Report {
  const { pid, ns } = head(startedBody, payload, "exact");
  return { kind: "started", pid, ns: time(ns) };
}

function listening(payload: Uint8Array): Report {
  const { port, ns } = head(listeningBody, payload, "exact");
  return { kind: "listening", port, ns: time(ns) };
}

function execFailed(payload: Uint8Array): Report {
  const { errno, reason, pathLength } = head(execFailedHead, payload, "more");
  const known = Object.entries(execReasons).find(([, number]) => number === reason);
  const pathEnd = execFailedHead.sizeBytes + pathLength;
  return {
    kind: "exec-failed",
    errno,
    reason: (known?.[0] ?? "other") as ExecReason,
    path: text(payload, execFailedHead.sizeBytes, pathEnd),
    detail: text(payload, pathEnd),
  };
}

function step<K extends "warning" | "setup-failed">(kind: K, payload: Uint8Array) {
  const { errno, stepLength } = head(stepHead, payload, "more");
  const stepEnd = stepHead.sizeBytes + stepLength;
  return {
    kind,
    errno,
    step: text(payload, stepHead.sizeBytes, stepEnd),
    text: text(payload, stepEnd),
  };
}

function exited(payload: Uint8Array): Report {
  const { status } = head(exitedBody, payload, "exact");
  if (status > 255) throw broken(`the exit status ${status}`);
  return { kind: "exited", status };
}

function signalled(payload: Uint8Array): Report {
  const { signal, flags } = head(signalledBody, payload, "exact");
  if (signal < 1 || signal > 64) throw broken(`the signal ${signal}`);
  return { kind: "signalled", signal, oom: (flags & 1) !== 0 };
}

const readers: ReadonlyMap<number, (payload: Uint8Array) => Report> = new Map([
  [reportTypes.hello, hello],
  [reportTypes.mark, mark],
  [reportTypes.started, started],
  [reportTypes.listening, listening],
  [reportTypes.warning, (p): Report => step("warning", p)],
  [reportTypes["exec-failed"], execFailed],
  [reportTypes["setup-failed"], (p): Report => step("setup-failed", p)],
  [reportTypes.exited, exited],
  [reportTypes.signalled, signalled],
]);

/** What a frame from the guest says; anything that it may not say is GUEST_PROTOCOL. */
export function decodeReport(frame: Frame): Report {
  if (frame.stream !== controlStream) throw broken(`stream ${frame.stream} is not open`);
  const reader = readers.get(frame.type);
  if (reader !== undefined) return reader(frame.payload);
  if (frame.type & TYPE_MUST_UNDERSTAND) throw broken(`type 0x${frame.type.toString(16)}`);
  return { kind: "unknown", type: frame.type };
}

/** Whether `report` is the last word about the application. */
export function isFinal(report: Report): report is FinalReport {
  return ["exec-failed", "setup-failed", "exited", "signalled"].includes(report.kind);
}

const ENOENT = 2;
const ENOTDIR = 20;

/** Docker's exit status for how the application ended: n, 128+signal, 127, 126 or 125. */
export function exitStatus(report: FinalReport): number {
  switch (report.kind) {
    case "exited":
      return report.status;
    case "signalled":
      return 128 + report.signal;
    case "exec-failed":
      return report.errno === ENOENT || report.errno === ENOTDIR ? 127 : 126;
    case "setup-failed":
      return 125;
  }
}
