import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { resetClient, type TcpClient } from "../host/index.ts";

/** What a machine that is gone has sent is here by then, unless its reader is slow (twice TCP_RTO_MIN); in `ms`. */
const QUIET_MS = 500;

/** A client's connection and the one to the guest: bytes, ends and resets pass each way for themselves. */
export class Forwarded {
  readonly #client: TcpClient;
  readonly #guest: TcpClient;
  readonly #gone: Promise<void>;

  constructor(client: TcpClient, guest: TcpClient, onGone: () => void) {
    this.#client = client;
    this.#guest = guest;
    // Pipes wait for slow readers, and pass an end on as half a close.
    client.pipe(guest);
    guest.pipe(client);
    // Refused, reset, or no such machine any more.
    guest.once("error", () => resetClient(client));
    client.once("close", (hadError: boolean) => {
      if (hadError || !guest.writableEnded) resetClient(guest);
    });
    this.#gone = Promise.all([once(client, "close"), once(guest, "close")]).then(onGone);
  }

  /**
   * The guest is gone. A client to whom it said its end has `lastBytesMs` to take the last bytes;
   * any other is reset.
   */
  async close(lastBytesMs: number): Promise<void> {
    const late = setTimeout(() => resetClient(this.#client), lastBytesMs);
    const sent = Promise.race([once(this.#client, "finish"), this.#gone]);
    await Promise.race([sent, this.#quiet()]);
    if (!this.#guest.readableEnded) resetClient(this.#client);
    this.#guest.destroy();
    await sent;
    clearTimeout(late);
    this.#client.destroy();
    await this.#gone;
  }

  /** Resolves when nothing more comes from the guest, and nothing waits. */
  async #quiet(): Promise<void> {
    for (let before = -1; before !== this.#guest.bytesRead || this.#client.writableNeedDrain;) {
      before = this.#guest.bytesRead;
      await sleep(QUIET_MS);
      if (this.#guest.closed) return;
    }
  }
}

/** Resolves when that has happened, now or before. */
function once(stream: Duplex, event: "close" | "finish"): Promise<void> {
  return new Promise((resolve) => {
    if (event === "close" ? stream.closed : stream.writableFinished) resolve();
    else stream.once(event, () => resolve());
  });
}
