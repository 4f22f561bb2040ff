import { gunzipSync } from "node:zlib";

/** A kernel's configuration: options that are set, without their `CONFIG_`. */
export type KernelConfig = ReadonlyMap<string, string>;

/** `IKCFG_ST`, gzip data, `IKCFG_ED` (kernel/configs.c). */
const START = Buffer.from("IKCFG_ST");
const END = Buffer.from("IKCFG_ED");

/** The text of a configuration is 100 to 300 KB. */
const CONFIG_BYTES = 16 << 20;

/** Reads a `.config`: `CONFIG_NAME=value` lines, everything else is a comment. */
export function parseKernelConfig(text: string): KernelConfig {
  const options = new Map<string, string>();
  for (const match of text.matchAll(/^CONFIG_(\w+)=(.*)$/gm)) options.set(match[1]!, match[2]!);
  return options;
}

/** The configuration that a kernel carries (CONFIG_IKCONFIG); undefined when it has none. */
export function embeddedConfig(kernel: Uint8Array): KernelConfig | undefined {
  const all = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  // Whatever else mentions the words has no gzip data between them.
  for (let at = all.indexOf(START); at !== -1; at = all.indexOf(START, at + 1)) {
    const start = at + START.length;
    if (all[start] !== 0x1f || all[start + 1] !== 0x8b) continue;
    const end = all.indexOf(END, start);
    return end === -1 ? undefined : inflateConfig(all.subarray(start, end));
  }
  return undefined;
}

function inflateConfig(packed: Uint8Array): KernelConfig | undefined {
  try {
    const text = gunzipSync(packed, { maxOutputLength: CONFIG_BYTES });
    return parseKernelConfig(text.toString("latin1"));
  } catch {
    return undefined; // damaged: the kernel boots nevertheless, other evidence is asked
  }
}
