import { decompress } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { type PayloadCompression, PLAIN_SIZE_BYTES } from "../formats/bzimage/index.ts";
import { pipeThroughTool } from "../host/index.ts";

/** What unpacking a kernel is told. */
export interface UnpackKernelOptions {
  /** For messages; safe to print. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** The largest kernel that is unpacked, in bytes: distributions' have 50 to 80 MB. */
export const PLAIN_LIMIT = 512 << 20;

/** A dictionary of 128 MiB is twice what the kernel's build uses. */
const XZ_MEMORY = 160 << 20;

const failure = "COMPRESSION_INVALID";

interface Payload {
  readonly bytes: Uint8Array;
  readonly compression: PayloadCompression;
}

/** What a bzImage's payload unpacks to, of exactly the size that its last bytes state. */
export async function inflatePayload(
  { bytes, compression }: Payload,
  options: UnpackKernelOptions,
): Promise<Uint8Array> {
  const sizeAt = bytes.length - PLAIN_SIZE_BYTES;
  const wanted = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(
    sizeAt,
    true,
  );
  if (wanted > PLAIN_LIMIT) {
    throw invalid(options, `its payload claims ${wanted} bytes, the limit is ${PLAIN_LIMIT}`);
  }
  const packed = compression === "gzip" ? bytes : bytes.subarray(0, sizeAt);
  const chunks = inflate(packed, compression, options);
  const all = await gather(chunks, { limit: wanted, options });
  if (all.length !== wanted) {
    throw invalid(
      options,
      `its payload unpacks to ${all.length} bytes, its trailer says ${wanted}`,
    );
  }
  return all;
}

function inflate(
  bytes: Uint8Array,
  compression: PayloadCompression,
  { name, signal }: UnpackKernelOptions,
): AsyncIterable<Uint8Array> {
  const input = once(bytes);
  const tool = { input, signal, purpose: `decompress ${name}`, failure } as const;
  switch (compression) {
    case "lzma": {
      const memory = `--memlimit-decompress=${XZ_MEMORY}`;
      return pipeThroughTool("xz", ["--format=lzma", "-dcq", memory], tool);
    }
    case "lzo":
      return pipeThroughTool("lzop", ["-dc"], tool);
    case "none":
      return input;
    default:
      return decompress(input, { name, signal });
  }
}

/** One chunk as a stream. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

interface Gathering {
  readonly limit: number;
  readonly options: UnpackKernelOptions;
}

/** All bytes of `chunks`, which end at `limit`: what comes then is not waited for. */
export async function gather(
  chunks: AsyncIterable<Uint8Array>,
  { limit, options }: Gathering,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > limit) throw invalid(options, `it unpacks to more than ${limit} bytes`);
    parts.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(parts);
}

export function invalid({ name }: UnpackKernelOptions, is: string): WickError {
  return new WickError("KERNEL_INVALID", `Cannot unpack the kernel ${name}: ${is}`);
}
