import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { HttpResponse } from "../../host/index.ts";

/**
 * Refuses bytes that are coded more than once (R11, CVE-2026-22036). One coding is let be: the
 * bytes are digested as they come over the wire, and nothing is ever decoded.
 */
export function checkEncoding(response: HttpResponse, action: string): void {
  const encoding = response.header("content-encoding") ?? "";
  if (!encoding.includes(",")) return;
  throw new WickError(
    "REGISTRY_FAILED",
    `Cannot ${action}: it is sent with the encodings "${sanitise(encoding.slice(0, 60))}", wanted none`,
  );
}
