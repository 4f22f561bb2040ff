/**
 * The application: the one program of a machine and how it is started, in the OCI image
 * config's own names (opencontainers/image-spec, config.md; Healthcheck is Docker's extension,
 * Hostname is set by the user alone and never taken from an image).
 */
export interface AppConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** `NAME=value`, each name once. */
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  /** `user|uid[:group|gid]`. */
  readonly User?: string;
  /** Name with or without SIG, or number. */
  readonly StopSignal?: string;
  /** Keys `80`, `80/tcp`, `53/udp`. */
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly Volumes?: Readonly<Record<string, Record<string, never>>>;
  readonly Healthcheck?: Readonly<Record<string, unknown>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Hostname?: string;
}
