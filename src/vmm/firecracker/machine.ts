import { setImmediate as turnOfEvents, setTimeout as sleep } from "node:timers/promises";
import type { ProcessExit, SupervisedProcess } from "../../host/index.ts";
import type { ConsoleStream } from "../console-stream.ts";
import type { Machine, VmmExit } from "../vmm.ts";
import type { GuestStreams } from "./listen.ts";
import { logTail } from "./log.ts";
import { keepMetrics } from "./metrics.ts";
import { endWords } from "./start-error.ts";

/** How long last bytes may take from a pipe or socket whose other end is gone. */
const DRAIN_MS = 1000;

interface Parts {
  readonly vmm: SupervisedProcess;
  readonly console: ConsoleStream;
  readonly guest: GuestStreams;
  /** Path of Firecracker's log. */
  readonly log: string;
  /** Path of its metrics, and where they are wanted. */
  readonly metrics?: { readonly from: string; readonly to: string } | undefined;
  /** Called once Firecracker is gone: removes its sockets. */
  readonly release: () => void;
}

/** The running machine of a Firecracker process. */
export function firecrackerMachine(parts: Parts): Machine {
  const { vmm, console, guest, metrics, release } = parts;
  const exited = vmm.exited.then(async (exit): Promise<VmmExit> => {
    await lastWords(guest, console);
    const unkept = metrics && (await keepMetrics(metrics.from, metrics.to));
    const end = vmmExit(exit, parts, unkept);
    release();
    return end;
  });
  return {
    pid: vmm.pid,
    ports: [],
    channel: guest.channel,
    ...(guest.relay === undefined ? {} : { relay: guest.relay }),
    console,
    consoleTail: () => console.tail.lines(),
    // Firecracker reads its terminal or a FIFO, and has neither: nothing can be typed.
    writeConsole: () => {},
    exited,
    async kill() {
      await vmm.stop({ graceMs: 0 });
      return exited;
    },
  };
}

/**
 * Where wick stood still, a short machine's connections and all that it said on them are still
 * to be taken when its end is seen.
 */
async function lastWords(guest: GuestStreams, console: ConsoleStream): Promise<void> {
  await turnOfEvents();
  guest.close();
  const all = Promise.all([console.drain(), guest.ended()]);
  await Promise.race([all, sleep(DRAIN_MS, undefined, { ref: false })]);
}

function vmmExit(
  exit: ProcessExit,
  { vmm, console, log }: Pick<Parts, "vmm" | "console" | "log">,
  unkept: string | undefined,
): VmmExit {
  const { missedBytes } = console;
  const missed = missedBytes === 0 ? undefined : missedWords(missedBytes);
  const warnings = [missed, unkept].filter((words) => words !== undefined);
  return {
    ...exit,
    words: endWords(exit),
    stderrTail: [...vmm.outputTail(), ...logTail(log)],
    ...(warnings.length === 0 ? {} : { warning: warnings.join("; ") }),
  };
}

function missedWords(bytes: number): string {
  return `${bytes} bytes of the console are missing: they were read too slowly, and Firecracker does not wait`;
}
