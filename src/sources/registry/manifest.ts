import { createHash } from "node:crypto";
import { WickError } from "../../errors/index.ts";
import {
  type Digest,
  DOCUMENT_MAX_BYTES,
  type ImageIndex,
  type ImageManifest,
  manifestMediaTypes,
  parseIndexOrManifest,
} from "../../formats/oci/index.ts";
import type { RegistryClient } from "./client.ts";
import { checkEncoding } from "./encoding.ts";

/** An index or a manifest as it was served, its digest computed from its bytes. */
export interface FetchedDocument {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly document: ImageIndex | ImageManifest;
}

/** Which document is wanted. */
export interface WantedDocument {
  readonly repository: string;
  /** A tag; or what the digest, and with a descriptor the size and type, must be. */
  readonly tagOrDigest: string;
  readonly size?: number | undefined;
  readonly mediaType?: string | undefined;
  /** The image's, for messages. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches and reads one index or manifest. A tag is asked for by one GET (R14): whatever it
 * gives has a digest, and everything else goes by digests.
 */
export async function fetchDocument(
  client: RegistryClient,
  wanted: WantedDocument,
): Promise<FetchedDocument> {
  const { repository, tagOrDigest, name, signal } = wanted;
  const action = `pull ${name}`;
  const response = await client.get({
    path: `/v2/${repository}/manifests/${tagOrDigest}`,
    headers: { accept: manifestMediaTypes.join(", ") },
    scope: `repository:${repository}:pull`,
    action,
    signal,
  });
  checkEncoding(response, action);
  const { bytes, isWhole } = await response.body.upTo(DOCUMENT_MAX_BYTES);
  if (!isWhole) throw tooBig(name);
  const digest: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  checkIdentity(wanted, bytes, digest);
  const served = response.header("content-type");
  const mediaType = wanted.mediaType ?? served;
  const document = parseIndexOrManifest(bytes, { name, mediaType });
  // What the descriptor says has been held against it; what the server says must agree too (R7).
  if (wanted.mediaType !== undefined) parseIndexOrManifest(bytes, { name, mediaType: served });
  return { bytes, digest, document };
}

function checkIdentity(
  { tagOrDigest, size, name }: WantedDocument,
  bytes: Uint8Array,
  digest: Digest,
): void {
  const isByDigest = tagOrDigest.includes(":");
  if (isByDigest && tagOrDigest !== digest) throw mismatch(name, digest, tagOrDigest);
  if (size === undefined || size === bytes.length) return;
  throw mismatch(name, `${bytes.length} bytes`, `${size} bytes`);
}

function mismatch(name: string, is: string, wanted: string): WickError {
  return new WickError(
    "DIGEST_MISMATCH",
    `Cannot pull ${name}: the registry serves a manifest of ${is}, wanted ${wanted}`,
  );
}

function tooBig(name: string): WickError {
  return new WickError(
    "IMAGE_LIMIT",
    `Cannot pull ${name}: its manifest is longer than ${DOCUMENT_MAX_BYTES} bytes, which is the most`,
  );
}
