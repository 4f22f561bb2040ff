import { WickError } from "../../errors/index.ts";
import {
  builtInRecipe,
  debianBase,
  mergeRecipes,
  type Recipe,
  recipeLayer,
} from "../recipe/index.ts";
import type { Source, SourceContents } from "../source.ts";
import { type DebFile, fetchPackages, type FetchProgress } from "./apt.ts";
import { debLayer } from "./deb-layer.ts";
import { type DebArchitecture, type PackageRequest, parsePackages } from "./packages.ts";

/** What a deb source needs of its surroundings. */
export interface DebOptions {
  readonly cacheDirectory: string;
  readonly arch: DebArchitecture;
  readonly refresh?: boolean | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/**
 * Packages of Debian (or Ubuntu) with all they depend on, each a layer, in the order of their
 * names; below them what maintainer scripts of the base system would have made, and on top
 * what wick's recipes say of the packages that were named.
 */
export function debSource(reference: string, words: string, options: DebOptions): Source {
  const packages = parsePackages(words);
  return {
    reference,
    open: (signal) => openPackages(packages, options, signal),
  };
}

async function openPackages(
  packages: readonly PackageRequest[],
  { refresh, ...options }: DebOptions,
  signal: AbortSignal | undefined,
): Promise<SourceContents> {
  const warnings: string[] = [];
  const files = await fetchPackages({
    packages,
    ...options,
    refresh: refresh === true,
    signal,
    onWarning: (message) => void warnings.push(message),
  });
  if (files.length === 0) {
    throw new WickError("SOURCE_FAILED", "Cannot fetch packages: apt names none to fetch");
  }
  const recipes = await Promise.all(packages.map(({ name }) => builtInRecipe(name)));
  const known = recipes.filter((recipe) => recipe !== undefined);
  return { ...contentsOf(files, await debianBase(), mergeRecipes(known)), warnings };
}

function contentsOf(
  files: readonly DebFile[],
  base: Recipe,
  recipe: Recipe | undefined,
): SourceContents {
  const layers = files.map((file) =>
    debLayer({ label: labelOf(file), path: file.path }, { mergedUsr: true }),
  );
  return {
    layers: [recipeLayer(base, () => undefined), ...layers],
    ...(recipe?.config === undefined ? {} : { config: recipe.config }),
    ...(recipe === undefined ? {} : { finish: (read) => recipeLayer(recipe, read) }),
    identity: JSON.stringify({ debs: files.map(({ sha256 }) => sha256), base, recipe }),
    parts: files.map(({ name, version, sizeBytes }) => ({ name: `${name} ${version}`, sizeBytes })),
  };
}

function labelOf({ name, version, arch }: DebFile): string {
  return `${name}_${version}_${arch}.deb`;
}
