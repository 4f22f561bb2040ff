import { createHash } from "node:crypto";
import { WickError } from "../../errors/index.ts";
import type { Descriptor, Digest } from "../../formats/oci/index.ts";

/** The SHA-256 of `bytes` as a digest. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** DIGEST_MISMATCH unless `bytes` are what the descriptor names; `what`: `the config of nginx:alpine`. */
export function checkBytes(
  bytes: Uint8Array,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  what: string,
): void {
  if (bytes.length !== size) throw mismatch(what, `${bytes.length} bytes`, `${size} bytes`);
  const is = digestOf(bytes);
  if (is !== digest) throw mismatch(what, is, digest);
}

/** A descriptor may carry its content as well: what does not match it is refused (threats R8). */
export function checkEmbedded(descriptors: readonly Descriptor[], name: string): void {
  for (const descriptor of descriptors) {
    if (descriptor.data === undefined) continue;
    const bytes = Buffer.from(descriptor.data, "base64");
    checkBytes(bytes, descriptor, `the data within a descriptor of ${name}`);
  }
}

export function mismatch(what: string, is: string, wanted: string, cause?: unknown): WickError {
  return new WickError("DIGEST_MISMATCH", `Cannot use ${what}: it has ${is}, wanted ${wanted}`, {
    hint: "it was damaged or changed on its way: get the image again",
    ...(cause === undefined ? {} : { cause }),
  });
}
