import { WickError } from "../../errors/index.ts";
import type { FinalReport, Report } from "../../guest/index.ts";
import type { Machine, PortForward } from "../../vmm/index.ts";
import { endInWords } from "./end-in-words.ts";

const HINT = "--timeout gives it more time; -p takes the port that the application listens on";
const TRIED_HINT = `${HINT}; without wick's init the kernel (virtio-net and IP_PNP built in) or the application sets up the network`;

/** What readiness needs of its machine. */
interface Watched {
  readonly machine: Machine;
  readonly timeoutMs: number;
  /** False: nothing will be known, so there is nothing to wait for. */
  readonly reports: boolean;
  /** Without wick's init: ports are tried, and nobody but kernel or application sets the address. */
  readonly isTried: boolean;
}

/**
 * When the application is ready: when init has seen it listen on every published TCP port, or,
 * with none, when it was started. Without wick's init each port is tried (port-trial.ts).
 */
export class Readiness {
  readonly done: Promise<void>;
  readonly #missing: Set<number>;
  readonly #watched: Watched;
  readonly #over = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(ports: readonly PortForward[], watched: Watched) {
    this.#watched = watched;
    const tcp = ports.filter(({ protocol }) => protocol === "tcp");
    this.#missing = new Set(tcp.map(({ guestPort }) => guestPort));
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(() => this.fail(this.#notReady(this.#late())), watched.timeoutMs);
    this.#timer.unref();
    if (!watched.reports) this.#succeed();
  }

  /** Aborted when there is nothing to wait for any more. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Somebody in the guest listens on `port`. */
  listens(port: number): void {
    this.#missing.delete(port);
    if (this.#missing.size === 0) this.#succeed();
  }

  /** Takes one report of init. */
  take(report: Report): void {
    if (report.kind === "listening") this.#missing.delete(report.port);
    const started = report.kind === "started" || report.kind === "listening";
    if (started && this.#missing.size === 0) this.#succeed();
  }

  /** The machine is gone: with nothing left to wait for that is fine, else it is not. */
  ended(report: FinalReport | undefined): void {
    if (this.#missing.size === 0) return this.#succeed();
    const how = report === undefined ? "the machine ended" : endInWords(report);
    // Of the kernel's panic at the end of its first process nothing more is news.
    const isTold = report !== undefined && this.#watched.isTried;
    const detail = isTold ? [] : this.#console();
    this.fail(this.#notReady(`${how} before it listened on ${this.#ports()}`, detail));
  }

  /** The machine failed, which says more than that nothing listens. */
  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #succeed(): void {
    this.#end();
    this.#resolve();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#over.abort();
  }

  #late(): string {
    const seconds = this.#watched.timeoutMs / 1000;
    return this.#missing.size === 0
      ? `it was not started within ${seconds} s`
      : `nothing listened on ${this.#ports()} within ${seconds} s`;
  }

  #ports(): string {
    return `port ${[...this.#missing].sort((a, b) => a - b).join(", ")}`;
  }

  #console(): readonly string[] {
    return this.#watched.machine.consoleTail();
  }

  #notReady(words: string, detail = this.#console()): WickError {
    return new WickError("NOT_READY", `Cannot wait for the application any longer: ${words}`, {
      hint: this.#watched.isTried ? TRIED_HINT : HINT,
      detail,
    });
  }
}
