import { monotonicMs } from "../../host/index.ts";

/** What a caller is told while an operation works; `--progress rawjson` prints these, one a line. */
export type ProgressEvent =
  | { readonly type: "started"; readonly step: string; readonly title: string }
  | {
      readonly type: "progress";
      readonly step: string;
      readonly bytes: number;
      readonly totalBytes?: number;
    }
  | {
      readonly type: "done";
      readonly step: string;
      readonly title: string;
      readonly elapsedMs: number;
      readonly detail?: string;
      readonly bytes?: number;
    }
  | {
      readonly type: "failed";
      readonly step: string;
      readonly title: string;
      readonly elapsedMs: number;
    }
  /** A line that another program said, safe to show. */
  | { readonly type: "output"; readonly step: string; readonly line: string }
  | { readonly type: "note" | "warning"; readonly message: string };

/** Takes events; must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;

/** What the work of one step says of itself. */
export interface Step {
  bytes(done: number, total?: number): void;
  /** Passes on what another program says. */
  line(text: string): void;
  /** A few words for the step's closing line. */
  detail(text: string): void;
}

/** At most one byte count in this many `ms`: listeners draw, they do not account. */
const PROGRESS_EVERY_MS = 50;

/** Runs `work` as one step between its `started` and `done` (or `failed`) events. */
export async function runStep<T>(
  listener: ProgressListener,
  names: { readonly step: string; readonly title: string },
  work: (step: Step) => Promise<T> | T,
): Promise<T> {
  const start = monotonicMs();
  const account = new StepAccount(names.step, listener);
  listener({ type: "started", ...names });
  try {
    const result = await work(account);
    listener({ type: "done", ...names, elapsedMs: monotonicMs() - start, ...account.closing() });
    return result;
  } catch (error) {
    listener({ type: "failed", ...names, elapsedMs: monotonicMs() - start });
    throw error;
  }
}

class StepAccount implements Step {
  readonly #step: string;
  readonly #listener: ProgressListener;
  #detail: string | undefined;
  #bytes: number | undefined;
  #toldAt = 0;

  constructor(step: string, listener: ProgressListener) {
    this.#step = step;
    this.#listener = listener;
  }

  bytes(done: number, total?: number): void {
    this.#bytes = done;
    const now = monotonicMs();
    if (now - this.#toldAt < PROGRESS_EVERY_MS) return;
    this.#toldAt = now;
    const totals = total === undefined ? {} : { totalBytes: total };
    this.#listener({ type: "progress", step: this.#step, bytes: done, ...totals });
  }

  line(text: string): void {
    this.#listener({ type: "output", step: this.#step, line: text });
  }

  detail(text: string): void {
    this.#detail = text;
  }

  closing(): { detail?: string; bytes?: number } {
    return {
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
      ...(this.#bytes === undefined ? {} : { bytes: this.#bytes }),
    };
  }
}
