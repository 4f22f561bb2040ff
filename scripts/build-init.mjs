// Builds init, the guest's first process, for each architecture there is a compiler for:
// dist/guest/init.x86_64 and dist/guest/init.aarch64. Plain Node.
//   node scripts/build-init.mjs [--strict] [ARCH…]
// CC (own architecture) and CC_x86_64, CC_aarch64 name other compilers.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sourceDirectory = join(root, "src", "guest", "init");
const outputDirectory = join(root, "dist", "guest");

/** Bytes that init may have; it is in every image and in memory while the machine runs. */
const sizeLimit = 65536;

const hostArch = { x64: "x86_64", arm64: "aarch64" }[process.arch];

/** Compilers to try for each architecture, the first one found is taken. */
function compilers(arch) {
  const own = arch === hostArch ? [process.env.CC, "cc", "gcc", "clang"] : [];
  const named = [
    process.env[`CC_${arch}`],
    ...own,
    `${arch}-linux-gnu-gcc`,
    `${arch}-linux-gnu-cc`,
  ];
  return named.filter((name) => name !== undefined && name !== "");
}

const strict = process.argv.includes("--strict");

const flags = [
  ...(strict ? ["-Werror"] : []),
  "-std=c11",
  "-Os",
  "-Wall",
  "-Wextra", // with --strict an error: a compiler newer than ours may know new warnings
  "-ffreestanding", // no C library, nothing of the compiler's own start files
  "-nostdlib",
  "-static",
  "-fno-builtin",
  "-fno-stack-protector", // its canary would need thread-local storage
  "-fno-pic",
  "-fno-strict-aliasing",
  "-fno-asynchronous-unwind-tables",
  "-fno-unwind-tables",
  "-ffunction-sections",
  "-fdata-sections",
  "-Wl,--gc-sections",
  "-Wl,--build-id=none", // the same sources and compiler give the same bytes
  "-Wl,-z,noexecstack",
  "-Wl,-z,norelro",
  "-s",
];

function sources() {
  const names = readdirSync(sourceDirectory).sort();
  return {
    all: names,
    compiled: names.filter((name) => name.endsWith(".c") || name.endsWith(".S")),
  };
}

function version() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

/** Whether `output` is newer than every source, this script and the version. */
function isFresh(output) {
  const inputs = sources().all.map((name) => join(sourceDirectory, name));
  inputs.push(fileURLToPath(import.meta.url), join(root, "package.json"));
  try {
    const built = statSync(output).mtimeMs;
    return inputs.every((path) => statSync(path).mtimeMs < built);
  } catch {
    return false;
  }
}

/** Whether `compiler` runs and makes code for `arch`. */
function makes(compiler, arch) {
  const { status, stdout } = spawnSync(compiler, ["-dumpmachine"], { encoding: "utf8" });
  return status === 0 && stdout.startsWith(arch);
}

function compile(compiler, arch, output) {
  const part = `${output}.${process.pid}.part`;
  mkdirSync(outputDirectory, { recursive: true });
  const words = [...flags, `-DWICK_BUILD="wick-init ${version()}"`, "-o", part];
  const { status, stderr } = spawnSync(compiler, [...words, ...sources().compiled], {
    cwd: sourceDirectory, // relative names, so that no path of this machine gets in
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  try {
    if (status !== 0) throw new Error(`Cannot build init for ${arch} with ${compiler}:\n${stderr}`);
    const { size } = statSync(part);
    if (size > sizeLimit) {
      throw new Error(`Cannot use init for ${arch}: ${size} bytes, wanted at most ${sizeLimit}`);
    }
    renameSync(part, output);
    return size;
  } finally {
    rmSync(part, { force: true });
  }
}

/** Builds one architecture; says what it did; false when there is no compiler for it. */
function build(arch) {
  const output = join(outputDirectory, `init.${arch}`);
  if (isFresh(output)) return true;
  const compiler = compilers(arch).find((name) => makes(name, arch));
  if (compiler === undefined) return false;
  const size = compile(compiler, arch, output);
  console.log(`init for ${arch}: ${size} bytes, by ${compiler}`);
  return true;
}

try {
  const named = process.argv.slice(2).filter((word) => !word.startsWith("-"));
  const wanted = named.length > 0 ? named : ["x86_64", "aarch64"];
  const built = wanted.filter((arch) => build(arch));
  // A machine's own architecture must work; the others are built where there is a compiler.
  const needed = named.length > 0 ? named : [hostArch ?? "x86_64"];
  const missing = needed.filter((arch) => !built.includes(arch));
  if (missing.length > 0) {
    throw new Error(
      `Cannot build init for ${missing.join(" and ")}: no C compiler found, wanted ` +
        "cc, gcc or clang.\nHint: apt-get install gcc, or name one with CC=…",
    );
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
