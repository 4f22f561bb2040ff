import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { isWickError, WickError } from "../../errors/index.ts";
import {
  checkPortFree,
  requireProgram,
  startProcess,
  type Awaited,
  type Deadline,
  type SupervisedProcess,
} from "../../host/index.ts";
import { checkSpec } from "../check-spec.ts";
import { LAST_WORDS_MS, startDeadline } from "../start-deadline.ts";
import type { Machine, MachineSpec, PortForward } from "../vmm.ts";
import { qemuArguments } from "./arguments.ts";
import { qemuMachine } from "./machine.ts";
import { platformOf } from "./platform.ts";
import { Qmp } from "./qmp.ts";
import { listenForQemu, mapSockets, type BySocket, type Listening } from "./sockets.ts";
import { startError } from "./start-error.ts";
import { Undo } from "../undo.ts";
import { boundPorts } from "./usernet.ts";

const MIB = 1 << 20;

/** How QEMU is started; tests put other programs in its place. */
export interface QemuOptions {
  /** By default the one that belongs to the architecture, from PATH. */
  readonly program?: string;
  /** Bound on all of the start. */
  readonly startTimeoutMs?: number;
}

/**
 * Starts QEMU paused, connects to it, learns the ports it bound, and lets the guest run. Any
 * failure takes back all earlier steps in reverse order and is the error that comes out.
 */
export async function startQemu(
  spec: MachineSpec,
  options: QemuOptions,
  signal?: AbortSignal,
): Promise<Machine> {
  checkSpec(spec);
  const program =
    options.program ?? requireProgram(platformOf(spec).program, "start the machine with QEMU");
  for (const port of spec.ports) if (port.hostPort !== 0) await checkPortFree(port);
  const deadline = startDeadline(options.startTimeoutMs, signal);
  const undo = new Undo();
  let vmm: SupervisedProcess | undefined;
  try {
    const listening = await listenForQemu(spec.directory, spec);
    undo.push(() => listening.close());
    vmm = await startProcess(program, qemuArguments(spec, paths(listening)), {
      purpose: "start the machine",
    });
    undo.push(vmm.stop.bind(vmm, { graceMs: 0 }));
    return await connect({ spec, vmm, listening, deadline, undo });
  } catch (error) {
    const explained = vmm === undefined ? error : await explain(error, vmm);
    await undo.run();
    throw explained;
  }
}

function paths({ sockets }: Listening): BySocket<string> {
  return mapSockets(sockets, ({ path }) => path);
}

interface Starting {
  readonly spec: MachineSpec;
  readonly vmm: SupervisedProcess;
  readonly listening: Listening;
  readonly deadline: Deadline;
  readonly undo: Undo;
}

async function connect({ spec, vmm, listening, deadline, undo }: Starting): Promise<Machine> {
  const peers = await deadline.within(
    Promise.race([allPeers(listening, undo), endedEarly(vmm)]),
    "connection from QEMU",
  );
  // Connected for good: nobody else may come, and no file is left to be removed later.
  listening.close();
  const qmp = new Qmp(peers.qmp);
  await qmp.negotiate(deadline);
  const ports = await readPorts(spec, qmp, deadline);
  const machine = qemuMachine({ ...peers, vmm, qmp, ports });
  await inflateBalloon(spec, qmp, deadline);
  await qmp.execute("cont", {}, deadline);
  return machine;
}

/** Told now, the guest's driver finds it when it is loaded. */
async function inflateBalloon(
  { memoryMiB, reservationMiB }: MachineSpec,
  qmp: Qmp,
  deadline: Deadline,
): Promise<void> {
  if (reservationMiB === undefined) return;
  await qmp.execute("balloon", { value: Math.min(memoryMiB, reservationMiB) * MIB }, deadline);
}

async function allPeers({ sockets }: Listening, undo: Undo): Promise<BySocket<Duplex>> {
  const connected = async (awaited: Awaited): Promise<Duplex> => {
    const peer = await awaited.peer;
    undo.push(() => peer.destroy());
    return peer;
  };
  const pending = mapSockets(sockets, connected);
  const [qmp, console, channel, relay] = await Promise.all([
    pending.qmp,
    pending.console,
    pending.channel,
    pending.relay,
  ]);
  return { qmp, console, channel, ...(relay === undefined ? {} : { relay }) };
}

async function endedEarly(vmm: SupervisedProcess): Promise<never> {
  throw startError(await vmm.exited, vmm.outputTail());
}

async function readPorts(
  spec: MachineSpec,
  qmp: Qmp,
  deadline: Deadline,
): Promise<readonly PortForward[]> {
  if (spec.ports.length === 0) return [];
  const command = { "command-line": "info usernet" };
  const usernet = await qmp.execute("human-monitor-command", command, deadline);
  return boundPorts(spec.ports, String(usernet));
}

/** A connection that broke because QEMU gave up: its own words say more than ours. */
async function explain(failure: unknown, vmm: SupervisedProcess): Promise<unknown> {
  if (!isWickError(failure, "VMM_FAILED") || failure.detail.length > 0) return failure;
  const exit = await Promise.race([vmm.exited, sleep(LAST_WORDS_MS)]);
  if (exit !== undefined) return startError(exit, vmm.outputTail());
  return new WickError(failure.code, failure.message, {
    cause: failure,
    detail: vmm.outputTail(),
  });
}
