import { join } from "node:path";
import { listDirectory } from "../../host/index.ts";
import { digestOfFile } from "../../store/index.ts";
import type { WrittenContents } from "./contents.ts";

/** One file of a bundle. */
export interface BundleFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** What lies in the directory, by name, each file with its digest. */
export async function filesOf(
  directory: string,
  signal: AbortSignal | undefined,
): Promise<readonly BundleFile[]> {
  const files: BundleFile[] = [];
  for (const { name, sizeBytes } of listDirectory(directory)) {
    const digest = await digestOfFile(join(directory, name), signal);
    files.push({ path: name, sizeBytes, sha256: digest.slice("sha256:".length) });
  }
  return files;
}

/** The manifest's text: what is inside, from what it was made, and the digest of every other file. */
export function manifestText(
  { result, facts, kernel, machine }: WrittenContents,
  files: readonly BundleFile[],
): string {
  const { arch, memoryMiB, cpus, append } = machine;
  const manifest = {
    wick: 1,
    arch,
    format: facts.packed === undefined ? facts.format : "kernel",
    kernel,
    memoryMiB,
    cpus,
    cmdline: append.join(" "),
    application: { argv: result.argv ?? [] },
    exposedPorts: Object.keys(facts.config?.ExposedPorts ?? {}).toSorted(),
    parts: result.parts.map(({ name }) => name),
    files,
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}
