import { encodeFrame } from "./frames.ts";
import { ackBody, helloHead, signalBody, stopBody } from "./message-layout.ts";
import { channelVersion, commandTypes, reportTypes } from "./message-types.ts";
import type { FinalReport } from "./reports.ts";

/** What the host says to init. */
export type Command =
  /** First on the wire: somebody listens, so init may wait for acks. */
  | { readonly kind: "hello" }
  /** The final report has arrived: the machine may end. */
  | { readonly kind: "ack"; readonly report: FinalReport["kind"] }
  /** A signal for the application, 1–64. */
  | { readonly kind: "signal"; readonly number: number }
  /** Signal 0 is the image's stop signal; SIGKILL after `graceMs`. */
  | { readonly kind: "stop"; readonly signal: number; readonly graceMs: number };

function payload(command: Command): Uint8Array {
  switch (command.kind) {
    case "hello":
      return helloHead.encode({ version: channelVersion });
    case "ack":
      return ackBody.encode({ type: reportTypes[command.report] });
    case "signal":
      return signalBody.encode({ number: command.number });
    case "stop":
      return stopBody.encode({ signal: command.signal, graceMs: command.graceMs });
  }
}

/** The frame that carries `command`. */
export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  return encodeFrame(commandTypes[command.kind], payload(command));
}
