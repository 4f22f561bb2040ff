import { join } from "node:path";
import {
  awaitPeer,
  checkPrivateDirectory,
  fitsSocketPath,
  guardedDirectory,
  type Awaited,
} from "../../host/index.ts";

const NAMES = ["qmp", "console", "channel", "relay"] as const;

type Name = (typeof NAMES)[number];

/** The connections of a machine, by what they are for; the relay's only where it has one. */
export type BySocket<T> = Readonly<Record<Exclude<Name, "relay">, T> & { relay?: T }>;

/** The same connections, each as `change` makes it. */
export function mapSockets<T, U>(
  { qmp, console, channel, relay }: BySocket<T>,
  change: (one: T) => U,
): BySocket<U> {
  const always = { qmp: change(qmp), console: change(console), channel: change(channel) };
  return relay === undefined ? always : { ...always, relay: change(relay) };
}

/** Sockets on which QEMU is awaited. */
export interface Listening {
  readonly sockets: BySocket<Awaited>;
  /** Ends listening and removes the files; connections stay. */
  close(): void;
}

/**
 * Listens for QEMU on a socket for each connection. QEMU is the one that connects: so nothing it prints is
 * missed, nobody polls, and no socket stays that a stranger could connect to.
 */
export async function listenForQemu(
  directory: string,
  { relay = false }: { readonly relay?: boolean },
): Promise<Listening> {
  checkPrivateDirectory(directory);
  const short = isTooLong(directory) ? guardedDirectory("vmm", "/tmp") : undefined;
  const sockets: Partial<Record<Name, Awaited>> = {};
  const close = (): void => {
    for (const socket of Object.values(sockets).reverse()) socket.close();
    short?.[Symbol.dispose]();
  };
  try {
    for (const name of NAMES.filter((each) => relay || each !== "relay")) {
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
