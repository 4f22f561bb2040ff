import { WickError } from "../../errors/index.ts";
import { exitStatus, type FinalReport, type Report } from "../../guest/index.ts";
import { monotonicMs } from "../../host/index.ts";
import {
  classifyConsole,
  endOfInit,
  type Machine,
  type MachineSpec,
  type PortForward,
  type VmmExit,
  untilInitEnds,
} from "../../vmm/index.ts";
import type { ForwardedPorts, PublishedPorts } from "../../relay/index.ts";
import { endInWords } from "./end-in-words.ts";
import { Readiness } from "./readiness.ts";
import { type PortTrial, untilTaken } from "./port-trial.ts";
import { GuestSession } from "./session.ts";
import { Timeline, type TimelinePoint } from "./timeline.ts";

/** How a machine ended. */
export interface MachineExit {
  /** The last word of init, or the kernel's about an application that was process 1; else absent. */
  readonly report?: FinalReport;
  /** The exit status that Docker would give; absent when unknown. */
  readonly status?: number;
  /** The end as a sentence for a human, where it was not an exit of the application's own. */
  readonly message?: string;
}

/** How a machine is asked to stop. */
export interface StopOptions {
  /** Number of the first signal; the application's own stop signal when absent. */
  readonly signal?: number;
  /** `ms` until SIGKILL; 10 s as Docker's. */
  readonly graceMs?: number;
}

/** The wire between a machine and its host. */
export interface TapNetwork {
  /** The host's device. */
  readonly device: string;
  /** Addresses of IPv4: the host's end, the machine's. */
  readonly host: string;
  readonly guest: string;
  readonly prefix: number;
}

const STOP_GRACE_MS = 10_000;
/** A hostile guest may warn for ever; a boot that works has none. */
const WARNINGS_MAX = 50;
/** After the grace the guest still kills, waits up to 2 s for its clients, syncs and powers off. */
const POWER_OFF_MS = 10_000;

const UNPACKING_FAILED = /Initramfs unpacking failed: /;

/** What a running machine is made from. */
export interface MachineParts {
  readonly machine: Machine;
  /** Where wick itself listens: what the VMM does not forward. */
  readonly published?: PublishedPorts | ForwardedPorts | undefined;
  /** Of a machine on a TAP of the host's. */
  readonly tap?: TapNetwork | undefined;
  readonly spec: MachineSpec;
  /** The plain command that boots the same files by hand, a word an element. */
  readonly commandByHand: readonly string[];
  readonly startedAtMs: number;
  /** False for images without wick's init: nothing will be reported. */
  readonly reports: boolean;
  /** How it is known then whether somebody listens; absent: it is not. */
  readonly trial?: PortTrial | undefined;
  /** The application is process 1 (`--init app`): the kernel's last words tell how it ended. */
  readonly isApp: boolean;
  readonly timeoutMs: number;
  /** For a machine that goes away without a word. */
  readonly hintIfLost: string;
  readonly onWarning: (message: string) => void;
  /** Called once the VMM is gone: removes the machine's files. */
  readonly release: () => void;
}

