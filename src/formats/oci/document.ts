import * as v from "valibot";
import { display, sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** Bytes of one document at most: what the specification asks registries and clients to take. */
export const DOCUMENT_MAX_BYTES = 4 << 20;

/** Descriptors in one document: far more than layers in any image, or platforms of any. */
export const DESCRIPTORS_MAX = 1000;

/** The object that a document's bytes hold; `what` names it (`the manifest of nginx:alpine`). */
export function parseObject(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  if (bytes.length > DOCUMENT_MAX_BYTES) {
    throw new WickError(
      "IMAGE_LIMIT",
      `Cannot read ${what}: ${bytes.length} bytes, wanted at most ${DOCUMENT_MAX_BYTES}`,
    );
  }
  let is: unknown;
  try {
    is = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    const start = display(bytes.subarray(0, 40));
    throw invalid(what, `it begins with "${start}", wanted JSON in UTF-8`, cause);
  }
  if (typeof is === "object" && is !== null && !Array.isArray(is)) {
    return is as Record<string, unknown>;
  }
  throw invalid(what, "wanted a JSON object");
}

/** `document` in the form of `schema`; IMAGE_INVALID with the first problems and their paths. */
export function conform<S extends v.GenericSchema>(
  schema: S,
  document: unknown,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, document, { abortPipeEarly: true });
  if (result.success) return result.output;
  const problems = result.issues.slice(0, 3).map((issue) => {
    return `${sanitise(v.getDotPath(issue) ?? "the document")}: ${issue.message}`;
  });
  throw invalid(what, problems.join("; "));
}

export function invalid(what: string, why: string, cause?: unknown): WickError {
  return new WickError("IMAGE_INVALID", `Cannot use ${what}: ${why}`, { cause });
}

/** IMAGE_LIMIT for a document with more descriptors than anybody needs. */
export function checkCount(list: unknown, what: string): void {
  if (!Array.isArray(list) || list.length <= DESCRIPTORS_MAX) return;
  throw new WickError(
    "IMAGE_LIMIT",
    `Cannot use ${what}: ${list.length} descriptors, wanted at most ${DESCRIPTORS_MAX}`,
  );
}
