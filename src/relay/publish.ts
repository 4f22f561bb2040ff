import type { Duplex } from "node:stream";
import type { WickError } from "../errors/index.ts";
import { listenTcp, type TcpClient, type TcpListener } from "../host/index.ts";
import type { PortForward } from "../vmm/index.ts";
import { Multiplexer } from "./multiplexer.ts";

/**
 * Published TCP ports that wick itself listens on, before the machine starts: a client that comes
 * before the guest is there waits.
 */
export class PublishedPorts {
  readonly #listeners: TcpListener[] = [];
  readonly #multiplexer: Multiplexer;
  #ports: readonly PortForward[] = [];
  #onBroken: (error: WickError) => void = () => undefined;

  private constructor() {
    this.#multiplexer = new Multiplexer({
      broken: (error) => this.#onBroken(error),
      ended: () => this.#stopListening(),
    });
  }

  /** Listens on all of `ports`, or on none: PORT_BUSY, PERMISSION or USAGE for one that cannot be had. */
  static async listen(ports: readonly PortForward[]): Promise<PublishedPorts> {
    const published = new PublishedPorts();
    try {
      for (const port of ports) await published.#listen(port);
      return published;
    } catch (error) {
      await published.close();
      throw error;
    }
  }

  /** As asked for, with the host ports that were bound. */
  get ports(): readonly PortForward[] {
    return this.#ports;
  }

  /** Carries connections over the machine's relay; `onBroken`: the guest broke its protocol. */
  attach(stream: Duplex, onBroken: (error: WickError) => void): void {
    this.#onBroken = onBroken;
    this.#multiplexer.attach(stream);
  }

  /** The machine is gone: resolves when clients have their last bytes, within some seconds. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#multiplexer.close();
    await this.#multiplexer.idle();
  }

  async #listen(port: PortForward): Promise<void> {
    const { guestPort } = port;
    const accept = (client: TcpClient): void => this.#multiplexer.accept(client, guestPort);
    const listener = await listenTcp(port, accept);
    this.#listeners.push(listener);
    this.#ports = [...this.#ports, { ...port, hostPort: listener.hostPort }];
  }

  #stopListening(): void {
    for (const listener of this.#listeners) listener.close();
  }
}
