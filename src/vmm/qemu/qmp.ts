import type { Duplex } from "node:stream";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Deadline } from "../../host/index.ts";

/** One answer's or event's line: more than any of ours needs. */
const LINE_BYTES = 1 << 20;
const LF = 0x0a;

interface Message {
  readonly QMP?: unknown;
  readonly id?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly class?: unknown; readonly desc?: unknown };
  readonly event?: unknown;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: WickError): void;
}

/** The QEMU Machine Protocol over one connection: a JSON object a line, commands with ids. */
export class Qmp {
  readonly #socket: Duplex;
  readonly #waiting = new Map<number, Waiting>();
  readonly #greeting: Promise<unknown>;
  #greeted!: Waiting;
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #lastId = 0;
  #ended: WickError | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#greeting = new Promise((resolve, reject) => (this.#greeted = { resolve, reject }));
    this.#greeting.catch(() => {}); // it may break before anybody waits
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => this.#end("QEMU closed its control connection"));
  }

  /** Waits for the greeting and leaves negotiation mode. */
  async negotiate(deadline: Deadline): Promise<void> {
    await deadline.within(this.#greeting, "greeting on QEMU's control connection");
    await this.execute("qmp_capabilities", {}, deadline);
  }

  /** Runs one command; its `return`. */
  execute(command: string, args: object, deadline: Deadline): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
    return deadline
      .within(answer, `answer of QEMU to ${command}`)
      .finally(() => this.#waiting.delete(id));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let from = 0;
    for (let to = chunk.indexOf(LF); to >= 0; to = chunk.indexOf(LF, from)) {
      this.#partial.push(chunk.subarray(from, to));
      const line = Buffer.concat(this.#partial).toString("utf8");
      this.#partial = [];
      this.#partialBytes = 0;
      this.#receive(line);
      from = to + 1;
    }
    this.#partial.push(chunk.subarray(from));
    this.#partialBytes += chunk.length - from;
    if (this.#partialBytes > LINE_BYTES) this.#break("a line without an end");
  }

  #receive(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      return this.#break("no JSON");
    }
    if (message === null || typeof message !== "object") return this.#break("no JSON object");
    if (message.QMP !== undefined) return this.#greeted.resolve(message.QMP);
    const waiting = typeof message.id === "number" ? this.#waiting.get(message.id) : undefined;
    // Events have no id: how the machine ends is told by the process and by init's report.
    if (waiting === undefined) return;
    if (message.error === undefined) waiting.resolve(message.return);
    else waiting.reject(refusal(message.error));
  }

  #break(what: string): void {
    this.#end(`QEMU sent ${what} on its control connection`);
    this.#socket.destroy();
  }

  #end(words: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = new WickError("VMM_FAILED", `Cannot control the machine: ${words}`);
    this.#greeted.reject(this.#ended);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}

function refusal({ desc }: { desc?: unknown }): WickError {
  return new WickError(
    "VMM_FAILED",
    `Cannot control the machine: QEMU says "${sanitise(String(desc))}"`,
  );
}
