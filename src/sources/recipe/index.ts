/** sources/recipe/: what an application needs beside its packages, as a readable file. */
export { builtInRecipe, debianBase, readRecipe } from "./load.ts";
export { mergeRecipes, parseRecipe, type Recipe } from "./recipe.ts";
export { recipeLayer } from "./layer.ts";
