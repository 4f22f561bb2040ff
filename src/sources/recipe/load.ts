import { join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { packageFile, readSmallFile, statOf } from "../../host/index.ts";
import { parseRecipe, type Recipe } from "./recipe.ts";

/** The recipes that come with wick. */
const RECIPES_DIRECTORY = packageFile("recipes");

/** What the maintainer scripts of Debian's base packages would have made: below every deb source. */
const BASE = "debian-base";

/** wick's own recipe for a package; undefined when it has none. */
export async function builtInRecipe(packageName: string): Promise<Recipe | undefined> {
  // Names come from the user: nothing but a package's name may become a path.
  if (!/^[a-z0-9][a-z0-9+.-]*$/.test(packageName)) return undefined;
  const path = join(RECIPES_DIRECTORY, `${packageName}.yaml`);
  if (statOf(path) === undefined) return undefined;
  return parseRecipe(readSmallFile(path), packageName);
}

/** The base of every Debian source. */
export async function debianBase(): Promise<Recipe> {
  const recipe = await builtInRecipe(BASE);
  if (recipe !== undefined) return recipe;
  throw new WickError("INTERNAL", `Cannot find the recipe ${BASE}: it belongs to wick itself`);
}

/** A user's own recipe, `--recipe FILE`. */
export async function readRecipe(path: string): Promise<Recipe> {
  if (statOf(path)?.isFile() !== true) {
    throw new WickError(
      "SOURCE_NOT_FOUND",
      `Cannot read the recipe ${sanitise(path)}: there is no such file`,
    );
  }
  return parseRecipe(readSmallFile(path), path);
}
