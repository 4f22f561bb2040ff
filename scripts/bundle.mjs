/**
 * The command as a few files: dist/bin/, made from the compiled dist/. Some 300 small modules
 * take Node longer to load than a small image takes to write (docs/performance.md); long names and
 * comments cost time as well, and so does compiling: what V8 made of the code is kept beside it.
 * The library, and dist/cli/main.js, stay as they are compiled.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const dir = `${root}dist/bin`;

const esm = { format: "esm", extension: "js" };
/** What Node starts without its loader of ES modules, and what {@link keepCode} is for. */
const cjs = { format: "cjs", extension: "cjs" };

/** The command's first lines, the command itself, and the thread beside it, found by its name. */
const bundles = [
  { input: { wick: `${root}dist/cli/start.js` }, ...cjs },
  { input: { command: `${root}dist/cli/main.js` }, ...cjs },
  { input: { "inflate-worker": `${root}dist/compression/inflate-worker.js` }, ...esm },
];

async function bundle({ input, format, extension }) {
  const bundled = await rolldown({ input, platform: "node", external: [/^node:/] });
  const entryFileNames = `[name].${extension}`;
  const chunkFileNames = `[name]-[hash].${extension}`;
  await bundled.write({ dir, format, entryFileNames, chunkFileNames, minify: true });
  await bundled.close();
}

/** Of a small build, which is on the way of most commands. The cache only saves time. */
function keepCode() {
  const work = mkdtempSync(join(tmpdir(), "wick-bundle-"));
  try {
    mkdirSync(join(work, "tree"));
    writeFileSync(join(work, "tree/file"), "of a small tree\n");
    execFileSync("tar", ["-czf", join(work, "tree.tar.gz"), "-C", join(work, "tree"), "."]);
    const options = ["--quiet", "--init", "none", "-o", join(work, "image.ext4")];
    const words = ["build", ...options, `tar:${join(work, "tree.tar.gz")}`];
    const script = `${root}scripts/code-cache.mjs`;
    const env = { ...process.env, WICK_CACHE: join(work, "cache") };
    execFileSync(process.execPath, ["--max-semi-space-size=2", script, ...words], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  } catch (error) {
    console.error(`The command will start more slowly: no code was kept (${error.message})`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

rmSync(dir, { recursive: true, force: true });
for (const one of bundles) await bundle(one);
chmodSync(`${dir}/wick.cjs`, 0o755);
keepCode();
