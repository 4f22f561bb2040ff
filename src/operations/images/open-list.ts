import { join } from "node:path";
import { CpioImage } from "../../formats/cpio/index.ts";
import { statOf, temporaryStorage } from "../../host/index.ts";
import { openSource } from "../../sources/index.ts";
import { Tree, Unpacker } from "../../tree/index.ts";
import type { Context } from "../common/context.ts";
import { initramfs } from "../writing/initramfs-image.ts";
import { LIST_NAME } from "../initramfs/list-directory.ts";
import type { OpenedInitramfs } from "../initramfs/open-initramfs.ts";

/** Whether a path is a directory with a list, as `--format initramfs-list` makes it. */
export function isListDirectory(path: string): boolean {
  return statOf(join(path, LIST_NAME))?.isFile() === true;
}

/** Opens the directory of a list as the archive that it gives. */
export async function openList(path: string, context: Context): Promise<OpenedInitramfs> {
  const { signal } = context;
  const warn = (message: string): void => context.onEvent({ type: "warning", message });
  const parsed = { kind: "list", rest: path, reference: `list:${path}` } as const;
  const source = openSource(parsed, { cacheDirectory: path, architecture: "x86_64" });
  const contents = await source.open(signal);
  const storage = temporaryStorage("archive");
  try {
    using writer = initramfs(
      { compression: undefined },
      { storage, uuid: () => new Uint8Array(), warn, signal },
    );
    const tree = new Tree();
    const unpacker = new Unpacker({ tree, sink: writer.sink, warn });
    for (const layer of contents.layers) await layer.play(unpacker, signal);
    unpacker.finish();
    await writer.finish(tree);
    const image = new CpioImage();
    image.add(storage);
    return { image, [Symbol.dispose]: () => storage[Symbol.dispose]() };
  } catch (error) {
    storage[Symbol.dispose]();
    throw error;
  }
}
