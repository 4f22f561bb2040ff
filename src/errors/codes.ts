/**
 * Every way in which wick fails, as a closed list: a stable code and what it means.
 * docs/errors.md repeats this table (a test compares them); each code has a test that makes it occur.
 */
export const errorCodes = {
  USAGE: "the command line or an option is wrong",
  UNSUPPORTED: "asked for something that wick does not do (yet) or this machine cannot do",
  SOURCE_NOT_FOUND: "the source, package or file to build from does not exist",
  SOURCE_FAILED: "the source could not be read to its end",
  NO_APPLICATION: "nothing says which program the machine is to run",
  CONFIG_INVALID: "a configuration or recipe has unknown keys or wrong values",
  ARCHIVE_INVALID: "an archive is truncated, malformed or contradicts itself",
  ARCHIVE_LIMIT: "an archive passes a bound on entries, header bytes or depth",
  COMPRESSION_INVALID: "compressed data is truncated, corrupt or of an unknown kind",
  PATH_ESCAPES: "a path leads out of the root",
  PATH_LOOP: "symbolic links lead in a circle",
  PATH_NOT_FOUND: "a path does not exist inside the image or tree",
  PATH_CONFLICT:
    "a path cannot be used as asked: a file where a directory is needed, or the reverse",
  USER_UNKNOWN: "a user or group is not in the image's files, or out of range",
  VALUE_OUT_OF_RANGE: "a value does not fit the field that must hold it",
  IMAGE_TOO_SMALL: "the image size asked for is too small for its contents",
  IMAGE_LIMIT: "the contents pass a limit of the image format",
  IMAGE_INVALID: "an image is not of the expected format, or is damaged",
  KERNEL_NOT_FOUND: "no kernel for the machine could be found",
  KERNEL_INVALID: "a kernel or one of its modules is not what it should be",
  TOOL_MISSING: "a program that this command needs is not installed",
  TOOL_FAILED: "a program that wick ran failed",
  PORT_BUSY: "a port on the host is in use",
  VMM_FAILED: "the virtual machine monitor did not start or ended by itself",
  GUEST_PANIC: "the guest's kernel panicked",
  GUEST_LOST: "the machine ended without saying how the application ended",
  GUEST_PROTOCOL: "the guest broke the channel's protocol",
  NOT_READY: "the application did not become ready in time",
  DIGEST_MISMATCH: "bytes are not those that their digest or size names",
  REGISTRY_FAILED: "a registry or engine could not be reached, or answered with an error",
  UNAUTHORIZED: "a registry wants other credentials, or they may not be sent to it",
  STORE_DAMAGED: "a file of wick's store is missing, cut or changed and cannot be had again",
  IN_USE: "a running machine or another command uses what was to be removed or taken",
  IO: "reading or writing a file on the host failed",
  DISK_FULL: "the host's disk or quota is full",
  PERMISSION: "the user may not do this on the host",
  INTERRUPTED: "stopped by a signal or by the caller",
  INTERNAL: "a defect in wick itself",
} as const;

/** A stable error code; see {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;
