import type { ProgressEvent } from "../../index.ts";
import { plainProgress } from "./plain.ts";

/** `--progress`, as BuildKit has it. */
export const progressModes = ["auto", "plain", "tty", "rawjson"] as const;
export type ProgressMode = (typeof progressModes)[number];

/** Draws events until closed. */
export interface Progress {
  readonly listener: (event: ProgressEvent) => void;
  close(): void;
}

/** `auto`: live on a terminal that can move its cursor, else plain lines. */
function resolved(mode: ProgressMode, stream: NodeJS.WriteStream): Exclude<ProgressMode, "auto"> {
  if (mode !== "auto") return mode;
  return stream.isTTY && process.env["TERM"] !== "dumb" ? "tty" : "plain";
}

/** The progress display on stderr that `mode` and `quiet` ask for. */
export async function openProgress(mode: ProgressMode, quiet: boolean): Promise<Progress> {
  const now = (): number => performance.now();
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  const close = (): void => undefined;
  if (quiet) return { listener: (event) => writeWarning(event, write), close };
  switch (resolved(mode, process.stderr)) {
    case "tty": {
      const { ttyProgress } = await import("./tty.ts");
      return ttyProgress(process.stderr, now);
    }
    case "rawjson":
      return { listener: (event) => write(JSON.stringify(event)), close };
    default:
      return { listener: plainProgress(write, now), close };
  }
}

/** Quiet is silent about work, not about what went wrong. */
function writeWarning(event: ProgressEvent, write: (line: string) => void): void {
  if (event.type === "warning") write(`warning: ${event.message}`);
}
