/**
 * Types of the channel's messages, version 1: docs/channel.md shows this table,
 * src/guest/init/protocol.h holds the same numbers for C (tests compare them).
 */

/** The only version so far; `hello` carries it. */
export const channelVersion = 1;

/** Largest payload of a frame, in bytes. */
export const payloadCap = 1 << 20;

/** The stream of reports and commands; others are for later versions. */
export const controlStream = 0;

/** A receiver that does not know a type with this bit must close the channel; others it skips. */
export const TYPE_MUST_UNDERSTAND = 0x8000;

/** Guest to host. */
export const reportTypes = {
  hello: 0x0001,
  mark: 0x0002,
  started: 0x0003,
  listening: 0x0004,
  warning: 0x0005,
  "exec-failed": 0x0010,
  "setup-failed": 0x0011,
  exited: 0x0012,
  signalled: 0x0013,
} as const;

/** Host to guest. */
export const commandTypes = {
  hello: 0x0101,
  ack: 0x0102,
  signal: 0x0103,
  stop: 0x0104,
} as const;

/** Why the application could not be started, by the number in `exec-failed`. */
export const execReasons = {
  other: 0,
  "not-found": 1,
  "interpreter-missing": 2,
  "loader-missing": 3,
  "not-executable": 4,
  "wrong-architecture": 5,
  "not-a-program": 6,
  directory: 7,
  "too-long": 8,
} as const;

export type ExecReason = keyof typeof execReasons;
