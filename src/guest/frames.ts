import { WickError } from "../errors/index.ts";
import { frameHeader } from "./message-layout.ts";
import { controlStream, payloadCap } from "./message-types.ts";

/** One frame of the channel, or of the relay. */
export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

const headerBytes = frameHeader.sizeBytes;

/** Bytes of one frame; a payload over the cap is refused. */
export function encodeFrame(
  type: number,
  payload: Uint8Array,
  stream: number = controlStream,
): Uint8Array<ArrayBuffer> {
  if (payload.length > payloadCap) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot send a frame of ${payload.length} bytes: the channel's cap is ${payloadCap}`,
    );
  }
  const bytes = new Uint8Array(headerBytes + payload.length);
  frameHeader.write(bytes, { length: payload.length, type, stream });
  bytes.set(payload, headerBytes);
  return bytes;
}

/** Which byte stream is read, for the error, and how long a payload may be in it. */
export interface FrameReaderOptions {
  readonly name: "channel" | "relay";
  readonly payloadBytes: number;
}

/**
 * Cuts a byte stream from the guest into frames. Holds at most one header and one payload
 * (1 MiB); a longer one is an error before any byte of it is kept. After an error every
 * further call gives the same one: the caller closes the byte stream.
 */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  readonly #header = new Uint8Array(headerBytes);
  // By hand and not by the table: a guest may send a million empty frames a second.
  readonly #view = new DataView(this.#header.buffer);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #payloadFilled = 0;
  #failed: WickError | undefined;

  constructor(options: FrameReaderOptions = { name: "channel", payloadBytes: payloadCap }) {
    this.#options = options;
  }

  /** The frames that `chunk` completes, in order; payloads are copies. */
  push(chunk: Uint8Array): readonly Frame[] {
    if (this.#failed !== undefined) throw this.#failed;
    const frames: Frame[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#payload === undefined) {
        at += this.#fillHeader(chunk, at);
        if (this.#headerFilled < headerBytes) break;
        this.#startPayload();
      }
      at += this.#fillPayload(chunk, at);
      const frame = this.#finish();
      if (frame !== undefined) frames.push(frame);
    }
    return frames;
  }

  /** Says that no more bytes come; an error when they end within a frame. */
  end(): void {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#headerFilled === 0) return;
    throw this.#fail("the guest's bytes end within a frame");
  }

  #fail(what: string): WickError {
    this.#failed = new WickError(
      "GUEST_PROTOCOL",
      `Cannot read the guest's ${this.#options.name}: ${what}`,
    );
    this.#payload = undefined;
    return this.#failed;
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + headerBytes - this.#headerFilled);
    this.#header.set(part, this.#headerFilled);
    this.#headerFilled += part.length;
    return part.length;
  }

  #startPayload(): void {
    const length = this.#view.getUint32(frameHeader.offsets.length, true);
    const { payloadBytes } = this.#options;
    if (length > payloadBytes) {
      throw this.#fail(`a frame of ${length} bytes, wanted at most ${payloadBytes}`);
    }
    this.#payload = new Uint8Array(length);
    this.#payloadFilled = 0;
  }

  #fillPayload(chunk: Uint8Array, at: number): number {
    const payload = this.#payload!;
    const part = chunk.subarray(at, at + payload.length - this.#payloadFilled);
    payload.set(part, this.#payloadFilled);
    this.#payloadFilled += part.length;
    return part.length;
  }

  #finish(): Frame | undefined {
    const payload = this.#payload!;
    if (this.#payloadFilled < payload.length) return undefined;
    const type = this.#view.getUint16(frameHeader.offsets.type, true);
    const stream = this.#view.getUint16(frameHeader.offsets.stream, true);
    this.#payload = undefined;
    this.#headerFilled = 0;
    return { type, stream, payload };
  }
}
