import { display, sanitise } from "../../bytes/index.ts";
import { kindOf } from "../../compression/index.ts";
import { inArchive, isWickError, WickError } from "../../errors/index.ts";
import { digestHex, type Descriptor, type Digest } from "../../formats/oci/index.ts";
import { TarReader } from "../../formats/tar/index.ts";
import { readHead } from "../../host/index.ts";
import type { Layer, LayerVisitor } from "../../tree/index.ts";
import { isTarHead, TAR_BLOCK } from "../file-kind.ts";
import { mismatch } from "./documents.ts";
import type { StoredBlob } from "./found-image.ts";
import { type BlobOrigin, BlobReading, digestRegion } from "./reading.ts";

/** One layer of an image. */
export interface BlobLayerOptions extends BlobOrigin {
  /** What the stored bytes are checked by; left out, diffId alone says what the layer is. */
  readonly descriptor?: Pick<Descriptor, "mediaType" | "digest" | "size"> | undefined;
  /** Digest of the uncompressed bytes, all of them. */
  readonly diffId: Digest;
  /** Told when the stored bytes are not what they should be. */
  readonly damaged?: (() => void) | undefined;
}

/**
 * A layer of an OCI image whose play verifies the stored bytes (size, digest) and the plain
 * ones (diff_id) to the last. The magic number decides how it is compressed, whatever its media
 * type says (threats A5). Errors: DIGEST_MISMATCH; COMPRESSION_INVALID, ARCHIVE_INVALID and the
 * visitor's where the digest holds all the same.
 */
export function blobLayer(options: BlobLayerOptions): Layer {
  let ahead: BlobReading | undefined;
  let forget = (): void => undefined;
  return {
    name: options.name,
    whiteouts: "oci",
    prepare(signal) {
      const reading = (ahead ??= new BlobReading(options));
      reading.start();
      const letGo = (): void => {
        if (ahead === reading) ahead = undefined;
        reading.letGo();
      };
      signal.addEventListener("abort", letGo, { once: true });
      forget = () => signal.removeEventListener("abort", letGo);
    },
    async play(visitor, signal) {
      const reading = ahead ?? new BlobReading(options);
      ahead = undefined;
      // An image may have more layers than a signal should have listeners.
      forget();
      reading.take();
      try {
        await playBlob(reading, visitor, { options, signal });
      } catch (error) {
        const explained = await explain(error, reading, options, signal);
        if (isWickError(explained, "DIGEST_MISMATCH")) options.damaged?.();
        throw explained;
      } finally {
        reading.end();
      }
    },
    digest: () => digestHex(options.diffId),
  };
}

async function playBlob(
  reading: BlobReading,
  visitor: LayerVisitor,
  { options, signal }: { options: BlobLayerOptions; signal: AbortSignal | undefined },
): Promise<void> {
  const { descriptor, diffId, name } = options;
  const blob = await reading.blob(signal);
  checkSize(blob, descriptor, name);
  checkMagic(blob, options);
  const reader = new TarReader(visitor);
  const { stored, plain } = await reading.read((chunk) => reader.push(chunk), signal);
  if (descriptor !== undefined && stored !== descriptor.digest) {
    throw mismatch(name, stored, descriptor.digest);
  }
  if (plain !== diffId) throw mismatch(name, `${plain} when unpacked`, diffId);
  // The digest says that nothing was cut off: `umoci insert` ends layers so, and Go's reader takes
  // them, as it takes one of no bytes at all.
  reader.end({ mayLackPadding: true });
}

function checkSize(
  { sizeBytes }: StoredBlob,
  descriptor: BlobLayerOptions["descriptor"],
  name: string,
): void {
  if (descriptor === undefined || sizeBytes === descriptor.size) return;
  throw mismatch(name, `${sizeBytes} bytes`, `${descriptor.size} bytes`);
}

/** What is neither compressed nor a tar is told by its first bytes: often a page of a web server. */
function checkMagic(blob: StoredBlob, { descriptor, name }: BlobLayerOptions): void {
  const head = readHead(blob, TAR_BLOCK);
  if (head.length === 0 || kindOf(head) !== "none" || isTarHead(head)) return;
  const type = sanitise(descriptor?.mediaType.slice(0, 100) ?? "a layer");
  throw new WickError(
    "COMPRESSION_INVALID",
    `Cannot unpack ${name}: it is called "${type}" and begins with "${display(head.subarray(0, 24))}", wanted a tar archive, plain or compressed`,
  );
}

/** Errors that are no matter of what the blob holds. */
const OUTER: readonly string[] = [
  "DIGEST_MISMATCH",
  "INTERRUPTED",
  "IO",
  "DISK_FULL",
  "PERMISSION",
];

/** What could not be read may be damaged: the digest tells, and then it is that which is wrong. */
async function explain(
  error: unknown,
  reading: BlobReading,
  { descriptor, diffId, name }: BlobLayerOptions,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!isWickError(error) || OUTER.includes(error.code)) return error;
  const blob = reading.found;
  if (blob === undefined) return error;
  const wanted = descriptor?.digest ?? (kindOf(readHead(blob, 6)) === "none" ? diffId : undefined);
  if (wanted !== undefined) {
    const is = await digestRegion(blob, signal);
    if (is !== wanted) return mismatch(name, is, wanted, error);
  }
  return inArchive(error, name);
}
