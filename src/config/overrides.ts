import { configOf, parseEnvFile, type AppConfig } from "../application/index.ts";
import { readSmallFile } from "../host/index.ts";
import { absolute, type Caller } from "./caller.ts";
import type { BuildOptions, RunOptions } from "./options.ts";

type Given = Omit<BuildOptions, "output"> | RunOptions;

/** What the options say about the application. Errors: USAGE; those of reading `--env-file`. */
export function overridesOf(
  given: Given,
  command: readonly string[] | undefined,
  caller: Caller,
): AppConfig {
  const files = (given.envFile ?? []).flatMap((file) => {
    const path = absolute(file, caller);
    return parseEnvFile(readSmallFile(path), path, caller.environment);
  });
  const labels = (given.label ?? []).filter((text) => text.includes("="));
  return configOf(
    {
      entrypoint: given.entrypoint,
      command,
      env: [...files, ...(given.env ?? [])],
      workdir: given.workdir,
      user: given.user,
      expose: given.expose,
      labels: labels.length === 0 ? undefined : labels,
      stopSignal: given.stopSignal,
      hostname: "hostname" in given ? given.hostname : undefined,
    },
    caller.environment,
  );
}