/** One running machine as the library's user sees it; disposing it ends it. */
export class RunningMachine implements AsyncDisposable {
  /** As asked for, with the host ports that were bound. */
  readonly ports: readonly PortForward[];
  /** Resolves when every published TCP port is listened on; rejects when that cannot be any more. */
  readonly ready: Promise<void>;
  readonly exited: Promise<MachineExit>;
  readonly #parts: MachineParts;
  readonly #session: GuestSession;
  readonly #timeline: Timeline;
  readonly #readiness: Readiness;
  #broken: WickError | undefined;
  #hasEnded = false;
  #isStarted = false;
  #warnings = 0;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.ports = parts.published?.ports ?? parts.machine.ports;
    this.#timeline = new Timeline(parts.startedAtMs);
    const tried = portsToTry(this.ports, parts);
    const isTried = tried.length > 0;
    const reports = parts.reports || isTried;
    this.#readiness = new Readiness(reports ? this.ports : [], { ...parts, reports, isTried });
    this.#session = new GuestSession(parts.machine.channel, {
      report: (report) => this.#take(report),
      broken: (error) => this.#fail(error),
    });
    this.#relay(parts);
    this.ready = this.#readiness.done;
    this.exited = this.#end();
    for (const port of tried) {
      this.#try(port, parts.trial!).catch((error: unknown) => this.#readiness.fail(error));
    }
    void this.exited.then(
      (exit) => this.#readiness.ended(exit.report),
      (error: unknown) => this.#readiness.fail(error),
    );
    // Whoever wants them awaits them; nobody must.
    this.ready.catch(() => undefined);
    this.exited.catch(() => undefined);
  }

  /**
   * The guest's serial console, from its first byte; for one reader. Where the application is
   * process 1 it ends with it.
   */
  console(): AsyncIterable<Uint8Array> {
    const { console } = this.#parts.machine;
    return this.#parts.isApp ? untilInitEnds(console) : console;
  }

  /** The moments of the start so far. */
  timeline(): readonly TimelinePoint[] {
    return this.#timeline.points();
  }

  /** Whether the VMM is gone. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** With `--network tap`: the device and both addresses. */
  get tap(): TapNetwork | undefined {
    return this.#parts.tap;
  }

  /** How the machine was made: kernel, drives, memory. */
  get spec(): MachineSpec {
    return this.#parts.spec;
  }

  /**
   * The plain command that boots the same files by hand, a word an element. It publishes no ports
   * of a machine with the relay: there wick itself listens.
   */
  get commandByHand(): readonly string[] {
    return this.#parts.commandByHand;
  }

  /** Adds a moment that only the caller sees, such as the first answer. */
  mark(name: string): void {
    this.#timeline.addHost(name, monotonicMs());
  }

  /** Asks the application to end, then kills it, then the machine; resolves when it is gone. */
  async stop(options: StopOptions = {}): Promise<void> {
    const graceMs = options.graceMs ?? STOP_GRACE_MS;
    // An application that does not run yet, or whose init takes no orders, has nothing to finish.
    if (!this.#isStarted) return this.kill();
    this.#session.send({ kind: "stop", signal: options.signal ?? 0, graceMs });
    const timer = setTimeout(() => void this.kill(), graceMs + POWER_OFF_MS);
    try {
      await this.#parts.machine.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the machine at once. */
  async kill(): Promise<void> {
    await this.#parts.machine.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.exited.catch(() => undefined);
  }

  /** A relay that breaks takes the connections with it, and not the machine. */
  #relay({ published, machine, onWarning }: MachineParts): void {
    if (machine.relay === undefined || published === undefined || !("attach" in published)) return;
    published.attach(machine.relay, ({ message }) => {
      onWarning(`${message}; the published ports are closed`);
    });
  }

  /** Without init a port is told to be listened on once a connection to it was taken. */
  async #try(port: PortForward, trial: PortTrial): Promise<void> {
    const isTaken = await untilTaken(port, trial, this.#readiness.signal);
    if (!isTaken) return;
    this.#timeline.addHost(`listening on ${port.guestPort}`, monotonicMs());
    this.#readiness.listens(port.guestPort);
  }

  #take(report: Report): void {
    const now = monotonicMs();
    if (report.kind === "started" || report.kind === "mark") this.#checkUnpacked();
    if (report.kind === "mark") this.#timeline.addGuest(report.name, report.ns, now);
    if (report.kind === "warning") this.#warn(report);
    if (report.kind === "started") this.#isStarted = true;
    if (report.kind === "listening") this.#timeline.addHost(`listening on ${report.port}`, now);
    this.#readiness.take(report);
  }

  /**
   * The kernel starts the first process also from an initramfs that it could not unpack whole. It
   * says so before; what the console tells once the application runs is the application's.
   */
  #checkUnpacked(): void {
    if (this.#isStarted) return;
    const tail = this.#parts.machine.consoleTail();
    if (!tail.some((line) => UNPACKING_FAILED.test(line))) return;
    const error = classifyConsole(tail);
    if (error !== undefined) this.#fail(error);
  }

  #warn({ step, text }: Extract<Report, { kind: "warning" }>): void {
    // Whatever it is, nobody is there for clients any more; a virtio port alone does not tell.
    if (step === "relay") void this.#parts.published?.close();
    this.#warnings++;
    if (this.#warnings < WARNINGS_MAX)
      this.#parts.onWarning(`init could not set up ${step}: ${text}`);
    if (this.#warnings === WARNINGS_MAX)
      this.#parts.onWarning("init: further warnings are left out");
  }

  #fail(error: WickError): void {
    this.#broken ??= error;
    void this.kill();
  }

  async #end(): Promise<MachineExit> {
    const vmm = await this.#parts.machine.exited;
    this.#hasEnded = true;
    this.#parts.release();
    if (vmm.warning !== undefined) this.#parts.onWarning(vmm.warning);
    await this.#parts.published?.close();
    const report = this.#session.final;
    if (this.#broken !== undefined) throw this.#broken;
    if (report?.kind === "setup-failed") throw setupError(report, this.#parts.machine);
    if (report !== undefined) return exitOf(report);
    return this.#unreported(vmm);
  }

  /** Nobody said how it ended: the console may tell, then the VMM; else it is not known. */
  #unreported(vmm: VmmExit): MachineExit {
    const tail = this.#parts.machine.consoleTail();
    const ended = this.#parts.isApp ? endOfInit(tail) : undefined;
    if (ended !== undefined)
      return exitOf(ended.kind === "exited" ? ended : { ...ended, oom: false });
    const told = classifyConsole(tail);
    if (told !== undefined) throw told;
    if (vmm.code !== 0) {
      throw new WickError("VMM_FAILED", `Cannot run the machine to its end: ${vmm.words}`, {
        detail: vmm.stderrTail,
      });
    }
    if (!this.#parts.reports) return {};
    throw new WickError(
      "GUEST_LOST",
      "Cannot tell how the application ended: the machine went away without a word from init",
      { detail: tail, hint: this.#parts.hintIfLost },
    );
  }
}

/** Ports whose listeners nobody reports: one of each in the guest. */
function portsToTry(
  ports: readonly PortForward[],
  { reports, trial }: MachineParts,
): readonly PortForward[] {
  if (reports || trial === undefined) return [];
  const tcp = ports.filter(({ protocol }) => protocol === "tcp");
  return [...new Map(tcp.map((port) => [port.guestPort, port])).values()];
}

function exitOf(report: FinalReport): MachineExit {
  const exit = { report, status: exitStatus(report) };
  return report.kind === "exited" ? exit : { ...exit, message: endInWords(report) };
}

function setupError(
  report: Extract<FinalReport, { kind: "setup-failed" }>,
  machine: Machine,
): WickError {
  return new WickError(
    "GUEST_LOST",
    `Cannot start the application: init could not set up ${report.step}: ${report.text}`,
    { detail: machine.consoleTail() },
  );
}
