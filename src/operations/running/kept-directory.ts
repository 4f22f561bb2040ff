import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  makePrivateDirectory,
  namesIn,
  statOf,
  type TemporaryDirectory,
} from "../../host/index.ts";

/** A directory of the user's for a machine's files: made if missing, refused unless empty, kept. */
export function keptDirectory(path: string): TemporaryDirectory {
  const status = statOf(path);
  if (status !== undefined && (!status.isDirectory() || namesIn(Buffer.from(path)).length > 0)) {
    throw new WickError(
      "USAGE",
      `Cannot keep the machine's files in ${sanitise(path)}: it exists and is not an empty directory`,
    );
  }
  makePrivateDirectory(path);
  return { path, [Symbol.dispose]: () => undefined };
}
