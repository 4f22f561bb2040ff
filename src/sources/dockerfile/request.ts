import type { Environment } from "../../host/index.ts";
import type { BuildContext } from "./context.ts";
import type { BuildSecret } from "./secrets.ts";

/** What a Dockerfile is built with, in Docker's words. */
export interface DockerfileSettings {
  /** Another file than the folder's own; absolute. */
  readonly file: string | undefined;
  /** `NAME=value`, or `NAME` alone for the caller's value. */
  readonly buildArgs: readonly string[];
  readonly target: string | undefined;
  readonly secrets: readonly BuildSecret[];
  readonly noCache: boolean;
  /** Ask registries for newer base images. */
  readonly pull: boolean;
}

/** A build as the Dockerfile alone says it. */
export const PLAIN_BUILD: DockerfileSettings = {
  file: undefined,
  buildArgs: [],
  target: undefined,
  secrets: [],
  noCache: false,
  pull: false,
};

/** One build, for any builder. */
export interface BuildRequest extends DockerfileSettings {
  readonly context: BuildContext;
  readonly platform: "linux/amd64" | "linux/arm64";
  /** The caller's own: builders are configured by it, `NAME` alone takes from it. */
  readonly environment: Environment;
  /** Gets each line that the builder says. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** What users set for their builders; nothing else of theirs reaches one. */
const PASSED_ON =
  /^(BUILDAH_|BUILDKIT_|BUILDX_|CONTAINERS_|CONTAINER_HOST$|DOCKER_|DBUS_SESSION_BUS_ADDRESS$|REGISTRY_AUTH_FILE$|SOURCE_DATE_EPOCH$|SSH_AUTH_SOCK$|STORAGE_DRIVER$|STORAGE_OPTS$|USER$|XDG_)/;

/**
 * The words that docker, buildah and podman understand alike. A value that the user did not
 * write on his command line is on none of theirs either: it goes by the environment (P9).
 */
export function sharedWords(request: BuildRequest): string[] {
  const { buildArgs, target, secrets, noCache, platform } = request;
  return [
    `--platform=${platform}`,
    ...buildArgs.map((text) => `--build-arg=${text}`),
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...secrets.map((secret) => `--secret=${secretWords(secret)}`),
    ...(noCache ? ["--no-cache"] : []),
  ];
}

/** `id=…,src=…` for the builder's own command line: where the secret is, never what it is. */
export function secretWords({ id, from }: BuildSecret): string {
  return "file" in from ? csv([`id=${id}`, `src=${from.file}`]) : `id=${id},env=${from.variable}`;
}

/** The environment of a builder, beside what every tool is given. */
export function builderEnvironment(request: BuildRequest): Record<string, string> {
  const { environment, buildArgs, secrets } = request;
  const named = [
    ...buildArgs.filter((text) => !text.includes("=")),
    ...secrets.flatMap(({ from }) => ("variable" in from ? [from.variable] : [])),
  ];
  const wanted = new Set([
    ...Object.keys(environment).filter((name) => PASSED_ON.test(name)),
    ...named,
  ]);
  const pairs = [...wanted].flatMap((name): [string, string][] => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(pairs);
}

/** A line of CSV, for options that are read as one: what follows a comma is another field. */
export function csv(fields: readonly string[]): string {
  return fields
    .map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(",");
}
