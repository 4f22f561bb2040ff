import * as v from "valibot";
import { type AppConfig, parseConfig, portKey } from "../../application/index.ts";
import { sanitise, utf8 } from "../../bytes/index.ts";
import { type ReadRecipe, recipeSchema } from "./schema.ts";
import { invalid, parseYaml } from "./yaml.ts";

/** What an application needs beside its packages, and how it is started. */
export interface Recipe {
  /** For messages: `nginx-light`, `./mine.yaml`. */
  readonly name: string;
  readonly config: AppConfig | undefined;
  readonly users: ReadRecipe["users"];
  readonly groups: ReadRecipe["groups"];
  readonly directories: ReadRecipe["directories"];
  readonly links: ReadRecipe["links"];
  readonly files: ReadRecipe["files"];
}

/** Reads a recipe's text; CONFIG_INVALID with every problem and its path at once. */
export async function parseRecipe(bytes: Uint8Array, name: string): Promise<Recipe> {
  const result = v.safeParse(recipeSchema, await parseYaml(bytes, name));
  if (!result.success) throw invalid(name, result.issues.map(problem), "see docs/recipes.md");
  const { users, groups, directories, links, files } = result.output;
  const config = configOf(result.output, name);
  return { name, config, users, groups, directories, links, files };
}

/** Several recipes as one: everything of each, the config of the first that has one. */
export function mergeRecipes(recipes: readonly Recipe[]): Recipe | undefined {
  const [first, ...others] = recipes;
  if (first === undefined || others.length === 0) return first;
  return {
    name: recipes.map(({ name }) => name).join(", "),
    config: recipes.find(({ config }) => config !== undefined)?.config,
    users: recipes.flatMap(({ users }) => users),
    groups: recipes.flatMap(({ groups }) => groups),
    directories: recipes.flatMap(({ directories }) => directories),
    links: recipes.flatMap(({ links }) => links),
    files: recipes.flatMap(({ files }) => files),
  };
}

/** The friendly words in OCI names, over what stands under `config` in these already. */
function configOf(recipe: ReadRecipe, name: string): AppConfig | undefined {
  const { argv, env, user, workingDir, ports, stopSignal } = recipe;
  const words = {
    Cmd: argv,
    Env: env && Object.entries(env).map(([variable, value]) => `${variable}=${value}`),
    User: user,
    WorkingDir: workingDir,
    ExposedPorts: ports && Object.fromEntries(ports.map((port) => [portKey(port)!, {}])),
    StopSignal: stopSignal,
  };
  const said = Object.entries(words).filter(([, value]) => value !== undefined);
  if (said.length === 0 && recipe.config === undefined) return undefined;
  const twice = said.map(([key]) => key).filter((key) => Object.hasOwn(recipe.config ?? {}, key));
  if (twice.length > 0)
    throw invalid(
      name,
      twice.map((key) => `config.${key}: it is said twice`),
    );
  const config = { ...recipe.config, ...Object.fromEntries(said) };
  return parseConfig(utf8(JSON.stringify({ wick: 1, config })), { name });
}

function problem(issue: v.BaseIssue<unknown>): string {
  const path = sanitise(v.getDotPath(issue) ?? "the recipe");
  if (issue.type === "strict_object" && issue.expected === "never") return `${path}: unknown key`;
  if (issue.type === "strict_object" && issue.received === "undefined") return `${path}: missing`;
  return `${path}: ${issue.message}`;
}
