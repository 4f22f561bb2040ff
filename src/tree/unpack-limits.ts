import { WickError } from "../errors/index.ts";

/** As many as the tar reader takes entries. */
export const MAX_INODES = 16_000_000;
/** Some hundred bytes for each of a million files; a few megabytes of archive could ask for many gigabytes. */
export const MAX_METADATA_BYTES = 512 * 2 ** 20;

export function tooLarge(maxMetadataBytes: number): WickError {
  return new WickError(
    "ARCHIVE_LIMIT",
    `Cannot add more files: attributes and links take over ${maxMetadataBytes} bytes`,
    { hint: 'the bound is "maxMetadataBytes" of the unpacker; raise it if you trust the source' },
  );
}

export function tooMany(maxInodes: number): WickError {
  return new WickError(
    "ARCHIVE_LIMIT",
    `Cannot add more files: the tree has over ${maxInodes} of them`,
    { hint: 'the bound is "maxInodes" of the unpacker; raise it if you trust the source' },
  );
}
