import { type RelayMessage, relayBroken, relayLimits } from "../guest/index.ts";
import { resetClient, type TcpClient } from "../host/index.ts";
import { ByteQueue } from "./byte-queue.ts";
import { Delivery } from "./delivery.ts";
import { ReceiveWindow, type WindowPool } from "./receive-window.ts";

/** Bytes of a client that wait for the guest's credit, before its socket is read no further. */
const WAITING_BYTES = 1 << 16;

/** Of one frame: others have their turn behind it. */
const FRAME_BYTES = 1 << 14;

/** What carries a connection: the multiplexer. */
export interface Carrier {
  readonly pool: WindowPool;
  /** Sends a frame now, whatever else waits. */
  send(message: RelayMessage): void;
  /** Calls {@link Connection.turn} when it is this connection's. */
  wantsTurn(connection: Connection): void;
  /** Nothing more comes of it, from either side: its number is free. */
  gone(connection: Connection): void;
}

/** A frame that is about one connection. */
export type ConnectionMessage = Extract<RelayMessage, { readonly number: number }>;

/** One client's connection to a port of the guest: docs/relay.md, the host's side. */
export class Connection {
  /** Of the guest. */
  readonly port: number;
  readonly #client: TcpClient;
  readonly #carrier: Carrier;
  readonly #window: ReceiveWindow;
  readonly #delivery: Delivery;
  readonly #out = new ByteQueue();
  #number = 0;
  /** Bytes that the guest takes. */
  #credit = 0;
  #isOpened = false;
  #clientEnded = false;
  #endSent = false;
  #guestEnded = false;
  #isHandedOver = false;
  #finalSent = false;
  #finalGot = false;
  #isLeft = false;
  #isGone = false;

