/**
 * The command as a few files: dist/bin/, made from the compiled dist/. Some 300 small modules
 * take Node longer to load than a small image takes to write (docs/performance.md); long names and
 * comments cost time as well. The library, and dist/cli/main.js, stay as they are compiled.
 */
import { chmodSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What Node starts: the command, and the threads beside it, which are found by their names. */
const input = {
  wick: `${root}dist/cli/main.js`,
  "inflate-worker": `${root}dist/compression/inflate-worker.js`,
};

async function bundle() {
  rmSync(`${root}dist/bin`, { recursive: true, force: true });
  const bundled = await rolldown({ input, platform: "node", external: [/^node:/] });
  await bundled.write({
    dir: `${root}dist/bin`,
    format: "esm",
    entryFileNames: "[name].js",
    minify: true,
  });
  await bundled.close();
  chmodSync(`${root}dist/bin/wick.js`, 0o755);
}

await bundle();
