import { le16, le32, struct } from "../bytes/index.ts";

/** hello. */
export const relayHelloBody = struct("relay_hello", 8, [
  [0x0, "version", le16],
  [0x2, "reserved", le16], // 0
  [0x4, "window", le32], // bytes that the sender takes on each new connection
]);

/** open. */
export const relayOpenBody = struct("relay_open", 2, [[0x0, "port", le16]]);

/** refused. */
export const relayRefusedBody = struct("relay_refused", 4, [[0x0, "errno", le32]]);

/** credit. */
export const relayCreditBody = struct("relay_credit", 4, [[0x0, "bytes", le32]]);
