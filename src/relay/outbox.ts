import type { Duplex } from "node:stream";
import { encodeRelay, type RelayMessage } from "../guest/index.ts";
import type { Connection } from "./connection.ts";

/** Bytes that wait in the byte stream before nobody has a turn: what a new request waits behind. */
const WAITING_BYTES = 1 << 16;

/** Frames that need no turn are small; a guest that leaves so many unread reads none any more. */
const UNREAD_BYTES = 8 << 20;

/** What goes to the guest: connections with something to send, a frame of each in turn. */
export class Outbox {
  readonly #stream: Duplex;
  readonly #ring = new Set<Connection>();

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("drain", () => this.#pump());
  }

  /** False where the guest reads nothing of what it is sent. */
  send(message: RelayMessage): boolean {
    if (this.#stream.writable) this.#stream.write(encodeRelay(message));
    return this.#stream.writableLength <= UNREAD_BYTES;
  }

  wantsTurn(connection: Connection): void {
    this.#ring.add(connection);
    this.#pump();
  }

  forget(connection: Connection): void {
    this.#ring.delete(connection);
  }

  #pump(): void {
    this.#stream.cork();
    while (this.#stream.writableLength < WAITING_BYTES) {
      const [next] = this.#ring;
      if (next === undefined) break;
      this.#ring.delete(next);
      if (next.turn()) this.#ring.add(next);
    }
    this.#stream.uncork();
  }
}
