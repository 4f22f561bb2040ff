/**
 * `npm test`: everything the tests need, then all of them. Arguments go to the runner:
 * `npm test -- src/tree`. Ends with the line `N passed, N failed, N skipped`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  build,
  checkNode,
  forTheJob,
  forTheTests,
  installNodePackages,
  installPackages,
} from "./setup.mjs";

checkNode();
await installPackages([...forTheJob, ...forTheTests]);
installNodePackages();
build();

// Images of former runs were written by former code: no test finds them, and they add up.
for (const name of ["images", "tmp", "damaged"]) {
  rmSync(new URL(`../build/test-cache/${name}`, import.meta.url), { recursive: true, force: true });
}

const directory = mkdtempSync(join(tmpdir(), "wick-report-"));
const report = join(directory, "report.json");
const runner = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const result = spawnSync(
  process.execPath,
  [runner, "run", ...reporters, ...process.argv.slice(2)],
  {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "inherit", "inherit"],
  },
);
try {
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  const failed =
    numFailedTests === 0 && result.status !== 0 ? Math.max(1, numFailedTestSuites) : numFailedTests;
  console.log(`\n${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = result.status ?? 1;
