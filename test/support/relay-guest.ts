import { duplexPair, type Duplex } from "node:stream";
import {
  decodeRelay,
  encodeRelay,
  relayFrameReader,
  relayVersion,
  type RelayMessage,
} from "../../src/guest/index.ts";

/** A peer in place of the guest's relay that says exactly what a test wants, and keeps what it hears. */
export class ScriptedGuest {
  /** The host's end of the byte stream. */
  readonly hostEnd: Duplex;
  readonly heard: RelayMessage[] = [];
  readonly #stream: Duplex;
  readonly #frames = relayFrameReader();
  readonly #waiting: (() => void)[] = [];

  constructor() {
    [this.hostEnd, this.#stream] = duplexPair({ highWaterMark: 1 << 16 });
    this.#stream.on("data", (chunk: Uint8Array) => {
      for (const frame of this.#frames.push(chunk)) this.heard.push(decodeRelay(frame)!);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.#stream.on("error", () => undefined);
  }

  hello(window = 1 << 14): void {
    this.send({ kind: "hello", version: relayVersion, window });
  }

  send(...messages: readonly RelayMessage[]): void {
    for (const message of messages) this.sendBytes(encodeRelay(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** The machine is gone. */
  end(): void {
    this.#stream.destroy();
    this.hostEnd.destroy();
  }

  /** The first message heard so far or from now on for which `test` holds, taken out. */
  async next<M extends RelayMessage>(test: (message: RelayMessage) => message is M): Promise<M>;
  async next(test: (message: RelayMessage) => boolean): Promise<RelayMessage>;
  async next(test: (message: RelayMessage) => boolean): Promise<RelayMessage> {
    for (;;) {
      const index = this.heard.findIndex(test);
      if (index >= 0) return this.heard.splice(index, 1)[0]!;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The next frame of that kind, of any connection or of one. */
  async of<K extends RelayMessage["kind"]>(
    kind: K,
    number?: number,
  ): Promise<RelayMessage & { readonly kind: K }> {
    const found = await this.next(
      (message) =>
        message.kind === kind &&
        (number === undefined || ("number" in message && message.number === number)),
    );
    return found as RelayMessage & { readonly kind: K };
  }

  /** All bytes of a connection until its end. */
  async bytesOf(number: number): Promise<string> {
    let text = "";
    for (;;) {
      const message = await this.next(
        (one) => "number" in one && one.number === number && ["data", "end"].includes(one.kind),
      );
      if (message.kind !== "data") return text;
      text += Buffer.from(message.bytes).toString("latin1");
    }
  }
}