  constructor(client: TcpClient, port: number, carrier: Carrier) {
    this.#client = client;
    this.port = port;
    this.#carrier = carrier;
    this.#window = new ReceiveWindow(carrier.pool);
    this.#delivery = new Delivery(client, {
      delivered: (bytes) => this.#grant(bytes),
      finished: () => this.#handedOver(),
    });
    client.on("data", (bytes: Uint8Array) => this.#read(bytes));
    client.on("end", () => this.#ended());
    client.on("close", () => this.#closed());
  }

  /** 0 as long as it waits for the guest's relay. */
  get number(): number {
    return this.#number;
  }

  /** The guest's relay is there and takes `window` bytes of each connection. */
  start(number: number, window: number): void {
    this.#number = number;
    this.#credit = window;
    this.#carrier.send({ kind: "open", number, port: this.port });
    this.#carrier.wantsTurn(this);
  }

  /** Sends one frame, if there is something that may be sent. */
  turn(): boolean {
    if (this.#number === 0 || this.#finalSent || this.#endSent) return false;
    if (this.#out.bytes > 0) return this.#credit > 0 && this.#sendData();
    if (!this.#clientEnded) return false;
    this.#endSent = true;
    this.#carrier.send({ kind: "end", number: this.#number });
    this.#closeIfDone();
    return true;
  }

  /** Takes a frame of the guest's; GUEST_PROTOCOL where this connection cannot have it. */
  take(message: ConnectionMessage): void {
    const isFinal = ["reset", "refused", "closed"].includes(message.kind);
    // Behind our own last frame only the guest's last one counts.
    if (this.#finalSent && !isFinal) return;
    if (this.#finalGot) throw this.#broken(message, "after its last frame");
    switch (message.kind) {
      case "opened":
        if (this.#isOpened) throw this.#broken(message, "twice");
        this.#isOpened = true;
        return;
      case "data":
        return this.#takeData(message);
      case "credit":
        return this.#takeCredit(message);
      case "end":
        return this.#takeEnd(message);
      case "refused":
      case "reset":
      case "closed":
        return this.#takeFinal(message);
      case "open":
        throw this.#broken(message, "from the guest");
    }
  }

  /** Resets the client and tells the guest. */
  reset(): void {
    if (this.#finalSent) return;
    this.#finalSent = true;
    if (this.#number > 0) this.#carrier.send({ kind: "reset", number: this.#number });
    this.#dropClient();
    if (this.#finalGot || this.#number === 0) this.#goneForGood();
  }

  /** The byte stream is gone without a goodbye, or the time for {@link leave} is up. */
  drop(): void {
    this.#finalSent = true;
    this.#dropClient();
    this.#goneForGood();
  }

  /** The guest has said goodbye: what it sent up to its end still goes to the client. */
  leave(): void {
    if (!this.#guestEnded || this.#client.closed) return this.drop();
    this.#isLeft = true;
    this.#finalSent = true;
    // Read on: a socket that is closed with something unread resets what it was given.
    this.#out.clear();
    this.#client.resume();
  }

  #read(bytes: Uint8Array): void {
    if (this.#finalSent) return;
    this.#out.push(bytes);
    if (this.#out.bytes >= WAITING_BYTES) this.#client.pause();
    this.#carrier.wantsTurn(this);
  }

  #ended(): void {
    this.#clientEnded = true;
    this.#carrier.wantsTurn(this);
  }

  #closed(): void {
    if (this.#isLeft) return this.#goneForGood();
    // Both directions have ended well: what is left to do is with the guest.
    if (this.#clientEnded && this.#isHandedOver) return;
    this.reset();
  }

  #sendData(): boolean {
    const bytes = this.#out.take(Math.min(FRAME_BYTES, this.#credit));
    this.#credit -= bytes.length;
    this.#carrier.send({ kind: "data", number: this.#number, bytes });
    if (this.#client.isPaused() && this.#out.bytes < WAITING_BYTES) this.#client.resume();
    return true;
  }

  #takeData(message: ConnectionMessage & { readonly kind: "data" }): void {
    const { length } = message.bytes;
    if (!this.#isOpened) throw this.#broken(message, "before opened");
    if (this.#guestEnded) throw this.#broken(message, "after end");
    if (!this.#window.take(length))
      throw this.#broken(message, `of ${length} bytes, over its window`);
    this.#delivery.push(message.bytes);
  }

  #takeCredit(message: ConnectionMessage & { readonly kind: "credit" }): void {
    if (!this.#isOpened) throw this.#broken(message, "before opened");
    this.#credit += message.bytes;
    if (this.#credit > relayLimits.windowBytes) {
      throw this.#broken(message, `that makes a window of ${this.#credit} bytes`);
    }
    this.#carrier.wantsTurn(this);
  }

  #takeEnd(message: ConnectionMessage): void {
    if (!this.#isOpened) throw this.#broken(message, "before opened");
    if (this.#guestEnded) throw this.#broken(message, "twice");
    this.#guestEnded = true;
    this.#delivery.end();
  }

  #takeFinal(message: ConnectionMessage): void {
    const { kind } = message;
    if (kind === "refused" && this.#isOpened) throw this.#broken(message, "after opened");
    if (kind === "closed" && !(this.#guestEnded && this.#endSent) && !this.#finalSent) {
      throw this.#broken(message, "before both ends");
    }
    this.#finalGot = true;
    if (this.#finalSent) return this.#goneForGood();
    if (kind !== "closed") this.reset();
  }

  #grant(delivered: number): void {
    const bytes = this.#window.delivered(delivered);
    if (bytes === 0 || this.#finalSent || this.#guestEnded) return;
    this.#carrier.send({ kind: "credit", number: this.#number, bytes });
  }

  #handedOver(): void {
    this.#isHandedOver = true;
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#finalSent || !this.#endSent || !this.#guestEnded || !this.#isHandedOver) return;
    this.#finalSent = true;
    this.#carrier.send({ kind: "closed", number: this.#number });
    if (this.#finalGot) this.#goneForGood();
  }

  #dropClient(): void {
    this.#out.clear();
    this.#delivery.drop();
    resetClient(this.#client);
  }

  #goneForGood(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#window.release();
    this.#carrier.gone(this);
  }

  #broken({ kind, number }: ConnectionMessage, how: string): Error {
    return relayBroken(`${kind} ${how} on connection ${number}`);
  }
}
