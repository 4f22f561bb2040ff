import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { deadline, type ProcessExit, type SupervisedProcess } from "../../host/index.ts";
import { ConsoleStream } from "../console-stream.ts";
import type { Machine, PortForward, VmmExit } from "../vmm.ts";
import type { Qmp } from "./qmp.ts";
import { hasTaken } from "./usernet.ts";

/** How long QEMU may take to answer and end when asked to quit. */
const QUIT_MS = 1000;

/** How long it may take to say who is connected. */
const ANSWER_MS = 5000;

/** How long the console's last bytes may take from a socket whose other end is gone. */
const DRAIN_MS = 1000;

interface Parts {
  readonly vmm: SupervisedProcess;
  readonly qmp: Qmp;
  readonly console: Duplex;
  readonly channel: Duplex;
  readonly relay?: Duplex;
  readonly ports: readonly PortForward[];
}

/** The running machine of a QEMU process with its connections. */
export function qemuMachine({ vmm, qmp, console, channel, relay, ports }: Parts): Machine {
  const output = new ConsoleStream(console);
  const exited = vmm.exited.then(async (exit): Promise<VmmExit> => {
    qmp.close();
    // Whoever reads the channel gets its last bytes and then its end; nobody does: close it.
    for (const stream of [channel, relay]) {
      if (stream?.readableFlowing === null) stream.destroy();
    }
    await Promise.race([output.drain(), sleep(DRAIN_MS, undefined, { ref: false })]);
    console.destroy();
    return vmmExit(exit, vmm);
  });
  return {
    pid: vmm.pid,
    ports,
    channel,
    ...(relay === undefined ? {} : { relay }),
    console: output,
    takes: (port) => takes(port, qmp),
    consoleTail: () => output.tail.lines(),
    writeConsole: (bytes) => void console.write(bytes),
    exited,
    async kill() {
      await Promise.race([quit(qmp), exited]);
      await Promise.race([exited, sleep(QUIT_MS, undefined, { ref: false })]);
      await vmm.stop({ graceMs: 0 });
      return exited;
    },
  };
}

/** A machine that says nothing, since it ends, takes nothing. */
async function takes(port: PortForward, qmp: Qmp): Promise<boolean> {
  const bound = deadline({ ms: ANSWER_MS, action: "ask the machine", code: "VMM_FAILED" });
  const command = { "command-line": "info usernet" };
  try {
    return hasTaken(port, String(await qmp.execute("human-monitor-command", command, bound)));
  } catch {
    return false;
  }
}

/** QEMU may end before its answer is read, or hang: neither matters, SIGKILL follows. */
async function quit(qmp: Qmp): Promise<void> {
  const bound = deadline({ ms: QUIT_MS, action: "end the machine", code: "VMM_FAILED" });
  await qmp.execute("quit", {}, bound).catch(() => {});
}

function vmmExit({ code, signal }: ProcessExit, vmm: SupervisedProcess): VmmExit {
  const how = signal === null ? `with status ${code}` : `by ${signal}`;
  return { code, signal, words: `QEMU ended ${how}`, stderrTail: vmm.outputTail() };
}
