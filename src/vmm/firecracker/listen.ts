import { awaitPeer, type Awaited } from "../../host/index.ts";
import { AwaitedStream } from "../awaited-stream.ts";
import { guestSocket, VSOCK_PORTS } from "./files.ts";

/** The byte streams that the guest itself opens, once its init runs. */
export interface GuestStreams {
  readonly channel: AwaitedStream;
  readonly relay: AwaitedStream | undefined;
  /** The sockets' files. */
  readonly paths: readonly string[];
  /** Ends waiting: streams to which nobody came end. */
  close(): void;
  /** Resolves when whoever reads them has read the streams to their ends. */
  ended(): Promise<void>;
}

/**
 * Listens where Firecracker connects to when the guest does. The first connection of each is
 * init's, made before anything else runs in the guest; after it nobody listens any more.
 */
export async function listenForGuest(
  vsock: string,
  { relay }: { readonly relay: boolean },
): Promise<GuestStreams> {
  const channel = await listenOn(guestSocket(vsock, VSOCK_PORTS.channel));
  try {
    const other = relay ? await listenOn(guestSocket(vsock, VSOCK_PORTS.relay)) : undefined;
    return {
      channel: channel.stream,
      relay: other?.stream,
      paths: [channel.path, ...(other === undefined ? [] : [other.path])],
      close() {
        other?.close();
        channel.close();
      },
      async ended() {
        await readToItsEnd(channel.stream);
        if (other !== undefined) await readToItsEnd(other.stream);
      },
    };
  } catch (error) {
    channel.close();
    throw error;
  }
}

async function readToItsEnd(stream: AwaitedStream): Promise<void> {
  if (stream.closed || stream.readableFlowing === null) return;
  await new Promise((resolve) => stream.once("close", resolve));
}

interface Listening {
  readonly path: string;
  readonly stream: AwaitedStream;
  close(): void;
}

async function listenOn(path: string): Promise<Listening> {
  const awaited = await awaitPeer(path);
  const stream = new AwaitedStream();
  void attachPeer(awaited, stream);
  return {
    path,
    stream,
    close() {
      awaited.close();
      stream.giveUp();
    },
  };
}

async function attachPeer(awaited: Awaited, stream: AwaitedStream): Promise<void> {
  try {
    stream.attach(await awaited.peer);
  } catch {
    return; // nobody came; whoever closed ends the stream
  }
  awaited.close();
}
