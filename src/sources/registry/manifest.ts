import { WickError } from "../../errors/index.ts";
import {
  type Digest,
  DOCUMENT_MAX_BYTES,
  manifestMediaTypes,
  parseIndexOrManifest,
} from "../../formats/oci/index.ts";
import { digestOf } from "../image/index.ts";
import type { RegistryClient } from "./client.ts";
import { checkEncoding } from "./encoding.ts";

/** An index or a manifest as it was served, its digest computed from its bytes. */
export interface FetchedDocument {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Its Content-Type; "" where the server says none. */
  readonly mediaType: string;
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
  const digest = digestOf(bytes);
  checkIdentity(wanted, bytes, digest);
  const mediaType = response.header("content-type") ?? "";
  // What the server calls it must agree with what it says of itself (R7).
  parseIndexOrManifest(bytes, { name, mediaType });
  return { bytes, digest, mediaType };
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
