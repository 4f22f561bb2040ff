import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import {
  bootId,
  makePrivateDirectory,
  readSmallFile,
  statOf,
  writeSmallFile,
} from "../../host/index.ts";
import type { KvmVerdict } from "./explain.ts";

const FILE = "kvm.json";
const FILE_MAX_BYTES = 4096;

const schema = v.strictObject({
  /** What the verdict was made of: see {@link identityOf}. */
  of: v.string(),
  verdict: v.strictObject({
    works: v.boolean(),
    reason: v.string(),
    hint: v.optional(v.string()),
    passed: v.array(v.string()),
  }),
});

/**
 * What a verdict holds for: this boot of the host, this device (loading KVM's modules anew makes
 * another one), and this probe. Undefined where one of them cannot be told.
 */
export function identityOf(program: string, device: string): string | undefined {
  const boot = bootId();
  const status = statOf(device);
  if (boot === undefined || status === undefined) return undefined;
  const probe = createHash("sha256").update(readSmallFile(program)).digest("hex");
  return [boot, status.dev, status.ino, status.rdev, status.ctimeMs, probe].join(" ");
}

/** The verdict kept in `directory` for `identity`; a file that is not ours to read is none. */
export function recall(directory: string, identity: string): KvmVerdict | undefined {
  try {
    const text = Buffer.from(readSmallFile(join(directory, FILE), FILE_MAX_BYTES)).toString();
    const { of, verdict } = v.parse(schema, JSON.parse(text));
    if (of !== identity) return undefined;
    const { hint, ...rest } = verdict;
    return { ...rest, ...(hint === undefined ? {} : { hint }), isRemembered: true };
  } catch {
    return undefined;
  }
}

/**
 * Keeps a verdict that a guest gave. What KVM refuses it refuses at once, and may grant the
 * next time: that is asked anew. Where nothing can be kept the probe runs again, no more.
 */
export function remember(directory: string, identity: string, verdict: KvmVerdict): void {
  if (!verdict.passed.includes("processor")) return;
  const { works, reason, hint, passed } = verdict;
  try {
    makePrivateDirectory(directory);
    const kept = { of: identity, verdict: { works, reason, hint, passed } };
    writeSmallFile(join(directory, FILE), `${JSON.stringify(kept)}\n`);
  } catch {
    // a full disk or a directory of somebody else's: no reason to end a run
  }
}
