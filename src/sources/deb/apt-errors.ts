import { type ErrorCode, isWickError, WickError } from "../../errors/index.ts";

/** What apt says when there is no such package or version. */
const NOT_FOUND =
  /Unable to locate package|Couldn't find any package|Version '.*' for '.*' was not found|has no installation candidate|is a virtual package|no packages matching/i;
const DISK_FULL = /No space left on device|enough free space|Disk quota exceeded/i;
const NO_NETWORK =
  /Could not (resolve|connect)|Temporary failure|Unable to connect|Connection (refused|timed out|failed)|Network is unreachable/i;

/** Whether apt failed because a package or version does not exist in its lists. */
export function isNotFound(error: unknown): error is WickError {
  return isWickError(error, "TOOL_FAILED") && error.detail.some((line) => NOT_FOUND.test(line));
}

/** A failure of apt in wick's words; apt's own lines go along. */
export function aptError(error: unknown, action: string): unknown {
  if (!isWickError(error, "TOOL_FAILED")) return error;
  const { detail } = error;
  const { code, hint } = meaning(detail.join("\n"));
  const said = detail.find((line) => line.startsWith("E: ")) ?? detail.at(-1);
  const reason = said === undefined ? error.message : said.replace(/^[EW]: /, "");
  return new WickError(code, `Cannot ${action}: apt says "${reason}"`, {
    cause: error,
    detail,
    ...(hint === undefined ? {} : { hint }),
  });
}

function meaning(words: string): { readonly code: ErrorCode; readonly hint?: string } {
  if (DISK_FULL.test(words)) {
    return { code: "DISK_FULL", hint: "free some space where wick's cache is, or set WICK_CACHE" };
  }
  if (NO_NETWORK.test(words)) {
    return {
      code: "SOURCE_FAILED",
      hint: "the archive cannot be reached: is there a network, or a proxy to be set in http_proxy?",
    };
  }
  if (/is not signed|NO_PUBKEY|invalid signature|couldn't be verified/i.test(words)) {
    return {
      code: "SOURCE_FAILED",
      hint: "wick takes signed packages only: see apt-secure(8) for how to give apt the key",
    };
  }
  return { code: "SOURCE_FAILED" };
}
