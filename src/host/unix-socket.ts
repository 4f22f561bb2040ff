import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { undoAtExit } from "./cleanup.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";

/** What sun_path holds beside its NUL (unix(7)); Node cuts a longer path in silence. */
export const SOCKET_PATH_BYTES = 107;

/** Whether `path` fits into a socket address. */
export function fitsSocketPath(path: string): boolean {
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES;
}

/** A socket on which exactly one peer is awaited. */
export interface Awaited {
  readonly path: string;
  /** The one peer's connection; rejects when {@link close} comes first. */
  readonly peer: Promise<Socket>;
  /** Ends listening and removes the socket's file; the peer's connection stays. */
  close(): void;
}

/** Listens on a socket file of ours (0600) for one peer; whoever comes later is turned away. */
export async function awaitPeer(path: string): Promise<Awaited> {
  if (!fitsSocketPath(path)) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot listen on ${sanitise(path)}: ${Buffer.byteLength(path)} bytes, wanted at most ${SOCKET_PATH_BYTES}`,
      { hint: "set TMPDIR to a shorter directory" },
    );
  }
  const server = createServer();
  const remove = (): void => rmSync(path, { force: true });
  try {
    checkFault("listen", path);
    await listening(server, path);
    chmodSync(path, 0o600);
  } catch (error) {
    server.close();
    throw hostError(error, `listen on ${sanitise(path)}`);
  }
  const forget = undoAtExit(remove);
  const { peer, giveUp } = firstPeer(server);
  return {
    path,
    peer,
    close() {
      forget();
      giveUp();
      server.close();
      remove();
    },
  };
}

/** Whether somebody listens on the socket file: found out by a connection that says nothing. */
export function socketListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path }, () => {
      server.off("error", reject);
      server.on("error", () => {}); // a failed accept: the deadline of who waits will tell
      resolve();
    });
  });
}

function firstPeer(server: Server): { peer: Promise<Socket>; giveUp: () => void } {
  const { promise, resolve, reject } = withResolvers<Socket>();
  let taken = false;
  server.on("connection", (socket) => {
    // A connection without an error handler would end the whole process on ECONNRESET.
    socket.on("error", () => {});
    if (taken) socket.destroy();
    else resolve(socket);
    taken = true;
  });
  promise.catch(() => {}); // it may be given up before anybody waits
  const giveUp = (): void =>
    reject(new WickError("INTERRUPTED", "Cannot await the socket's peer: listening has ended"));
  return { peer: promise, giveUp };
}

/** Promise.withResolvers, which Node has from 22 on. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
