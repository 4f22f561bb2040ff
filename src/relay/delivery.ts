import type { TcpClient } from "../host/index.ts";
import { ByteQueue } from "./byte-queue.ts";

/** What one write to a client's socket hands over at most. */
const WRITE_BYTES = 1 << 16;

/** What the connection is told. */
interface DeliveryEvents {
  /** The client's socket took so many bytes. */
  delivered(bytes: number): void;
  /** It took all of them and the end behind them. */
  finished(): void;
}

/** Hands the guest's bytes to a client, as fast as its socket takes them, then their end. */
export class Delivery {
  readonly #client: TcpClient;
  readonly #events: DeliveryEvents;
  readonly #queue = new ByteQueue();
  #isWriting = false;
  #ends = false;
  #isOver = false;

  constructor(client: TcpClient, events: DeliveryEvents) {
    this.#client = client;
    this.#events = events;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#next();
  }

  /** Nothing comes any more. */
  end(): void {
    this.#ends = true;
    this.#next();
  }

  /** Drops what waits: the client is gone, and nothing more is told. */
  drop(): void {
    this.#queue.clear();
    this.#isOver = true;
  }

  /** One write at a time: what is not handed over stays in our own queue, where it is counted. */
  #next(): void {
    if (this.#isWriting || this.#isOver) return;
    if (this.#queue.bytes > 0) return this.#write(this.#queue.take(WRITE_BYTES));
    if (!this.#ends) return;
    this.#isOver = true;
    this.#client.once("finish", () => this.#events.finished()).end();
  }

  #write(piece: Uint8Array): void {
    this.#isWriting = true;
    this.#client.write(piece, (error) => {
      if (this.#isOver || (error !== undefined && error !== null)) return; // "close" tells
      this.#isWriting = false;
      this.#events.delivered(piece.length);
      this.#next();
    });
  }
}
