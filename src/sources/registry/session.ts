import {
  type AddressRules,
  type Environment,
  type HttpClient,
  openHttp,
} from "../../host/index.ts";
import { RegistryClient } from "./client.ts";
import { findCredentials } from "./credentials/index.ts";
import { endpointsOf } from "./endpoint.ts";
import { patientPolicy, type RetryPolicy } from "./retry.ts";
import { type AllSettings, readSettings } from "./settings.ts";

/** What talking to registries needs. */
export interface RegistryOptions {
  /** Proxies, certificates, credentials and settings are found by it. */
  readonly environment: Environment;
  /** Registries (`HOST[:PORT]`) for which any certificate, or plain HTTP, will do. */
  readonly insecure?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told what the user should know while it goes on: pauses, mirrors that do not answer. */
  readonly note?: ((message: string) => void) | undefined;
  /** Bounds that tests make shorter. */
  readonly idleMs?: number | undefined;
  readonly policy?: RetryPolicy | undefined;
  readonly addresses?: AddressRules | undefined;
}

/** Connections, settings and what is known of registries, for one command. */
export class RegistrySession implements Disposable {
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
  readonly http: HttpClient;
  readonly settings: AllSettings;
  readonly #options: RegistryOptions;
  readonly #clients = new Map<string, RegistryClient>();

  private constructor(options: RegistryOptions, http: HttpClient, settings: AllSettings) {
    this.#options = options;
    this.http = http;
    this.settings = settings;
    this.policy = options.policy ?? patientPolicy;
    this.signal = options.signal;
  }

  static async open(options: RegistryOptions): Promise<RegistrySession> {
    const settings = await readSettings(options.environment);
    const { environment, signal, idleMs, addresses } = options;
    const http = await openHttp({ environment, signal, idleMs, addresses });
    return new RegistrySession(options, http, settings);
  }

  note(message: string): void {
    this.#options.note?.(message);
  }

  /** Whom to ask for a repository: mirrors first, the registry itself last. */
  clientsFor(registry: string, repository: string): readonly RegistryClient[] {
    const { insecure, environment, signal } = this.#options;
    return endpointsOf(registry, this.settings, insecure).map((endpoint) => {
      const key = `${endpoint.host} ${repository}`;
      const known = this.#clients.get(key);
      if (known !== undefined) return known;
      const client = new RegistryClient(this.http, endpoint, () =>
        findCredentials(endpoint.host, repository, { environment, signal }),
      );
      this.#clients.set(key, client);
      return client;
    });
  }

  [Symbol.dispose](): void {
    this.http[Symbol.dispose]();
  }
}
