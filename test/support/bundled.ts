import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Tests run the command as users get it: bundled anew where dist/ was compiled since. */
export default function setup(): void {
  const bundle = statSync(join(root, "dist/bin/wick.cjs"), { throwIfNoEntry: false });
  if (bundle !== undefined && bundle.mtimeMs > newestOfDist()) return;
  execFileSync(process.execPath, [join(root, "scripts/bundle.mjs")]);
}

function newestOfDist(): number {
  const names = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" });
  const compiled = names.filter((name) => name.endsWith(".js") && !name.startsWith("bin/"));
  return Math.max(...compiled.map((name) => statSync(join(root, "dist", name)).mtimeMs));
}
