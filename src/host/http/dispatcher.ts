import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import type { buildConnector, Dispatcher } from "undici";
import { WickError } from "../../errors/index.ts";
import { errnoOf } from "../host-error.ts";
import { type AddressRules, lookupWithin, type Reach } from "./reach.ts";
import { authorization, openTunnel } from "./tunnel.ts";

/** What connections of one kind have in common. */
export interface DispatcherOptions {
  readonly protocol: string;
  readonly proxy: URL | undefined;
  readonly reach: Reach;
  readonly verify: boolean;
  readonly secureContext: SecureContext | undefined;
  readonly rules: AddressRules;
  /** Ends connections, also those that are only being made. */
  readonly signal: AbortSignal;
  readonly connected: (hostname: string, address: string) => void;
}

const CONNECT_TIMEOUT_MS = 20_000;

/** A pool of connections, made as `options` say. */
export async function makeDispatcher(options: DispatcherOptions): Promise<Dispatcher> {
  // Only what talks to a registry pays for loading it.
  const undici = await import("undici");
  const { proxy } = options;
  if (proxy !== undefined && options.protocol === "http:") {
    const headers = authorization(proxy);
    const bare = `${proxy.protocol}//${proxy.host}`;
    return new undici.ProxyAgent({ uri: bare, headers, proxyTunnel: false });
  }
  return new undici.Agent({ connect: connector(undici.buildConnector, options) });
}

type Connect = buildConnector.connector;
type Callback = buildConnector.Callback;

function connector(build: typeof buildConnector, options: DispatcherOptions): Connect {
  const { secureContext, signal, proxy } = options;
  const connect = build({
    secureContext,
    signal,
    rejectUnauthorized: options.verify,
    timeout: CONNECT_TIMEOUT_MS,
    lookup: lookupWithin(options.reach, options.rules),
  } as buildConnector.BuildOptions);
  if (proxy === undefined) {
    return (target, callback) => {
      connect(target, (error, socket) => {
        // On an error undici gives no second argument, whatever its types say.
        if (error === null) options.connected(target.hostname, socket.remoteAddress ?? "");
        answer(callback, error, socket);
      });
    };
  }
  return (target, callback) => void throughTunnel(target, callback);

  async function throughTunnel(target: buildConnector.Options, callback: Callback): Promise<void> {
    const address = `${bracketed(target.hostname)}:${target.port || "443"}`;
    const timeoutMs = CONNECT_TIMEOUT_MS;
    // The user chose the proxy: it may be as near as he likes.
    const lookup = lookupWithin("loopback", options.rules);
    const tunnel = { proxy: proxy!, secureContext, signal, timeoutMs, lookup };
    try {
      const httpSocket = await openTunnel({ ...tunnel, target: address });
      connect({ ...target, httpSocket }, (error, socket) => answer(callback, error, socket));
    } catch (error) {
      callback(error as Error, null);
    }
  }
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** undici takes two of its own codes as a reason to connect again, without end. */
function answer(callback: Callback, error: Error | null, socket: Socket | null): void {
  if (error === null) return callback(null, socket!);
  const loops = !(error instanceof WickError) && errnoOf(error)?.startsWith("UND_ERR_") === true;
  callback(loops ? new Error(error.message, { cause: error }) : error, null);
}
