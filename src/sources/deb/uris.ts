import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** A package file as apt would fetch it. */
export interface PackageUri {
  readonly name: string;
  readonly version: string;
  /** `amd64`, `arm64`, `all`. */
  readonly arch: string;
  /** apt's name of the file in its archive directory. */
  readonly fileName: string;
  readonly sizeBytes: number;
  /** Undefined where the archive's index has none. */
  readonly sha256: string | undefined;
}

/** Reads what `apt-get --print-uris` prints: `'URI' NAME_VERSION_ARCH.deb SIZE SHA256:HEX`. */
export function parseUris(output: string): PackageUri[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("'"))
    .map(parseUri);
}

function parseUri(line: string): PackageUri {
  const [, fileName = "", size, hash = ""] = /^'[^']*' (\S+) (\d+) ?(.*)$/.exec(line) ?? [];
  const [, name, version, arch] = /^([^_/]+)_([^_/]+)_([^_/]+)\.deb$/.exec(fileName) ?? [];
  if (name === undefined || version === undefined || arch === undefined) {
    throw new WickError(
      "TOOL_FAILED",
      `Cannot understand apt's answer: "${sanitise(line)}", wanted 'URI' NAME_VERSION_ARCH.deb SIZE HASH`,
    );
  }
  const sha256 = /(?:^|\s)SHA256:([0-9a-f]{64})(?:\s|$)/.exec(hash)?.[1];
  return {
    name,
    version: version.replace(/%3a/gi, ":"), // an epoch: a colon is not allowed in file names
    arch,
    fileName,
    sizeBytes: Number(size),
    sha256,
  };
}
