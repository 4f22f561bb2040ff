import { sanitise, toSafeNumber, utf8 } from "../bytes/index.ts";
import { readExactly, statExactly, throwIfAborted } from "../host/index.ts";
import type { Layer } from "../tree/index.ts";
import { timeOf } from "./times.ts";

const READ_BYTES = 1 << 20;

/** One regular file of the host as a layer of one entry; `path` is the file itself, no link. */
export function fileLayer(path: string, name: Uint8Array): Layer {
  return {
    name: sanitise(path),
    async play(visitor, signal) {
      throwIfAborted(signal);
      const status = statExactly(utf8(path));
      visitor.entry({
        type: "file",
        path: name,
        mode: Number(status.mode & 0o7777n),
        uid: Number(status.uid),
        gid: Number(status.gid),
        mtime: timeOf(status.mtimeNs),
        xattrs: [],
        size: toSafeNumber(status.size, `the size of ${sanitise(path)}`),
      });
      const take = (bytes: Uint8Array): void => visitor.data(bytes);
      readExactly(utf8(path), status, new Uint8Array(READ_BYTES), take);
      visitor.endFile();
    },
  };
}
