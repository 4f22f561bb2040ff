import { monotonicMs } from "../../host/index.ts";
import type { ProgressListener } from "./progress.ts";

/** At most one byte count in this many `ms`. */
const TELL_EVERY_MS = 50;

/**
 * A step that begins with the first bytes and ends with the last: layers are downloaded while
 * those that are here already are unpacked, so nobody waits for just this.
 */
export function downloadStep(
  listener: ProgressListener,
  names: { readonly step: string; readonly title: string },
): (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void {
  let startedAt: number | undefined;
  let toldAt = 0;
  let isDone = false;
  return ({ doneBytes, totalBytes }) => {
    if (isDone) return;
    const now = monotonicMs();
    if (startedAt === undefined) listener({ type: "started", ...names });
    startedAt ??= now;
    if (doneBytes >= totalBytes) {
      isDone = true;
      listener({ type: "done", ...names, elapsedMs: now - startedAt, bytes: totalBytes });
    } else if (now - toldAt >= TELL_EVERY_MS) {
      toldAt = now;
      listener({ type: "progress", step: names.step, bytes: doneBytes, totalBytes });
    }
  };
}
