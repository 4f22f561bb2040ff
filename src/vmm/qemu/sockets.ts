import { join } from "node:path";
import {
  awaitPeer,
  checkPrivateDirectory,
  fitsSocketPath,
  temporaryDirectory,
  type Awaited,
} from "../../host/index.ts";

const NAMES = ["qmp", "console", "channel"] as const;

/** The three connections of a machine, by what they are for. */
export type BySocket<T> = Readonly<Record<(typeof NAMES)[number], T>>;

/** Sockets on which QEMU is awaited. */
export interface Listening {
  readonly sockets: BySocket<Awaited>;
  /** Ends listening and removes the files; connections stay. */
  close(): void;
}

/**
 * Listens for QEMU on three sockets. QEMU is the one that connects: so nothing it prints is
 * missed, nobody polls, and no socket stays that a stranger could connect to.
 */
export async function listenForQemu(directory: string): Promise<Listening> {
  checkPrivateDirectory(directory);
  const short = isTooLong(directory) ? temporaryDirectory("vmm", "/tmp") : undefined;
  const sockets: Partial<Record<(typeof NAMES)[number], Awaited>> = {};
  const close = (): void => {
    for (const socket of Object.values(sockets).reverse()) socket.close();
    short?.[Symbol.dispose]();
  };
  try {
    for (const name of NAMES) {
      sockets[name] = await awaitPeer(socketPath(short?.path ?? directory, name));
    }
    return { sockets: sockets as BySocket<Awaited>, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Whether some socket's path would not fit: sockets then lie in a short directory of their own. */
function isTooLong(directory: string): boolean {
  return NAMES.some((name) => !fitsSocketPath(socketPath(directory, name)));
}

function socketPath(directory: string, name: string): string {
  return join(directory, `${name}.sock`);
}
