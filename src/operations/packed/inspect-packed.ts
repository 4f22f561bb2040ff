import { type ReadableStorage, sanitise, storageOf } from "../../bytes/index.ts";
import {
  capabilitiesOf,
  type KernelCapabilities,
  type PackRecord,
  unpackKernel,
} from "../../kernel/index.ts";
import { packedKernel } from "./packed-file.ts";

/** The parts of a packed file, each compared with its digest. */
export interface PackedInspection extends PackRecord {
  /** What the kernel in it is and can do. */
  readonly capabilities: KernelCapabilities;
}

/** Looks at a packed file's kernel; DIGEST_MISMATCH when it is damaged. */
export async function inspectPacked(
  storage: ReadableStorage,
  record: PackRecord,
  options: { readonly name: string; readonly signal?: AbortSignal | undefined },
): Promise<PackedInspection> {
  const kernel = packedKernel(storage, record, options);
  const capabilities = capabilitiesOf(await unpackKernel(storageOf(kernel), options));
  const { commandLine } = record;
  const safe = commandLine === undefined ? {} : { commandLine: sanitise(commandLine) };
  return { ...record, ...safe, capabilities };
}
