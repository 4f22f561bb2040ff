import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import type { ProgressEvent } from "../../index.ts";
import { bytesInWords, rateInWords, timeInWords } from "../words.ts";
import { closing, plainLine } from "./plain.ts";

/** How often the clock of a running step is redrawn, in `ms`. */
const REDRAW_EVERY_MS = 100;

interface Running {
  readonly title: string;
  readonly since: number;
  bytes?: number;
  totalBytes?: number | undefined;
}

/** The lines of the steps under way: `state → text`. */
export function runningLines(steps: Iterable<Running>, now: number): string {
  return [...steps].map((step) => runningLine(step, now - step.since)).join("\n");
}

function runningLine(step: Running, elapsedMs: number): string {
  const { bytes, totalBytes } = step;
  const share =
    bytes !== undefined && totalBytes !== undefined && totalBytes > 0
      ? ` ${Math.min(100, Math.floor((100 * bytes) / totalBytes))}%`
      : "";
  const amount =
    bytes === undefined ? "" : `  ${bytesInWords(bytes)}${share} ${rateInWords(bytes, elapsedMs)}`;
  return `.. ${step.title}${amount.trimEnd()}  ${timeInWords(elapsedMs)}`;
}

/** Live steps on a terminal: running ones redrawn in place, finished ones stay as a line. */
export function ttyProgress(
  stream: NodeJS.WriteStream,
  now: () => number,
): { listener: (event: ProgressEvent) => void; close: () => void } {
  const draw = createLogUpdate(stream, { showCursor: true });
  const running = new Map<string, Running>();
  const redraw = (): void => draw(runningLines(running.values(), now()));
  const timer = setInterval(redraw, REDRAW_EVERY_MS).unref();
  const listener = (event: ProgressEvent): void => {
    if (event.type === "progress") {
      Object.assign(running.get(event.step) ?? {}, {
        bytes: event.bytes,
        totalBytes: event.totalBytes,
      });
      return;
    }
    if (event.type === "started") running.set(event.step, { title: event.title, since: now() });
    else {
      draw.clear();
      stream.write(`${coloured(event, stream)}\n`);
      if (event.type !== "output" && "step" in event) running.delete(event.step);
    }
    redraw();
  };
  const close = (): void => {
    clearInterval(timer);
    draw.clear();
  };
  return { listener, close };
}

function coloured(
  event: Exclude<ProgressEvent, { type: "progress" | "started" }>,
  stream: NodeJS.WriteStream,
): string {
  const paint = (style: "green" | "red" | "yellow", text: string): string =>
    styleText(style, text, { stream });
  if (event.type === "done") return `${paint("green", "ok")} ${closing(event)}`;
  if (event.type === "failed") return paint("red", plainLine(event));
  if (event.type === "output") return plainLine(event);
  return paint("yellow", plainLine(event));
}
