import type { BuildPlan } from "../../config/index.ts";
import { CpioReader } from "../../formats/cpio/index.ts";
import {
  checkOutputDirectory,
  type FileStorage,
  publishDirectory,
  temporaryStorage,
} from "../../host/index.ts";
import type { Store } from "../../store/index.ts";
import type { Context } from "../common/context.ts";
import { withHealing } from "../common/healing.ts";
import { type ImageResult, writeResult } from "./image-result.ts";
import { FILES_NAME, LIST_NAME, ListDirectory } from "../initramfs/list-directory.ts";
import { openSources } from "../common/open-sources.ts";
import { storageChunks } from "../common/storage-chunks.ts";
import { withStore } from "../common/with-store.ts";

/** Bits of the directory that others may use, of which the user's umask takes some. */
const DIRECTORY_MODE = 0o777;

/** A list's directory that was made. */
export interface MadeList {
  readonly result: ImageResult;
  readonly usedBytes: number;
}

/**
 * Makes a directory with the list of an initramfs and its files: whole or absent, a former one
 * of the same kind is replaced. It is taken from the very archive that `--format initramfs` gives.
 */
export async function buildList(plan: BuildPlan, context: Context): Promise<MadeList> {
  checkOutputDirectory(plan.output, {
    names: [LIST_NAME, FILES_NAME],
    mark: LIST_NAME,
    option: "-o",
  });
  return withStore(context, (store) =>
    withHealing(store, context, () => makeOnce(plan, store, context)),
  );
}

async function makeOnce(
  plan: BuildPlan,
  store: Store | undefined,
  context: Context,
): Promise<MadeList> {
  using opened = await openSources(plan, store, context);
  using archive = temporaryStorage("archive");
  const result = await writeResult(plan, opened.sources, archive, context);
  const claim = store && ((temporary: string) => store.claim(temporary));
  const fill = (directory: string): Promise<number> =>
    writeList(archive, { directory, plan, context });
  const options = { mode: DIRECTORY_MODE, claim };
  const usedBytes = await publishDirectory(plan.output, fill, options);
  return { result: { ...result, image: { ...result.image, sizeBytes: usedBytes } }, usedBytes };
}

/** Returns the bytes of all that was written. */
async function writeList(
  archive: FileStorage,
  to: { readonly directory: string; readonly plan: BuildPlan; readonly context: Context },
): Promise<number> {
  const { directory, plan, context } = to;
  const warn = (message: string): void => context.onEvent({ type: "warning", message });
  using list = new ListDirectory({ directory, prefix: plan.listPrefix, warn });
  list.begin();
  const reader = new CpioReader(list);
  for await (const chunk of storageChunks(archive, { signal: context.signal })) reader.push(chunk);
  reader.end();
  list.finish();
  return list.sizeBytes;
}
