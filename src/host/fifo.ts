import { constants, openSync } from "node:fs";
import { Socket } from "node:net";

/**
 * A FIFO's bytes until its writers are gone. Opened without waiting for one: an `open` that waits
 * cannot be given up, and would keep the whole process from ending. Node waits for the first bytes
 * instead, and stops when `signal` fires; the iteration then ends with an error of Node's.
 */
export async function* readFifo(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  const stop = (): void => void socket.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    yield* socket as AsyncIterable<Uint8Array>;
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}
