import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";

/** Opens what is no link, and without waiting for a FIFO's other end or a device. */
export const REGULAR_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The size of the regular file at `path`, which a stranger may have named; undefined when
 * nothing is there. A link, FIFO, device or directory is SOURCE_FAILED (threats A10).
 */
export function regularFileSize(path: string): number | undefined {
  let fd: number;
  try {
    checkFault("open", path);
    fd = openSync(path, REGULAR_FLAGS);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    // A link, or a socket or device that nobody serves.
    if (errno === "ELOOP" || errno === "ENXIO") throw notRegular(path);
    throw hostError(error, `open ${sanitise(path)}`);
  }
  try {
    const status = fstatSync(fd);
    if (status.isFile()) return status.size;
    throw notRegular(path);
  } finally {
    closeSync(fd);
  }
}

export function notRegular(path: string): WickError {
  return new WickError(
    "SOURCE_FAILED",
    `Cannot read ${sanitise(path)}: it is no regular file, wanted one and no link to one`,
  );
}
