import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** A content's name: `sha256:` and 64 lower-case hex digits (image-spec, descriptor.md). */
export type Digest = `sha256:${string}`;

const SHA256 = /^sha256:[0-9a-f]{64}$/;
/** `algorithm ":" encoded` of the specification, for telling other algorithms from nonsense. */
const ANY = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/;

/** Whether `text` is a digest that wick uses. */
export function isDigest(text: string): text is Digest {
  return SHA256.test(text);
}

/**
 * Checks a digest before a path or a request is formed of it. `what` is for the message.
 * Errors: UNSUPPORTED for other algorithms, IMAGE_INVALID for what is no digest.
 */
export function parseDigest(text: string, what = "the digest"): Digest {
  if (isDigest(text)) return text;
  const shown = `Cannot use ${what} "${sanitise(text.slice(0, 100))}"`;
  if (ANY.test(text) && !text.startsWith("sha256:")) {
    const algorithm = text.slice(0, text.indexOf(":"));
    throw new WickError(
      "UNSUPPORTED",
      `${shown}: of the algorithm ${algorithm.slice(0, 20)}, wanted sha256`,
    );
  }
  throw new WickError(
    "IMAGE_INVALID",
    `${shown}: malformed, wanted sha256: and 64 lower-case hex digits`,
  );
}

/** The 64 hex digits of a digest: its file's name in a store. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}
