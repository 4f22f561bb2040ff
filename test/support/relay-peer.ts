import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Frame } from "../../src/guest/frames.ts";
import { FrameReader, encodeFrame } from "../../src/guest/frames.ts";
import {
  relayCreditBody,
  relayHelloBody,
  relayOpenBody,
  relayRefusedBody,
} from "../../src/guest/relay-layout.ts";
import { relayTypes as types, relayVersion } from "../../src/guest/relay-types.ts";

/** Of init's files those of the relay's process. */
export const relayFiles = [
  "relay-process.c",
  "relay-frames.c",
  "relay-table.c",
  "relay-endings.c",
  "relay-windows.c",
  "relay-writing.c",
  "relay-application.c",
  "relay-host.c",
  "relay-speaking.c",
  "relay-pool.c",
  "clock.c",
  "text.c",
  "copy.c",
];

/** What the guest has said of a connection, in the order in which it may come. */
export interface Heard {
  opened: boolean;
  /** errno. */
  refused: number | undefined;
  bytes: Buffer[];
  end: boolean;
  final: "reset" | "closed" | "refused" | undefined;
}

/** One connection as the host's end has it; it checks each frame of the guest's against the page. */
export class PeerConnection {
  readonly heard: Heard = {
    opened: false,
    refused: undefined,
    bytes: [],
    end: false,
    final: undefined,
  };
  /** Bytes that may be sent. */
  window: number;
  /** Credits of the guest, in order. */
  readonly credits: number[] = [];
  readonly number: number;
  /** Whether received bytes are granted anew at once; a client that stalls does not. */
  takes = true;
  readonly #peer: RelayPeer;
  #granted: number;
  #ended = false;
  #final = false;

  constructor(peer: RelayPeer, number: number) {
    this.#peer = peer;
    this.number = number;
    this.window = peer.guestWindow;
    this.#granted = peer.window;
  }

  get isFree(): boolean {
    return this.#final && this.heard.final !== undefined;
  }

  get text(): string {
    return Buffer.concat(this.heard.bytes).toString();
  }

  /** Sends as the window allows. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const isOver = () => this.#final || this.heard.final !== undefined;
      await this.until(() => this.window > 0 || isOver());
      if (isOver()) return;
      const part = bytes.subarray(at, at + Math.min(this.window, 16384));
      this.window -= part.length;
      at += part.length;
      await this.#peer.send(types.data, part, this.number);
    }
  }

  end(): void {
    this.#ended = true;
    void this.#peer.send(types.end, new Uint8Array(), this.number);
    this.#close();
  }

  reset(): void {
    if (this.#final) return;
    this.#final = true;
    void this.#peer.send(types.reset, new Uint8Array(), this.number);
  }

  /** Grants what has been received and not yet been granted anew. */
  take(bytes: number): void {
    this.takes = true;
    this.credit(bytes);
  }

  credit(bytes: number): void {
    this.#granted += bytes;
    void this.#peer.send(types.credit, relayCreditBody.encode({ bytes }), this.number);
  }

  /** Fails where the guest has said its last of the connection before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { final, refused } = this.heard;
      if (final !== undefined) throw new Error(`connection ${this.number}: ${final}, ${refused}`);
      await this.#peer.nextFrame();
    }
  }

  #close(): void {
    if (!this.#ended || !this.heard.end || this.#final) return;
    this.#final = true;
    void this.#peer.send(types.closed, new Uint8Array(), this.number);
  }

  /** Says what is wrong with a frame of the guest's; undefined: nothing. */
  receive({ type, payload }: Frame): string | undefined {
    const { heard } = this;
    if (heard.final !== undefined) return "a frame behind the final one";
    const isFirst = type === types.opened || type === types.refused;
    if (isFirst === heard.opened && !(type === types.reset && this.#final)) {
      return heard.opened ? "opened twice" : "the first frame is neither opened nor refused";
    }
    const handler = this.#handlers[type];
    return handler === undefined ? `the type ${type.toString(16)}` : handler(payload);
  }

  readonly #handlers: Readonly<Record<number, (payload: Uint8Array) => string | undefined>> = {
    [types.opened]: () => {
      this.heard.opened = true;
      return undefined;
    },
    [types.refused]: (payload) => {
      this.heard.refused = relayRefusedBody.read(payload).errno;
      return this.#giveUp("refused");
    },
    [types.data]: (payload) => this.#data(payload),
    [types.credit]: (payload) => {
      const { bytes } = relayCreditBody.read(payload);
      this.credits.push(bytes);
      this.window += bytes;
      return undefined;
    },
    [types.end]: () => {
      if (this.heard.end) return "a second end";
      this.heard.end = true;
      this.#close();
      return undefined;
    },
    [types.reset]: () => this.#giveUp("reset"),
    [types.closed]: () => {
      if (!this.heard.end || !this.#ended) return "closed before both ends";
      this.heard.final = "closed";
      return undefined;
    },
  };

  #giveUp(final: "reset" | "refused"): undefined {
    this.heard.final = final;
    this.reset();
  }

