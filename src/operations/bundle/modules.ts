import { basename } from "node:path";
import { display } from "../../bytes/index.ts";
import { CpioReader, type ReadCpioEntry } from "../../formats/cpio/index.ts";
import { decodeRecords } from "../../guest/index.ts";
import { readChunks } from "../../host/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import { BOOT_RECORDS } from "../initramfs/initramfs-facts.ts";

/** The modules that the archive `initrd.cpio` of a root file system's bundle brings, in load order. */
export async function modulesInside(
  initrd: string,
  signal: AbortSignal | undefined,
): Promise<Kernel["modules"]> {
  const files = new Map<string, Uint8Array[]>();
  let current: Uint8Array[] | undefined;
  const reader = new CpioReader({
    entry: ({ path, kind }: ReadCpioEntry) => {
      current = kind === "file" ? [] : undefined;
      if (current !== undefined) files.set(display(path), current);
    },
    data: (chunk) => void current?.push(Uint8Array.from(chunk)),
  });
  for await (const chunk of readChunks(initrd, signal)) reader.push(chunk);
  reader.end();
  const bytesOf = (path: string): Uint8Array =>
    Uint8Array.from(Buffer.concat(files.get(path) ?? []));
  const paths = decodeRecords(bytesOf(BOOT_RECORDS)).modules ?? [];
  return paths.map((path) => ({
    name: basename(path, ".ko"),
    bytes: bytesOf(path.replace(/^\//, "")),
  }));
}
