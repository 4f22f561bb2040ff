import {
  CONFIG_MAX_BYTES,
  USER_FILE_MAX_BYTES,
  type AppConfig,
  type UserFiles,
} from "../application/index.ts";
import { openExt4 } from "../formats/ext4/index.ts";
import { FileStorage } from "../host/index.ts";
import { configOf, smallFile } from "./image-files.ts";

/** Where the resolved config lies that init reads. */
export const INIT_RECORDS_PATH = "/.wick/init.rec";

/** What running an image needs to know of it. */
export interface ImageFacts {
  /** 8-4-4-4-12 hex digits. */
  readonly uuid: string;
  /** Undefined in an image that wick put no config into. */
  readonly config: AppConfig | undefined;
  readonly users: UserFiles;
  /** Whether its init is wick's, which reports how the application ended. */
  readonly reports: boolean;
}

/** Reads an image's facts; IMAGE_INVALID when it is not an ext4 file system. */
export function readImageFacts(path: string): ImageFacts {
  using storage = new FileStorage(path, "read");
  const image = openExt4(storage);
  const passwd = smallFile(image, "/etc/passwd", USER_FILE_MAX_BYTES);
  const group = smallFile(image, "/etc/group", USER_FILE_MAX_BYTES);
  return {
    uuid: image.facts.uuid,
    config: configOf(image),
    users: { ...(passwd && { passwd }), ...(group && { group }) },
    reports: smallFile(image, INIT_RECORDS_PATH, CONFIG_MAX_BYTES) !== undefined,
  };
}
