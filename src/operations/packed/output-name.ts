import { basename, resolve } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { statOf } from "../../host/index.ts";
import type { PackRecord } from "../../kernel/index.ts";

const ENDINGS: Record<PackRecord["form"], string> = {
  ELF: "vmlinux",
  bzImage: "bzImage",
  Image: "image",
};

/**
 * Where a packed file goes that nobody named: into `directory`, as its application with the form of
 * its kernel, `app.vmlinux` of app.cpio.gz. What is there already was never named either: USAGE.
 */
export function outputNameOf(
  { form, archives }: { form: PackRecord["form"]; archives: readonly string[] },
  directory: string,
): string {
  const application = basename(archives.at(-1)!).replace(
    /(\.cpio)?(\.(gz|zst|xz|lz4|lzma|bz2|lzo))?$/,
    "",
  );
  const path = resolve(directory, `${application}.${ENDINGS[form]}`);
  if (statOf(path) === undefined) return path;
  throw new WickError(
    "USAGE",
    `Cannot write ${sanitise(path)}, as the packed file would be called: it is there already`,
    { hint: "-o says that it is to be replaced, or gives another name" },
  );
}
