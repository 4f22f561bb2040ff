import { Duplex } from "node:stream";

/**
 * A stream whose other end comes later, once or never: until then nothing is read, and what is
 * written waits. It ends with its peer, or by {@link AwaitedStream.giveUp} without one.
 */
export class AwaitedStream extends Duplex {
  #peer: Duplex | undefined;
  /** What waits for the peer: a stream has one write or end at a time. */
  #pending: ((peer: Duplex) => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
    this.on("error", () => {}); // what broke is told by the machine's end
  }

  /** The other end has come; one that comes too late is closed. */
  attach(peer: Duplex): void {
    if (this.destroyed || this.#peer !== undefined) return void peer.destroy();
    this.#peer = peer;
    peer.on("data", (chunk: Uint8Array) => {
      if (!this.push(chunk)) peer.pause();
    });
    peer.on("end", () => this.push(null));
    peer.on("error", () => {}); // "close" follows
    peer.on("close", () => this.#peerClosed());
    this.#pending?.(peer);
    this.#pending = undefined;
  }

  /** Nobody comes any more: the stream ends, as if its peer had gone. */
  giveUp(): void {
    if (this.#peer !== undefined || this.destroyed) return;
    this.#peerClosed();
  }

  override _read(): void {
    this.#peer?.resume();
  }

  override _write(
    chunk: Uint8Array,
    encoding: BufferEncoding,
    done: (error?: Error) => void,
  ): void {
    this.#withPeer((peer) => peer.write(chunk, encoding, (error) => done(error ?? undefined)));
  }

  override _final(done: (error?: Error) => void): void {
    this.#withPeer((peer) => peer.end(done));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#pending = undefined;
    this.#peer?.destroy();
    done(error);
  }

  #withPeer(act: (peer: Duplex) => void): void {
    if (this.#peer === undefined) this.#pending = act;
    else act(this.#peer);
  }

  /** Whoever reads gets what is still there, and then the end; whoever does not: closed. */
  #peerClosed(): void {
    if (!this.readableEnded) this.push(null);
    if (this.readableFlowing === null) this.destroy();
    else this.once("end", () => this.destroy());
    if (this.readableEnded) this.destroy();
  }
}
