import { WickError } from "../errors/index.ts";

/** A piece of a zstd frame; `endsFrame` with its last byte. */
export interface FramePiece {
  readonly bytes: Uint8Array;
  readonly endsFrame: boolean;
}

/** The greatest window taken: what `zstd` and node:zlib allow by themselves (windowLog 27). */
export const WINDOW_LIMIT_BYTES = 128 << 20;

const MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

/** What the scanner reads next: so many bytes of a header, or to pass over. */
type Step = "magic" | "skip-size" | "skip" | "descriptor" | "header" | "block" | "body";

/**
 * The frames of zstd data (RFC 8878, 3.1), without skippable ones. It walks from header to
 * header and touches no block, which gives every engine the same bounds and the same errors:
 * a window over the limit, truncation, and what is no frame. node:zlib needs it besides: it
 * stops at the end of the first frame (Node 24.21).
 */
export async function* zstdFrames(
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<FramePiece> {
  const scanner = new FrameScanner(name);
  for await (const chunk of input) yield* scanner.scan(chunk);
  scanner.end();
}

class FrameScanner {
  readonly #name: string;
  #step: Step = "magic";
  /** Bytes still to be read for the step. */
  #missing = 4;
  /** The step's bytes so far, where they are looked at. */
  #header: number[] = [];
  #descriptor = 0;
  #isLastBlock = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** The pieces of frames in `chunk`. */
  *scan(chunk: Uint8Array): Generator<FramePiece> {
    let from = 0;
    for (let at = 0; at < chunk.length;) {
      const count = Math.min(this.#missing, chunk.length - at);
      const kept = this.#step !== "skip" && this.#step !== "body";
      if (kept) this.#header.push(...chunk.subarray(at, at + count));
      at += count;
      this.#missing -= count;
      if (this.#missing > 0) break;
      const turn = this.#advance();
      if (turn === "begins") {
        from = at;
        yield { bytes: MAGIC, endsFrame: false };
      } else if (turn === "ends") {
        yield { bytes: chunk.subarray(from, at), endsFrame: true };
      }
    }
    const inFrame = !["magic", "skip", "skip-size"].includes(this.#step);
    if (inFrame && from < chunk.length) yield { bytes: chunk.subarray(from), endsFrame: false };
  }

  end(): void {
    const isBetween = this.#step === "magic" && this.#header.length === 0;
    if (!isBetween) this.#refuse("it is truncated");
  }

  /** The step's bytes are all there: what they mean, and what comes next. */
  #advance(): "begins" | "ends" | undefined {
    const header = this.#header;
    this.#header = [];
    switch (this.#step) {
      case "magic":
        return this.#atMagic(littleEndian(header));
      case "skip-size":
        return this.#skip(littleEndian(header));
      case "skip":
        return this.#next("magic", 4);
      case "descriptor":
        this.#descriptor = header[0]!;
        return this.#next("header", headerBytes(this.#descriptor));
      case "header":
        this.#checkWindow(header);
        return this.#next("block", 3);
      case "block":
        return this.#atBlock(littleEndian(header));
      case "body":
        return this.#afterBlock();
    }
  }

  #next(step: Step, count: number): undefined {
    this.#step = step;
    this.#missing = count;
  }

  #atMagic(magic: number): "begins" | undefined {
    if (magic === 0xfd2fb528) {
      this.#next("descriptor", 1);
      return "begins";
    }
    if ((magic & 0xfffffff0) >>> 0 === 0x184d2a50) return this.#next("skip-size", 4);
    return this.#refuse("what follows is no zstd frame");
  }

  #skip(count: number): undefined {
    if (count === 0) this.#next("magic", 4);
    else this.#next("skip", count);
  }

  #atBlock(header: number): "ends" | undefined {
    this.#isLastBlock = (header & 1) === 1;
    const type = (header >> 1) & 3; // 0 raw, 1 RLE, 2 compressed, 3 reserved
    if (type === 3) this.#refuse("it has a block of the reserved type");
    const content = type === 1 ? 1 : header >>> 3;
    const checksum = this.#isLastBlock && (this.#descriptor & 4) !== 0 ? 4 : 0;
    if (content + checksum === 0) return this.#afterBlock();
    return this.#next("body", content + checksum);
  }

  #afterBlock(): "ends" | undefined {
    if (!this.#isLastBlock) return this.#next("block", 3);
    this.#next("magic", 4);
    return "ends";
  }

  /** RFC 8878, 3.1.1.1.2: the window, or the content's size where one segment holds it all. */
  #checkWindow(header: readonly number[]): void {
    const isSingle = (this.#descriptor & 0x20) !== 0;
    const window = isSingle ? contentSize(header, this.#descriptor) : windowSize(header[0]!);
    if (window <= WINDOW_LIMIT_BYTES) return;
    this.#refuse(`it needs a window of ${window} bytes, wanted at most ${WINDOW_LIMIT_BYTES}`);
  }

  #refuse(what: string): never {
    throw new WickError("COMPRESSION_INVALID", `Cannot decompress ${this.#name}: ${what}`);
  }
}

/** Bytes of a frame's header after its descriptor: window, dictionary, content size. */
function headerBytes(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0;
  return (isSingle ? 0 : 1) + dictionaryBytes(descriptor) + contentSizeBytes(descriptor);
}

function dictionaryBytes(descriptor: number): number {
  return [0, 1, 2, 4][descriptor & 3]!;
}

function contentSizeBytes(descriptor: number): number {
  const flag = descriptor >> 6;
  return flag === 0 ? ((descriptor & 0x20) !== 0 ? 1 : 0) : 1 << flag;
}

function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

function contentSize(header: readonly number[], descriptor: number): number {
  const bytes = header.slice(dictionaryBytes(descriptor));
  return littleEndian(bytes) + (bytes.length === 2 ? 256 : 0);
}

/** Up to eight bytes; beyond 2^53 inexact, which is over every limit anyway. */
function littleEndian(bytes: readonly number[]): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
