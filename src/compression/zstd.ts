import * as zlib from "node:zlib";
import { WickError } from "../errors/index.ts";
import { findProgram, pipeThroughTool, throwIfAborted } from "../host/index.ts";
import { type Engine, engineOptions, throughEngine } from "./engine.ts";
import type { DecompressOptions } from "./options.ts";
import { type FramePiece, zstdFrames } from "./zstd-frames.ts";

/** Who decompresses zstd: node:zlib (from 22.15), the `zstd` program, or the library fzstd. */
export type ZstdEngine = "node" | "tool" | "library";

type CreateZstd = (options: object) => Engine;

/** Absent from Node 20, and so from its types. */
const createZstd = (zlib as unknown as { createZstdDecompress?: CreateZstd }).createZstdDecompress;

/** The fastest engine that this machine has. */
export function zstdEngine(): ZstdEngine {
  if (createZstd !== undefined) return "node";
  return findProgram("zstd") === undefined ? "library" : "tool";
}

/** Decompresses zstd data of any number of frames. */
export async function* unzstd(
  input: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
  engine: ZstdEngine = zstdEngine(),
): AsyncGenerator<Uint8Array> {
  const pieces = zstdFrames(input, options.name);
  try {
    const first = await pieces.next();
    // Skippable frames alone are valid and empty; not every engine agrees.
    if (first.done === true) return;
    if (engine === "node" && createZstd !== undefined) {
      yield* byNode(first.value, pieces, options, createZstd);
    } else if (engine === "tool") {
      yield* byTool(bytesOf(first.value, pieces), options);
    } else {
      yield* byLibrary(bytesOf(first.value, pieces), options);
    }
  } finally {
    await pieces.return(undefined);
  }
}

/** An engine a frame: node:zlib ends, in silence, with the first. */
async function* byNode(
  start: FramePiece,
  pieces: AsyncGenerator<FramePiece>,
  { name, signal }: DecompressOptions,
  create: CreateZstd,
): AsyncGenerator<Uint8Array> {
  for (let first: FramePiece | undefined = start; first !== undefined;) {
    throwIfAborted(signal);
    yield* throughEngine(create(engineOptions), frame(first, pieces), name);
    const next: IteratorResult<FramePiece> = await pieces.next();
    first = next.done === true ? undefined : next.value;
  }
}

/** One frame's bytes; `pieces` then stands at the next frame. */
async function* frame(
  first: FramePiece,
  pieces: AsyncGenerator<FramePiece>,
): AsyncGenerator<Uint8Array> {
  yield first.bytes;
  for (let ended = first.endsFrame; !ended;) {
    const next = await pieces.next();
    if (next.done === true) return;
    yield next.value.bytes;
    ended = next.value.endsFrame;
  }
}

async function* bytesOf(
  first: FramePiece,
  pieces: AsyncIterable<FramePiece>,
): AsyncGenerator<Uint8Array> {
  yield first.bytes;
  for await (const { bytes } of pieces) yield bytes;
}

function byTool(
  input: AsyncIterable<Uint8Array>,
  { name, signal }: DecompressOptions,
): AsyncIterable<Uint8Array> {
  return pipeThroughTool("zstd", ["-dc", "-q"], {
    purpose: `decompress ${name}`,
    input,
    signal,
    failure: "COMPRESSION_INVALID",
  });
}

/** Slow (60 to 90 MB/s), and content checksums are not looked at: only where nothing else is. */
async function* byLibrary(
  input: AsyncIterable<Uint8Array>,
  { name, signal }: DecompressOptions,
): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import("fzstd");
  const ready: Uint8Array[] = [];
  const decompressor = new Decompress((bytes) => void ready.push(bytes));
  const push = (bytes: Uint8Array, isLast: boolean): void => {
    try {
      decompressor.push(bytes, isLast);
    } catch (error) {
      throw new WickError("COMPRESSION_INVALID", `Cannot decompress ${name}: it is damaged`, {
        cause: error,
      });
    }
  };
  for await (const bytes of input) {
    throwIfAborted(signal);
    push(bytes, false);
    yield* ready.splice(0);
  }
  push(new Uint8Array(0), true);
  yield* ready.splice(0);
}
