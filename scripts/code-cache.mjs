/**
 * Runs dist/bin/command.cjs on the words given, and keeps the code that V8 made of it and of what
 * it required: `node --max-semi-space-size=2 scripts/code-cache.mjs WORDS…`. For bundle.mjs.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cacheOf, runScript } from "../dist/cli/run-script.js";

const modules = runScript(fileURLToPath(new URL("../dist/bin/command.cjs", import.meta.url)));
process.on("exit", (code) => {
  if (code !== 0) return;
  for (const { file, script } of modules.values()) {
    writeFileSync(cacheOf(file), script.createCachedData());
  }
});
