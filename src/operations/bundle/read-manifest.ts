import { join } from "node:path";
import * as v from "valibot";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { readSmallFile, statOf } from "../../host/index.ts";
import { digestOfFile } from "../../store/index.ts";
import { bundleNames, MANIFEST } from "./layout.ts";
import type { BundleFile } from "./manifest.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What a run takes from the manifest of a bundle. */
const manifest = v.object({
  wick: v.literal(1),
  arch: v.picklist(["x86_64", "aarch64"]),
  memoryMiB: v.pipe(count, v.minValue(1)),
  cpus: v.pipe(count, v.minValue(1)),
  /** `--cmdline` of the build. */
  cmdline: v.string(),
  files: v.array(
    v.object({
      // Names alone: a path would lead out of the bundle.
      path: v.picklist(bundleNames),
      sizeBytes: count,
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    }),
  ),
});

export type BundleManifest = v.InferOutput<typeof manifest>;

/** The manifest of the bundle in `directory`. CONFIG_INVALID. */
export function readBundleManifest(directory: string): BundleManifest {
  const path = join(directory, MANIFEST);
  const result = v.safeParse(manifest, parsedOr(readSmallFile(path)));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? "the file";
  throw new WickError(
    "CONFIG_INVALID",
    `Cannot run the bundle in ${sanitise(directory)}: ${MANIFEST} is damaged, ${where}: ${sanitise(issue.message)}`,
    { hint: "make the bundle anew with wick build --bundle" },
  );
}

function parsedOr(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * Compares a file of the bundle in `directory` with what the manifest says of it, all of its
 * bytes. SOURCE_NOT_FOUND, DIGEST_MISMATCH.
 */
export async function checkBundleFile(
  directory: string,
  { path: name, sizeBytes, sha256 }: BundleFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = join(directory, name);
  const status = statOf(path);
  const shown = sanitise(path);
  if (status?.isFile() !== true) {
    const message = `Cannot run the bundle: ${shown} is missing, and its ${MANIFEST} names it`;
    throw new WickError("SOURCE_NOT_FOUND", message);
  }
  const what = await differenceOf(path, { isSize: status.size === sizeBytes, sha256 }, signal);
  if (what === undefined) return;
  throw new WickError(
    "DIGEST_MISMATCH",
    `Cannot run the bundle: ${shown} is not as it was made, its ${what} is not that of ${MANIFEST}`,
    { hint: "copy the bundle anew, or make it anew with wick build --bundle" },
  );
}

async function differenceOf(
  path: string,
  { isSize, sha256 }: { readonly isSize: boolean; readonly sha256: string },
  signal: AbortSignal | undefined,
): Promise<"size" | "SHA-256" | undefined> {
  if (!isSize) return "size";
  return (await digestOfFile(path, signal)) === `sha256:${sha256}` ? undefined : "SHA-256";
}
