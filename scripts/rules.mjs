/**
 * Checks the direction of imports between rooms, and that the checker itself works: a canary
 * import that breaks a rule is planted and must be caught (dependency-cruiser once reported
 * success over 0 modules).
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cruise } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";
import ruleSet, { rooms } from "../.dependency-cruiser.mjs";

/** Each breaks one kind of rule; the directory is removed afterwards. */
const canaries = [
  {
    file: "src/bytes/canary/up.ts",
    text: 'import "../../cli/main.ts";\n',
    rule: "bytes-imports-upward-only",
  },
  {
    file: "src/operations/images/canary.ts",
    text: 'import "../build.ts";\n',
    rule: "operations-images-imports-upward-only",
  },
  { file: "src/tree/canary/node.ts", text: 'import "node:path";\n', rule: "pure-rooms" },
  {
    file: "src/sources/canary/door.ts",
    text: 'import "../../host/files.ts";\n',
    rule: "through-the-front-door",
  },
  {
    file: "src/formats/canary/sibling.ts",
    text: 'import "../tar/index.ts";\n',
    rule: "formats-siblings-apart",
  },
  {
    file: "src/cli/canary.ts",
    text: 'import "../errors/index.ts";\n',
    rule: "cli-knows-index-alone",
  },
  {
    file: "src/store/canary.ts",
    text: 'import "node:fs";\n',
    rule: "only-host-touches-the-machine",
  },
];

async function violations() {
  const options = { ...ruleSet.options, ruleSet: { forbidden: ruleSet.forbidden }, validate: true };
  const { output } = await cruise(
    ["src"],
    options,
    {},
    { tsConfig: extractTSConfig("tsconfig.json") },
  );
  return output.summary;
}

function plant() {
  for (const { file, text } of canaries) {
    mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    writeFileSync(file, text);
  }
}

function uproot() {
  for (const { file } of canaries) rmSync(file, { force: true });
  for (const directory of [
    "src/bytes/canary",
    "src/tree/canary",
    "src/sources/canary",
    "src/formats/canary",
  ]) {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function missedCanaries() {
  plant();
  try {
    const caught = new Set((await violations()).violations.map((v) => `${v.from} ${v.rule.name}`));
    return canaries.filter(({ file, rule }) => !caught.has(`${file} ${rule}`));
  } finally {
    uproot();
  }
}

const missed = await missedCanaries();
for (const { file, rule } of missed)
  console.error(`canary not caught: ${file} should break ${rule}`);
const summary = await violations();
for (const { from, to, rule } of summary.violations)
  console.error(`${rule.name}: ${from} -> ${to}`);
console.log(
  `${summary.totalCruised} modules, ${rooms.length} rooms, ${summary.violations.length} violations, ` +
    `${canaries.length - missed.length} of ${canaries.length} canaries caught`,
);
process.exitCode =
  missed.length + summary.violations.length > 0 || summary.totalCruised === 0 ? 1 : 0;
