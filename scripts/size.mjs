/** Prints what users pay: CPU time of `wick --help`, installed size, init's size. */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const script =
  "process.argv = ['node', 'wick', '--help']; process.on('exit', () => { const u = process.resourceUsage();" +
  " process.stderr.write(String((u.userCPUTime + u.systemCPUTime) / 1000)); }); await import('./dist/bin/wick.cjs');";
const help = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
  cwd: root,
  encoding: "utf8",
});
console.log(`wick --help: ${Math.round(Number(help.stderr))} ms CPU (Node alone included)`);
const du = spawnSync("du", ["-sk", "dist"], { cwd: root, encoding: "utf8" });
console.log(`dist/: ${du.stdout.split("\t")[0]} KiB`);
for (const arch of ["x86_64", "aarch64"]) {
  const file = `${root}dist/guest/init.${arch}`;
  if (existsSync(file)) console.log(`init.${arch}: ${statSync(file).size} bytes`);
}
