import { join } from "node:path";
import * as v from "valibot";
import { type Environment, readSmallFile, statOf } from "../../host/index.ts";
import { invalid, parseYaml } from "../recipe/yaml.ts";

/** What is set for one registry. */
export interface RegistrySettings {
  /** Asked first, in this order, `HOST[:PORT]`. */
  readonly mirrors: readonly string[];
  /** Plain HTTP, or a certificate of anybody's, will do. */
  readonly insecure: boolean;
  /** Hosts other than its own that may see its password: token services. */
  readonly tokenHosts: readonly string[];
}

/** Settings by the registry's name, as references have it: `docker.io`. */
export type AllSettings = ReadonlyMap<string, RegistrySettings>;

const host = v.pipe(
  v.string("wanted a host"),
  v.regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-fA-F:]+\](:\d{1,5})?$/, "wanted HOST or HOST:PORT"),
  v.toLowerCase(),
);
const hosts = v.optional(v.array(host, "wanted a list"), []);

const schema = v.strictObject(
  {
    registries: v.optional(
      v.record(
        host,
        v.strictObject(
          {
            mirrors: hosts,
            insecure: v.optional(v.boolean("wanted true or false"), false),
            "token-hosts": hosts,
          },
          "wanted mirrors, insecure or token-hosts",
        ),
        "wanted an object",
      ),
      {},
    ),
  },
  "wanted an object",
);

/** The file of the user's settings; undefined where nothing says where it belongs. */
export function settingsFile(environment: Environment): string | undefined {
  const config = environment["XDG_CONFIG_HOME"];
  if (config !== undefined && config.startsWith("/")) return join(config, "wick/registries.yaml");
  const home = environment["HOME"];
  return home === undefined ? undefined : join(home, ".config/wick/registries.yaml");
}

/** What the user has set; CONFIG_INVALID with every problem when the file is wrong. */
export async function readSettings(environment: Environment): Promise<AllSettings> {
  const path = settingsFile(environment);
  if (path === undefined || statOf(path) === undefined) return new Map();
  const data = await parseYaml(readSmallFile(path), path);
  const result = v.safeParse(schema, data ?? {});
  if (!result.success) {
    const problems = result.issues.map(
      (issue) => `${v.getDotPath(issue) ?? "file"}: ${wordsOf(issue)}`,
    );
    throw invalid(path, problems, "see docs/registries.md for what it may hold");
  }
  const entries = Object.entries(result.output.registries);
  return new Map(
    entries.map(([name, { mirrors, insecure, "token-hosts": tokenHosts }]) => [
      name,
      { mirrors, insecure, tokenHosts },
    ]),
  );
}

function wordsOf(issue: v.BaseIssue<unknown>): string {
  const isUnknown = issue.type === "strict_object" && issue.expected === "never";
  return isUnknown ? "no such key" : issue.message;
}
