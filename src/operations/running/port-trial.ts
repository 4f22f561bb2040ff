import { setTimeout as sleep } from "node:timers/promises";
import { connectTcp, monotonicMs, type TcpTarget } from "../../host/index.ts";
import type { Machine, PortForward } from "../../vmm/index.ts";
import type { MachineTap } from "../tap/machine-tap.ts";

/** How a published TCP port is tried from outside, where no init of wick's says who listens. */
export interface PortTrial {
  target(port: PortForward): TcpTarget;
  /** Whether a connection has reached somebody in the guest; `isConnected`: ours is or was one. */
  isTaken(port: PortForward, isConnected: boolean): Promise<boolean>;
}

/** How often a connection is looked at, and one that was refused made again, in `ms`. */
const LOOK_MS = 100;
/**
 * A machine without a network answers nothing, and QEMU asks it again after 6 s only: the first
 * patience with a connection, and the greatest, since each that is left is made in the end.
 */
const PATIENCE_MS = { first: 500, most: 8000 };

/** Tries until somebody in the guest has taken a connection to `port`; false: until `signal`. */
export async function untilTaken(
  port: PortForward,
  trial: PortTrial,
  signal: AbortSignal,
): Promise<boolean> {
  for (let patienceMs = PATIENCE_MS.first; !signal.aborted;) {
    const outcome = await tryOnce({ port, trial, signal }, patienceMs);
    if (outcome === "taken") return true;
    // Who refuses has a network.
    const isSilent = outcome === "silent";
    patienceMs = isSilent ? Math.min(2 * patienceMs, PATIENCE_MS.most) : PATIENCE_MS.first;
  }
  return false;
}

interface Attempt {
  readonly port: PortForward;
  readonly trial: PortTrial;
  readonly signal: AbortSignal;
}

async function tryOnce(
  { port, trial, signal }: Attempt,
  patienceMs: number,
): Promise<"taken" | "refused" | "silent"> {
  const client = connectTcp(trial.target(port));
  let isConnected = false;
  client.once("connect", () => (isConnected = true));
  client.on("error", () => undefined);
  client.once("end", () => client.destroy());
  client.resume();
  try {
    for (const end = monotonicMs() + patienceMs; monotonicMs() < end && !signal.aborted;) {
      await sleep(LOOK_MS);
      if (await trial.isTaken(port, isConnected)) return "taken";
      if (client.closed) return "refused";
    }
    return "silent";
  } finally {
    client.destroy();
  }
}

/** The trial of a machine's ports; undefined where nothing leads into it. */
export function portTrial(machine: Machine, tap: MachineTap | undefined): PortTrial | undefined {
  if (tap !== undefined) return throughTap(tap);
  return machine.takes === undefined ? undefined : throughVmm(machine.takes.bind(machine));
}

/** The guest itself answers there. */
function throughTap({ guest: host, host: localAddress }: MachineTap): PortTrial {
  return {
    target: ({ guestPort: port }) => ({ host, port, localAddress }),
    isTaken: (_, isConnected) => Promise.resolve(isConnected),
  };
}

/** QEMU accepts before the guest does, and closes a connection that it refused as a server would. */
function throughVmm(takes: NonNullable<Machine["takes"]>): PortTrial {
  return {
    target: ({ hostAddress, hostPort: port }) => ({
      host: hostAddress === "0.0.0.0" ? "127.0.0.1" : hostAddress,
      port,
    }),
    isTaken: (port) => takes(port),
  };
}
