import type { Duplex } from "node:stream";
import { WickError } from "../../errors/index.ts";
import {
  decodeReport,
  encodeCommand,
  FrameReader,
  isFinal,
  type Command,
  type FinalReport,
  type Report,
} from "../../guest/index.ts";

/** What a session tells its machine as reports come in. */
export interface SessionListener {
  report(report: Report): void;
  /** The guest broke the protocol; nothing more of it is read. */
  broken(error: WickError): void;
}

/**
 * The host's end of the channel: reads init's reports, acknowledges the last one, sends
 * commands. What a guest sends after its last word, or against the protocol, is not read.
 */
export class GuestSession {
  readonly #channel: Duplex;
  readonly #frames = new FrameReader();
  readonly #listener: SessionListener;
  #final: FinalReport | undefined;

  constructor(channel: Duplex, listener: SessionListener) {
    this.#channel = channel;
    this.#listener = listener;
    // A peer that goes away is the machine's end, which `exited` tells.
    channel.on("error", () => undefined);
    channel.on("data", (chunk: Uint8Array) => this.#read(chunk));
    this.send({ kind: "hello" });
  }

  /** How the application ended, once init has said so. */
  get final(): FinalReport | undefined {
    return this.#final;
  }

  /** Sends a command; silently nothing once the channel is gone. */
  send(command: Command): void {
    if (this.#channel.writable) this.#channel.write(encodeCommand(command));
  }

  #read(chunk: Uint8Array): void {
    try {
      for (const frame of this.#frames.push(chunk)) this.#take(decodeReport(frame));
    } catch (error) {
      this.#channel.destroy();
      if (!(error instanceof WickError)) throw error;
      this.#listener.broken(error);
    }
  }

  #take(report: Report): void {
    if (isFinal(report)) {
      this.#final ??= report;
      this.send({ kind: "ack", report: report.kind });
    }
    this.#listener.report(report);
  }
}
