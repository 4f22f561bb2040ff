import { MessageChannel } from "node:worker_threads";

/** A way to nowhere: what is transferred through it is gone. */
const { port1: nowhere, port2 } = new MessageChannel();
port2.close();

/**
 * Frees the memory of a node:zlib engine's output, which its receiver has no more use for: the
 * collector lets 32 MiB of it gather first, and each new piece of memory costs page faults. An
 * engine goes on in the same buffer until it is full, so only what ends a buffer frees it.
 */
export function freeNow({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const isLast = byteOffset + byteLength === buffer.byteLength;
  if (isLast && buffer instanceof ArrayBuffer) nowhere.postMessage(undefined, [buffer]);
}
