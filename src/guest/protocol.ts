/** The channel between host and guest, version 1: docs/channel.md. */
export { FrameReader, encodeFrame } from "./frames.ts";
export { decodeReport, exitStatus, isFinal, type FinalReport, type Report } from "./reports.ts";
export { encodeCommand, type Command } from "./commands.ts";
export type { ExecReason } from "./message-types.ts";
