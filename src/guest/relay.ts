import type { Struct } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { encodeFrame, FrameReader, type Frame } from "./frames.ts";
import { TYPE_MUST_UNDERSTAND } from "./message-types.ts";
import {
  relayCreditBody,
  relayHelloBody,
  relayOpenBody,
  relayRefusedBody,
} from "./relay-layout.ts";
import { relayLimits, relayTypes } from "./relay-types.ts";

/** One frame of the relay (docs/relay.md); `number` is its connection's. */
export type RelayMessage =
  | { readonly kind: "hello"; readonly version: number; readonly window: number }
  | { readonly kind: "open"; readonly number: number; readonly port: number }
  | { readonly kind: "refused"; readonly number: number; readonly errno: number }
  | { readonly kind: "data"; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: "credit"; readonly number: number; readonly bytes: number }
  | { readonly kind: "opened" | "end" | "reset" | "closed"; readonly number: number }
  | { readonly kind: "goodbye" };

type Kind = RelayMessage["kind"];

/** The payloads that have a form; data is bytes, all others are empty. */
const bodies: { readonly [K in Kind]?: Struct<Record<string, number>> } = {
  hello: relayHelloBody as unknown as Struct<Record<string, number>>,
  open: relayOpenBody as unknown as Struct<Record<string, number>>,
  refused: relayRefusedBody as unknown as Struct<Record<string, number>>,
  credit: relayCreditBody as unknown as Struct<Record<string, number>>,
};

/** Those that are about no connection. */
const withoutNumber: ReadonlySet<Kind> = new Set(["hello", "goodbye"]);

const kinds = new Map<number, Kind>(
  Object.entries(relayTypes).map(([kind, type]) => [type, kind as Kind]),
);

const NOTHING = new Uint8Array(0);

/** A reader of the relay's frames. */
export function relayFrameReader(): FrameReader {
  return new FrameReader({ name: "relay", payloadBytes: relayLimits.payloadBytes });
}

/** The bytes of one frame. */
export function encodeRelay(message: RelayMessage): Uint8Array<ArrayBuffer> {
  const number = "number" in message ? message.number : 0;
  return encodeFrame(relayTypes[message.kind], payloadOf(message), number);
}

function payloadOf(message: RelayMessage): Uint8Array {
  if (message.kind === "data") return message.bytes;
  return bodies[message.kind]?.encode(message as unknown as Record<string, number>) ?? NOTHING;
}

/** What a frame says; undefined where it need not be understood, GUEST_PROTOCOL where it must. */
export function decodeRelay({ type, stream, payload }: Frame): RelayMessage | undefined {
  const kind = kinds.get(type);
  if (kind === undefined) {
    if ((type & TYPE_MUST_UNDERSTAND) === 0) return undefined;
    throw relayBroken(`a frame of unknown type 0x${type.toString(16)}`);
  }
  if (withoutNumber.has(kind) !== (stream === 0)) {
    throw relayBroken(`${kind} for connection ${stream}`);
  }
  if (kind === "data") return { kind, number: stream, bytes: payload };
  const body = bodies[kind];
  const wanted = body?.sizeBytes ?? 0;
  if (payload.length !== wanted) {
    throw relayBroken(`${kind} of ${payload.length} bytes, wanted ${wanted}`);
  }
  const about = stream === 0 ? {} : { number: stream };
  return { kind, ...about, ...body?.read(payload) } as RelayMessage;
}

/** The guest broke the protocol; `what` it sent. */
export function relayBroken(what: string): WickError {
  return new WickError("GUEST_PROTOCOL", `Cannot read the guest's relay: ${what}`);
}