  #data(payload: Uint8Array): string | undefined {
    if (this.heard.end) return "data behind the end";
    if (payload.length > 16384) return `${payload.length} bytes in a frame`;
    this.#granted -= payload.length;
    if (this.#granted < 0) return "bytes beyond the window";
    this.heard.bytes.push(Buffer.from(payload));
    if (this.takes && !this.#final) this.credit(payload.length);
    return undefined;
  }
}

/** The host's end of a relay whose guest's end runs as a program: `test/support/guest/relay-main.c`. */
export class RelayPeer {
  readonly child: ChildProcess;
  readonly stream: Socket;
  /** What each new connection may send, and what it may be sent. */
  readonly window: number;
  guestWindow = 0;
  readonly violations: string[] = [];
  goodbye = false;
  readonly #link: Socket;
  readonly #reader = new FrameReader();
  readonly #connections = new Map<number, PeerConnection>();
  readonly #waiting = new Set<() => void>();
  #drained: Promise<void> | undefined;
  #ended = false;

  constructor(program: string, { bound = 4 << 20, window = 256 << 10, greets = true } = {}) {
    this.window = window;
    this.child = spawn(program, [`${bound}`], {
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
    });
    this.stream = this.child.stdio[3] as Socket;
    this.#link = this.child.stdio[4] as Socket;
    for (const socket of [this.stream, this.#link]) socket.on("error", () => {});
    this.#link.resume();
    this.stream.on("data", (chunk: Buffer) => {
      for (const frame of this.#reader.push(chunk)) this.#receive(frame);
      this.#wake();
    });
    this.stream.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
    const hello = { version: relayVersion, reserved: 0, window };
    if (greets) void this.send(types.hello, relayHelloBody.encode(hello), 0);
  }

  /** A peer to which the guest has said hello. */
  static async start(...of: ConstructorParameters<typeof RelayPeer>): Promise<RelayPeer> {
    const peer = new RelayPeer(...of);
    while (peer.guestWindow === 0) await peer.nextFrame();
    return peer;
  }

  /** Opens with the lowest free number, so that numbers are used again at once. */
  open(port: number): PeerConnection {
    let number = 1;
    while (this.#connections.has(number)) number++;
    const connection = new PeerConnection(this, number);
    this.#connections.set(number, connection);
    void this.send(types.open, relayOpenBody.encode({ port }), number);
    return connection;
  }

  /** Ends when the stream has taken the frame. */
  async send(type: number, payload: Uint8Array, number: number): Promise<void> {
    if (this.#ended || !this.stream.writable) return;
    if (this.stream.write(encodeFrame(type, payload, number))) return;
    this.#drained ??= new Promise<void>((resolve) => {
      const done = (): void => {
        this.stream.off("drain", done).off("close", done);
        this.#drained = undefined;
        resolve();
      };
      this.stream.on("drain", done).on("close", done);
    });
    await this.#drained;
  }

  /** Ends after the next bytes of the guest's; fails when none can come any more. */
  async nextFrame(): Promise<void> {
    if (this.#ended) throw new Error("the guest's end has closed the stream");
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Init's word that the application has ended. */
  letGo(): void {
    this.#link.destroy();
  }

  /** Ends the stream; the program's exit status, 0 where the host's end was first to go. */
  async close(): Promise<number | null> {
    const exited = this.child.exitCode === null ? once(this.child, "exit") : undefined;
    this.#link.destroy();
    this.stream.destroy();
    await exited;
    return this.child.exitCode;
  }

  get inUse(): number {
    return this.#connections.size;
  }

  #receive(frame: Frame): void {
    const { type, stream, payload } = frame;
    if (this.goodbye) this.violations.push("a frame behind goodbye");
    if (stream === 0) {
      if (type === types.hello) this.guestWindow = relayHelloBody.read(payload).window;
      else if (type === types.goodbye) this.goodbye = true;
      else this.violations.push(`the type ${type.toString(16)} of stream 0`);
      return;
    }
    const connection = this.#connections.get(stream);
    const wrong = connection?.receive(frame) ?? (connection ? undefined : "a number not in use");
    if (wrong !== undefined) this.violations.push(`${wrong} (connection ${stream})`);
    if (connection?.isFree === true) this.#connections.delete(stream);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
