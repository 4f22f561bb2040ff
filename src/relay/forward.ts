import { connectTcp, listenTcp, type TcpClient, type TcpListener } from "../host/index.ts";
import type { PortForward } from "../vmm/index.ts";
import { Forwarded } from "./forwarded.ts";

/** Where a machine is reached: its address, and the host's on the same TAP. */
export interface Route {
  readonly guest: string;
  readonly host: string;
}

/** How long clients may take for the last bytes of a machine that has ended, in `ms`. */
const LAST_BYTES_MS = 5000;

/**
 * Published TCP ports of a machine on a TAP: wick listens, and connects to the machine itself.
 * Each of its connections leaves by the TAP or not at all, so that a machine that is gone is not
 * taken for whoever has its address elsewhere.
 */
export class ForwardedPorts {
  readonly #route: Route;
  readonly #listeners: TcpListener[] = [];
  readonly #open = new Set<Forwarded>();
  #ports: readonly PortForward[] = [];

  private constructor(route: Route) {
    this.#route = route;
  }

  /** Listens on all of `ports`, or on none: PORT_BUSY, PERMISSION or USAGE for one that cannot be had. */
  static async listen(ports: readonly PortForward[], route: Route): Promise<ForwardedPorts> {
    const forwarded = new ForwardedPorts(route);
    try {
      for (const port of ports) await forwarded.#listen(port);
      return forwarded;
    } catch (error) {
      await forwarded.close();
      throw error;
    }
  }

  /** As asked for, with the host ports that were bound. */
  get ports(): readonly PortForward[] {
    return this.#ports;
  }

  /** The machine is gone: resolves when clients have their last bytes, within some seconds. */
  async close(lastBytesMs = LAST_BYTES_MS): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await Promise.all([...this.#open].map((one) => one.close(lastBytesMs)));
  }

  async #listen(port: PortForward): Promise<void> {
    const accept = (client: TcpClient): void => this.#accept(client, port.guestPort);
    const listener = await listenTcp(port, accept);
    this.#listeners.push(listener);
    this.#ports = [...this.#ports, { ...port, hostPort: listener.hostPort }];
  }

  #accept(client: TcpClient, port: number): void {
    const { guest: host, host: localAddress } = this.#route;
    const one = new Forwarded(client, connectTcp({ host, port, localAddress }), () =>
      this.#open.delete(one),
    );
    this.#open.add(one);
  }
}
