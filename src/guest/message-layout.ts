import { le16, le32, le64, struct } from "../bytes/index.ts";

/** Before every payload. */
export const frameHeader = struct("frame", 8, [
  [0x0, "length", le32], // of the payload, at most 1 MiB
  [0x4, "type", le16],
  [0x6, "stream", le16], // 0 = reports and commands
]);

/** hello (guest): init's build as text follows. */
export const helloHead = struct("hello", 4, [
  [0x0, "version", le16],
  [0x2, "reserved", le16], // 0
]);

/** mark: the name follows. */
export const markHead = struct("mark", 8, [[0x0, "ns", le64]]); // CLOCK_BOOTTIME

export const startedBody = struct("started", 12, [
  [0x0, "ns", le64],
  [0x8, "pid", le32],
]);

export const listeningBody = struct("listening", 10, [
  [0x0, "ns", le64],
  [0x8, "port", le16],
]);

/** exec-failed: path, then detail (both text) follow. */
export const execFailedHead = struct("exec_failed", 8, [
  [0x0, "errno", le32],
  [0x4, "reason", le16],
  [0x6, "pathLength", le16], // bytes of the path; the rest is the detail
]);

/** setup-failed and warning: the step's name, then a sentence follow. */
export const stepHead = struct("step", 6, [
  [0x0, "errno", le32], // 0 = not from a system call
  [0x4, "stepLength", le16],
]);

export const exitedBody = struct("exited", 4, [[0x0, "status", le32]]);

export const signalledBody = struct("signalled", 8, [
  [0x0, "signal", le32],
  [0x4, "flags", le32], // bit 0: the kernel ran out of memory
]);

export const ackBody = struct("ack", 2, [[0x0, "type", le16]]);

export const signalBody = struct("signal", 4, [[0x0, "number", le32]]);

export const stopBody = struct("stop", 8, [
  [0x0, "signal", le32], // 0 = STOP_SIGNAL of the records
  [0x4, "graceMs", le32], // then SIGKILL
]);
