import type { ProgressEvent } from "../../index.ts";
import { bytesInWords, timeInWords } from "../words.ts";

/** A byte count at most this often, in `ms`: a log is read afterwards. */
const BYTES_EVERY_MS = 5000;

type Write = (line: string) => void;

/** One plain line for each started and ended step; no escape codes. */
export function plainProgress(write: Write, now: () => number): (event: ProgressEvent) => void {
  let told = now();
  return (event) => {
    if (event.type === "progress") {
      if (now() - told < BYTES_EVERY_MS) return;
      told = now();
      write(`   ${event.step}: ${bytesInWords(event.bytes)}${ofTotal(event.totalBytes)}`);
      return;
    }
    if (event.type === "started") told = now();
    write(plainLine(event));
  };
}

function ofTotal(totalBytes: number | undefined): string {
  return totalBytes === undefined ? "" : ` of ${bytesInWords(totalBytes)}`;
}

/** The line of one event; `progress` has none of its own. */
export function plainLine(event: Exclude<ProgressEvent, { type: "progress" }>): string {
  switch (event.type) {
    case "started":
      return `-> ${event.title}`;
    case "done":
      return `ok ${closing(event)}`;
    case "failed":
      return `!! ${event.title} failed after ${timeInWords(event.elapsedMs)}`;
    case "output":
      return `   | ${event.line}`;
    default:
      return `${event.type}: ${event.message}`;
  }
}

/** `Download packages: 31 files, 9.3 MiB (1.2 s)`. */
export function closing(event: Extract<ProgressEvent, { type: "done" }>): string {
  const parts = [
    ...(event.detail === undefined ? [] : [event.detail]),
    ...(event.bytes === undefined ? [] : [bytesInWords(event.bytes)]),
  ];
  const about = parts.length === 0 ? "" : `: ${parts.join(", ")}`;
  return `${event.title}${about} (${timeInWords(event.elapsedMs)})`;
}
