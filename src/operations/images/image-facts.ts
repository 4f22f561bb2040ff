import { basename } from "node:path";
import {
  CONFIG_MAX_BYTES,
  CONFIG_PATH,
  parseConfig,
  USER_FILE_MAX_BYTES,
  type AppConfig,
  type UserFiles,
} from "../../application/index.ts";
import { type ReadableStorage, sanitise } from "../../bytes/index.ts";
import type { RootFormat } from "../../config/index.ts";
import { isSquashfs, readSquashfs } from "../../formats/squashfs/index.ts";
import { FileStorage } from "../../host/index.ts";
import type { PackRecord } from "../../kernel/index.ts";
import { BOOT_RECORDS, initramfsContents } from "../initramfs/initramfs-facts.ts";
import { type InitramfsSummary, isInitramfs } from "../initramfs/read-initramfs.ts";
import { openFileSystem, volumeOf } from "./file-system.ts";
import { smallFile } from "./image-files.ts";
import { packedInitramfs, packedRecord } from "../packed/packed-file.ts";
import { squashfsFile } from "./squashfs-files.ts";

/** Where the resolved config lies that init reads. */
export const INIT_RECORDS_PATH = "/.wick/init.rec";

const NO_UUID = "00000000-0000-0000-0000-000000000000";

/** What an initramfs asks of the machine, and what of it running looks at. */
interface InitramfsFacts extends InitramfsSummary {
  readonly hasInit: boolean;
  /** Of its /init, in the words of `uname -m`. */
  readonly architecture: string | undefined;
  /** `.wick/boot.rec`: the modules that wick's init loads. */
  readonly bootRecords: Uint8Array | undefined;
}

/** What running an image needs to know of it. */
export interface ImageFacts {
  readonly format: RootFormat;
  /** 8-4-4-4-12 hex digits: what init finds the root by; zeros for an initramfs. */
  readonly uuid: string;
  /** Of an initramfs: what it asks of the machine. */
  readonly initramfs?: InitramfsFacts;
  /** Of an initramfs that is packed with its kernel: what the file says of itself. */
  readonly packed?: PackRecord;
  /** Undefined in an image that wick put no config into. */
  readonly config: AppConfig | undefined;
  readonly users: UserFiles;
  /** Whether its init is wick's, which reports how the application ended. */
  readonly reports: boolean;
  /** Whether the kernel starts the application itself (`--init app`). */
  readonly isApp: boolean;
}

/** Bytes of a file in the image; undefined when there is none. */
type ReadFile = (path: string, limitBytes: number) => Promise<Uint8Array | undefined>;

/**
 * Reads an image's facts. Errors: IMAGE_INVALID when it is none of a format that wick boots,
 * KERNEL_INVALID and DIGEST_MISMATCH of a packed file that is damaged.
 */
export async function readImageFacts(path: string, signal?: AbortSignal): Promise<ImageFacts> {
  using storage = new FileStorage(path, "read");
  if (isSquashfs(storage)) {
    const { identity } = readSquashfs(storage);
    const read: ReadFile = (inside, limitBytes) =>
      squashfsFile(path, inside, { limitBytes, signal });
    return { format: "squashfs", uuid: identity, isApp: false, ...(await contents(read)) };
  }
  if (isInitramfs(storage)) return await initramfsFacts([storage], signal);
  const packed = packedRecord(storage);
  if (packed !== undefined) {
    const inside = { name: sanitise(basename(path)), signal };
    const initramfs = await packedInitramfs(storage, packed, inside);
    return { ...(await initramfsFacts(initramfs, signal)), packed };
  }
  const image = openFileSystem(storage);
  const read: ReadFile = async (inside, limitBytes) => smallFile(image, inside, limitBytes);
  const { uuid } = volumeOf(image);
  return { format: image.format, uuid, isApp: false, ...(await contents(read)) };
}

async function initramfsFacts(
  parts: readonly ReadableStorage[],
  signal: AbortSignal | undefined,
): Promise<ImageFacts> {
  const { files, summary, hasInit, architecture } = await initramfsContents(parts, signal);
  const found = await contents(async (inside) => files.get(inside.slice(1)));
  const bootRecords = files.get(BOOT_RECORDS);
  const initramfs = { ...summary, hasInit, architecture, bootRecords };
  const isApp = hasInit && !found.reports && found.config !== undefined;
  return { format: "initramfs", uuid: NO_UUID, initramfs, ...found, isApp };
}

async function contents(read: ReadFile): Promise<Omit<ImageFacts, "format" | "uuid" | "isApp">> {
  const config = await read(CONFIG_PATH, CONFIG_MAX_BYTES);
  const passwd = await read("/etc/passwd", USER_FILE_MAX_BYTES);
  const group = await read("/etc/group", USER_FILE_MAX_BYTES);
  return {
    config: config === undefined ? undefined : parseConfig(config),
    users: { ...(passwd && { passwd }), ...(group && { group }) },
    reports: (await read(INIT_RECORDS_PATH, CONFIG_MAX_BYTES)) !== undefined,
  };
}
