import { basename, resolve } from "node:path";
import * as v from "valibot";
import { sanitise } from "../bytes/index.ts";
import { checkBuiltInLine, parseOptions } from "../config/index.ts";
import { checkOutput, FileStorage, publish } from "../host/index.ts";
import type { PackRecord } from "../kernel/index.ts";
import { checkNotInput } from "./common/check-distinct.ts";
import type { Context } from "./common/context.ts";
import { withClaims } from "./common/with-claims.ts";
import { outputNameOf } from "./packed/output-name.ts";
import { packableKernel } from "./packed/packable-kernel.ts";
import { readInitramfs } from "./initramfs/read-initramfs.ts";
import { type Archive, writePacked } from "./packed/write-packed.ts";

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));

const schema = v.strictObject({
  /** Path of a vmlinux (ELF) or bzImage for x86_64, or an Image, Image.gz or zboot image for aarch64. */
  kernel: text,
  /** Paths of initramfs files; later ones lie over earlier ones. */
  initramfs: v.pipe(v.array(text), v.minLength(1, "wanted an initramfs")),
  /** By default in the working directory, named as the last initramfs; it must not exist then. */
  output: v.optional(text),
  /** Goes before what the VMM says; ` -- words` of it behind. */
  commandLine: v.optional(v.string()),
});

/** What `pack` is asked for. */
export type PackOptions = v.InferInput<typeof schema>;

export interface Packed extends PackRecord {
  readonly output: string;
  readonly sizeBytes: number;
}

/** Writes one file of a kernel and its initramfs: it boots with no initrd and no drive. */
export async function pack(options: PackOptions, context: Context): Promise<Packed> {
  const given = parseOptions(schema, options, "pack");
  if (given.commandLine !== undefined) checkBuiltInLine(given.commandLine);
  const at = (path: string): string => resolve(context.workingDirectory, path);
  const wanted = given.output === undefined ? undefined : at(given.output);
  if (wanted !== undefined) checkOutput(wanted);
  checkNotInput([wanted], [given.kernel, ...given.initramfs].map(at));
  using opened = await openArchives(
    given.initramfs.map((path) => at(path)),
    context,
  );
  const { archives } = opened;
  using kernel = await packableKernel(at(given.kernel), { keepsBzImage: true, archives }, context);
  const names = { form: kernel.form, archives: given.initramfs };
  const output = wanted ?? outputNameOf(names, context.workingDirectory);
  const packing = {
    kernel,
    kernelName: sanitise(basename(given.kernel)),
    archives,
    commandLine: given.commandLine,
  };
  const write = async (storage: FileStorage): Promise<Packed> => {
    const sync = (): void => storage.startSync();
    const { record, warnings } = await writePacked(storage, packing, context, sync);
    for (const message of warnings) context.onEvent({ type: "warning", message });
    return { ...record, output, sizeBytes: storage.sizeBytes };
  };
  return await withClaims(context, (claim) => publish(output, write, { claim }));
}

/** The initramfs files, open and looked through, until they are disposed. */
interface OpenedArchives extends Disposable {
  readonly archives: readonly Archive[];
}

async function openArchives(
  paths: readonly string[],
  { signal }: Context,
): Promise<OpenedArchives> {
  const opened: FileStorage[] = [];
  const release = (): void => {
    for (const storage of opened) storage[Symbol.dispose]();
  };
  try {
    const archives: Archive[] = [];
    for (const path of paths) {
      const storage = new FileStorage(path, "read");
      opened.push(storage);
      const summary = await readInitramfs([storage], { name: sanitise(basename(path)), signal });
      archives.push({ storage, summary });
    }
    return { archives, [Symbol.dispose]: release };
  } catch (error) {
    release();
    throw error;
  }
}
