import { utf8, uuidText } from "../../bytes/index.ts";
import type { Compression, ContentPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { openErofs } from "../../formats/erofs/index.ts";
import { requireProgram, runTool } from "../../host/index.ts";
import type { ImageWriter, ImageWriterOptions } from "./image-writer.ts";
import { Spool } from "./spooled-image.ts";

const PURPOSE = "write the compressed EROFS";
/** Options that came with erofs-utils 1.8: an archive as the source, times of files kept. */
const WANTED_OPTIONS = ["--tar=", "--mkfs-time"];
/** mkfs.erofs keeps one of the label's 16 bytes for a NUL. */
const LABEL_MAX = 15;

/** An EROFS whose files are compressed, made by mkfs.erofs of what is spooled meanwhile. */
export function compressedErofs(
  plan: Pick<ContentPlan, "compression" | "volumeLabel" | "mtimeSeconds">,
  options: ImageWriterOptions,
): ImageWriter {
  const { storage, uuid, warn, signal } = options;
  checkLabel(plan.volumeLabel);
  requireProgram("mkfs.erofs", PURPOSE);
  const spool = new Spool();
  return {
    sink: spool.sink,
    async finish(tree) {
      await checkTool(signal);
      const id = uuid();
      const label = plan.volumeLabel === "" ? [] : ["-L", plan.volumeLabel];
      const time = [`-T${Math.max(0, plan.mtimeSeconds)}`, "--mkfs-time"];
      const named = ["-U", uuidText(id), ...label, ...time];
      const args = [
        "--tar=f",
        "--quiet",
        compressionWord(plan.compression!),
        ...named,
        storage.path,
      ];
      await spool.feed({ name: "mkfs.erofs", args, purpose: PURPOSE, signal }, tree, { warn });
      const { inodes } = openErofs(storage).facts;
      return { sizeBytes: storage.sizeBytes, inodes, uuid: id };
    },
    [Symbol.dispose]: () => spool[Symbol.dispose](),
  };
}

function compressionWord({ name, level }: Compression): string {
  return level === undefined ? `-z${name}` : `-z${name},level=${level}`;
}

/**
 * Older ones take a directory alone, and a directory that an ordinary user unpacks has lost
 * owners, devices and attributes. They print their options to stderr.
 */
async function checkTool(signal: AbortSignal | undefined): Promise<void> {
  const said = await runTool("mkfs.erofs", ["--help"], { purpose: PURPOSE, signal });
  if (WANTED_OPTIONS.every((option) => said.includes(option))) return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot ${PURPOSE}: this mkfs.erofs takes no archive, wanted erofs-utils 1.8 or newer`,
    { hint: "leave --compression out, or use --format squashfs, which compresses too" },
  );
}

function checkLabel(label: string): void {
  const { length } = utf8(label);
  if (length <= LABEL_MAX) return;
  throw new WickError(
    "USAGE",
    `Cannot label the compressed EROFS: ${length} bytes, wanted at most ${LABEL_MAX}`,
  );
}
