import type { Duplex } from "node:stream";
import { WickError } from "../errors/index.ts";
import {
  decodeRelay,
  relayBroken,
  relayFrameReader,
  relayLimits,
  relayVersion,
  type RelayMessage,
} from "../guest/index.ts";
import { resetClient, type TcpClient } from "../host/index.ts";
import { Connection, type ConnectionMessage } from "./connection.ts";
import { Outbox } from "./outbox.ts";
import { FIRST_WINDOW_BYTES, WindowPool } from "./receive-window.ts";

/** How long a client may wait for the guest's relay, in `ms`: it comes before the application. */
const WAIT_MS = 60_000;

/** How long clients may take for the last bytes of a machine that has ended, in `ms`. */
const LAST_BYTES_MS = 5000;

const LAST_NUMBER = 0xffff;

/** What the multiplexer tells. */
export interface MultiplexerEvents {
  /** The guest broke the protocol; all connections are reset. */
  broken(error: WickError): void;
  /** The guest takes no more connections, for whatever reason. */
  ended(): void;
}

/** How long is waited; tests wait less. */
export interface MultiplexerOptions {
  readonly waitMs?: number;
  readonly lastBytesMs?: number;
}

/**
 * The host's end of the relay: clients' connections over one byte stream to the guest. What the
 * guest sends is checked frame by frame; nothing of it throws.
 */
export class Multiplexer {
  readonly #events: MultiplexerEvents;
  readonly #options: Required<MultiplexerOptions>;
  readonly #pool = new WindowPool();
  readonly #frames = relayFrameReader();
  readonly #byNumber = new Map<number, Connection>();
  readonly #waiting = new Map<Connection, NodeJS.Timeout>();
  #outbox: Outbox | undefined;
  #stream: Duplex | undefined;
  /** Undefined until the guest's hello: what it takes of each new connection. */
  #guestWindow: number | undefined;
  #lastNumber = 0;
  #hasEnded = false;
  readonly #whenIdle: (() => void)[] = [];

  constructor(events: MultiplexerEvents, options: MultiplexerOptions = {}) {
    this.#events = events;
    this.#options = { waitMs: WAIT_MS, lastBytesMs: LAST_BYTES_MS, ...options };
  }

  /** Connections that are open, closing or waiting for the guest. */
  get connections(): number {
    return this.#byNumber.size + this.#waiting.size;
  }

  /** Speaks to the guest's relay over `stream`, once. */
  attach(stream: Duplex): void {
    this.#stream = stream;
    this.#outbox = new Outbox(stream);
    stream.on("data", (chunk: Uint8Array) => this.#read(chunk));
    for (const event of ["end", "close", "error"]) stream.on(event, () => this.#end("drop"));
    this.#send({ kind: "hello", version: relayVersion, window: FIRST_WINDOW_BYTES });
  }

  /** Carries `client` to a port of the guest, as soon as its relay is there. */
  accept(client: TcpClient, port: number): void {
    if (this.#hasEnded || this.connections >= relayLimits.connections) {
      resetClient(client);
      return;
    }
    const connection = new Connection(client, port, {
      pool: this.#pool,
      send: (message) => this.#send(message),
      wantsTurn: (one) => this.#outbox?.wantsTurn(one),
      gone: (one) => this.#forget(one),
    });
    if (this.#guestWindow === undefined) this.#wait(connection);
    else this.#start(connection, this.#guestWindow);
  }

  /** Ends it all: connections are reset, except those whose last bytes are still on their way. */
  close(): void {
    this.#end("drop");
  }

  /** Resolves when no connection is left; clients have a bounded time for their last bytes. */
  async idle(): Promise<void> {
    if (this.connections > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #wait(connection: Connection): void {
    const timer = setTimeout(() => connection.reset(), this.#options.waitMs);
    this.#waiting.set(connection, timer.unref());
  }

  #start(connection: Connection, window: number): void {
    const number = this.#freeNumber();
    this.#byNumber.set(number, connection);
    connection.start(number, window);
  }

  /** In turn, so that a number comes again as late as possible; fewer are in use than there are. */
  #freeNumber(): number {
    do {
      this.#lastNumber = (this.#lastNumber % LAST_NUMBER) + 1;
    } while (this.#byNumber.has(this.#lastNumber));
    return this.#lastNumber;
  }

  #forget(connection: Connection): void {
    clearTimeout(this.#waiting.get(connection));
    this.#waiting.delete(connection);
    this.#byNumber.delete(connection.number);
    this.#outbox?.forget(connection);
    if (this.connections > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #send(message: RelayMessage): void {
    if (this.#hasEnded || this.#outbox === undefined || this.#outbox.send(message)) return;
    this.#break(relayBroken("nothing of what it is sent is read"));
  }

  #read(chunk: Uint8Array): void {
    if (this.#hasEnded) return; // what it says behind its goodbye
    try {
      for (const frame of this.#frames.push(chunk)) {
        const message = decodeRelay(frame);
        if (message !== undefined && !this.#hasEnded) this.#take(message);
      }
    } catch (error) {
      this.#break(error instanceof WickError ? error : relayBroken(String(error)));
    }
  }

  #take(message: RelayMessage): void {
    if ((message.kind === "hello") !== (this.#guestWindow === undefined)) {
      throw relayBroken(
        `${message.kind} where hello ${message.kind === "hello" ? "was" : "should be"}`,
      );
    }
    if (message.kind === "hello") this.#takeHello(message);
    else if (message.kind === "goodbye") this.#takeGoodbye();
    else this.#connectionOf(message).take(message);
  }

  #takeHello({ version, window }: RelayMessage & { readonly kind: "hello" }): void {
    if (version !== relayVersion) {
      throw relayBroken(`version ${version}, wanted ${relayVersion}`);
    }
    if (window > relayLimits.windowBytes) throw relayBroken(`a window of ${window} bytes`);
    this.#guestWindow = window;
    for (const [connection, timer] of this.#waiting) {
      clearTimeout(timer);
      this.#waiting.delete(connection);
      this.#start(connection, window);
    }
  }

  /** Answered at once, for the machine waits with its end; clients get theirs by and by. */
  #takeGoodbye(): void {
    this.#send({ kind: "goodbye" });
    this.#end("leave");
  }

  #connectionOf(message: ConnectionMessage): Connection {
    const connection = this.#byNumber.get(message.number);
    if (connection !== undefined) return connection;
    throw relayBroken(`${message.kind} on connection ${message.number}, which is not open`);
  }

  #break(error: WickError): void {
    if (this.#hasEnded) return;
    this.#end("drop");
    this.#stream?.destroy();
    this.#events.broken(error);
  }

  #end(how: "drop" | "leave"): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const connection of [...this.#byNumber.values(), ...this.#waiting.keys()]) {
      connection[how]();
    }
    const timer = setTimeout(() => this.#dropAll(), this.#options.lastBytesMs);
    void this.idle().then(() => clearTimeout(timer));
    this.#events.ended();
  }

  #dropAll(): void {
    for (const connection of this.#byNumber.values()) connection.drop();
  }
}
