import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { type EngineAddress, type Environment, statOf } from "../../host/index.ts";

/** Engines whose API is Docker's. */
export type EngineKind = "docker-daemon" | "podman";

/** What a kind of engine is found by. */
export interface EngineFacts {
  readonly name: string;
  /** The variable that says where it is. */
  readonly variable: "DOCKER_HOST" | "CONTAINER_HOST";
  /** How its service is started. */
  readonly start: string;
  readonly list: string;
  /** Sockets that are tried where the variable is not set. */
  readonly sockets: (environment: Environment) => readonly string[];
}

export const engines: Readonly<Record<EngineKind, EngineFacts>> = {
  "docker-daemon": {
    name: "Docker",
    variable: "DOCKER_HOST",
    start: "systemctl start docker",
    list: "docker images",
    sockets: ({ HOME, XDG_RUNTIME_DIR }) => [
      "/var/run/docker.sock",
      ...below(XDG_RUNTIME_DIR, "docker.sock"),
      ...below(HOME, ".docker/run/docker.sock"),
    ],
  },
  podman: {
    name: "podman",
    variable: "CONTAINER_HOST",
    start: "systemctl --user start podman.socket, or: podman system service --time 0",
    list: "podman images",
    sockets: ({ XDG_RUNTIME_DIR }) => [
      ...below(XDG_RUNTIME_DIR, "podman/podman.sock"),
      "/run/podman/podman.sock",
    ],
  },
};

function below(directory: string | undefined, path: string): string[] {
  return directory?.startsWith("/") === true ? [`${directory}/${path}`] : [];
}

/** Where the engine is; REGISTRY_FAILED where nothing says so, with what to try. */
export function findEngine(kind: EngineKind, environment: Environment): EngineAddress {
  const { name, variable, start, sockets } = engines[kind];
  const set = environment[variable];
  if (set !== undefined && set !== "") return parseAddress(set, variable);
  const tried = sockets(environment);
  const found = tried.find((path) => statOf(path)?.isSocket() === true);
  if (found !== undefined) return { socketPath: found };
  throw new WickError(
    "REGISTRY_FAILED",
    `Cannot reach ${name}: there is no socket at ${tried.map((path) => sanitise(path)).join(", ")}`,
    { hint: `start it (${start}), or set ${variable}=unix:///path/to.sock` },
  );
}

function parseAddress(text: string, variable: string): EngineAddress {
  const [, path] = /^unix:\/\/(\/[^\0]+)$/.exec(text) ?? [];
  if (path !== undefined) return { socketPath: path };
  const [, host, port] = /^tcp:\/\/(\[[\da-f:]+\]|[\w.-]+):(\d{1,5})\/?$/i.exec(text) ?? [];
  if (host !== undefined && Number(port) > 0 && Number(port) < 65536) {
    return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
  }
  throw new WickError(
    "UNSUPPORTED",
    `Cannot use ${variable}="${sanitise(text.slice(0, 200))}": wanted unix:///PATH or tcp://HOST:PORT`,
    { hint: "over ssh: docker save NAME | wick build docker-archive:-" },
  );
}
