import { WickError } from "../../errors/index.ts";
import type { FinalReport, Report } from "../../guest/index.ts";
import type { Machine, PortForward } from "../../vmm/index.ts";
import { endInWords } from "./end-in-words.ts";

/** What readiness needs of its machine. */
interface Watched {
  readonly machine: Machine;
  readonly timeoutMs: number;
  /** False: nothing will be reported, so there is nothing to wait for. */
  readonly reports: boolean;
}

/**
 * When the application is ready: when init has seen it listen on every published TCP port, or,
 * with none, when it was started. A connect to a forwarded port proves nothing: QEMU accepts
 * before anything listens in the guest.
 */
export class Readiness {
  readonly done: Promise<void>;
  readonly #missing: Set<number>;
  readonly #watched: Watched;
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
    this.fail(this.#notReady(`${how} before it listened on ${this.#ports()}`));
  }

  /** The machine failed, which says more than that nothing listens. */
  fail(error: unknown): void {
    clearTimeout(this.#timer);
    this.#reject(error);
  }

  #succeed(): void {
    clearTimeout(this.#timer);
    this.#resolve();
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

  #notReady(words: string): WickError {
    return new WickError("NOT_READY", `Cannot wait for the application any longer: ${words}`, {
      hint: "--timeout gives it more time; -p takes the port that the application listens on",
      detail: this.#watched.machine.consoleTail(),
    });
  }
}
