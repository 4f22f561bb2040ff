import { createHash } from "node:crypto";
import * as v from "valibot";
import { readSmallFile } from "../host/index.ts";

const file = v.strictObject({
  name: v.string(),
  sizeBytes: v.pipe(v.number(), v.safeInteger()),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

/** `manifest.json` of a kernel in the cache: what lies beside it, to be checked on every use. */
const manifest = v.strictObject({
  wick: v.literal(1),
  /** What was asked for: a kernel of another distribution or with other modules is another one. */
  request: v.string(),
  package: v.string(),
  version: v.string(),
  release: v.optional(v.string()),
  kernel: file,
  /** The configuration that its package has beside it. */
  config: v.optional(file),
  /** In load order; each lies at `modules/NAME.ko`. */
  modules: v.array(file),
});

export type KernelManifest = v.InferOutput<typeof manifest>;
export type ManifestFile = v.InferOutput<typeof file>;

/** The manifest in a file; undefined when it is damaged or of another version. */
export function readManifest(path: string): KernelManifest | undefined {
  try {
    const text = new TextDecoder().decode(readSmallFile(path));
    const result = v.safeParse(manifest, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // not there, or no JSON: the cache is made anew
  }
}

/** What the manifest says of a file with these bytes. */
export function manifestFile(name: string, bytes: Uint8Array): ManifestFile {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, sizeBytes: bytes.length, sha256 };
}

/** Whether `bytes` are the ones that the manifest means. */
export function isIntact(expected: ManifestFile, bytes: Uint8Array): boolean {
  return (
    expected.sizeBytes === bytes.length &&
    expected.sha256 === manifestFile(expected.name, bytes).sha256
  );
}
