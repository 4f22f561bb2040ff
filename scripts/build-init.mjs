// Builds what runs inside of machines, for each architecture there is a compiler for: init, the
// first process (dist/guest/init.ARCH), and the boot stubs that packed kernels begin with
// (dist/guest/stub-FORM.ARCH); and the program that tries the host's KVM with a guest of its own
// (dist/guest/kvm-probe.ARCH). Plain Node.
//   node scripts/build-init.mjs [--strict] [ARCH…]
// CC (own architecture) and CC_x86_64, CC_aarch64 name other compilers.
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outputDirectory = join(root, "dist", "guest");

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

const common = [
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
  "-Wl,--build-id=none", // the same sources and compiler give the same bytes
  "-Wl,-z,noexecstack",
  "-Wl,-z,norelro",
  "-s",
];

const initFlags = ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"];

/** A stub is one stretch of bytes, linked at 0, without relocations. */
const stubFlags = ["-Wl,-Ttext=0", "-Wl,-N", "-fno-jump-tables"];

/** aarch64: the MMU is off, so no access may be unaligned; nobody has switched SIMD on. */
const imageFlags = ["-mstrict-align", "-mgeneral-regs-only", "-mcmodel=tiny"];

/** x86_64: no code for registers that nobody has set up, none that asks for its own address. */
const bootFlags = ["-mgeneral-regs-only", "-mno-red-zone", "-fcf-protection=none"];

/** A stub of an x86_64 kernel; the first source begins with its table. */
const bootStub = (name, only, flags = []) => ({
  name: `stub-${name}`,
  directory: "guest/stubs",
  only,
  arch: "x86_64",
  flags: [...stubFlags, ...bootFlags, ...flags],
  sizeLimit: 2048,
  flat: true,
});

/** What is built of which sources below src, and how many bytes it may have. */
const programs = [
  // In every image, and in memory while the machine runs.
  { name: "init", directory: "guest/init", flags: initFlags, sizeLimit: 65536 },
  {
    name: "stub-image",
    directory: "guest/stubs",
    only: ["aarch64.S", "device-tree.c"],
    arch: "aarch64",
    flags: [...stubFlags, ...imageFlags],
    sizeLimit: 4096,
    flat: true,
  },
  bootStub("pvh", ["x86_64-pvh.S", "x86_64-pvh.c", "command-line.c"], ["-m32"]),
  bootStub("linux64", ["x86_64-linux64.S", "x86_64-linux64.c", "command-line.c"]),
  bootStub("bzimage32", ["x86_64-bzimage32.S", "x86_64-bzimage.c", "command-line.c"], ["-m32"]),
  bootStub("bzimage64", ["x86_64-bzimage64.S", "x86_64-bzimage.c", "command-line.c"]),
  {
    name: "kvm-probe",
    directory: "vmm/kvm/probe",
    also: ["../../../guest/init/start.S"], // system calls without a C library
    flags: initFlags,
    sizeLimit: 16384,
  },
];

/** The directory's files, and those that are compiled; `also` those of others. */
function sources({ directory, only, also = [] }) {
  const path = join(root, "src", directory);
  const names = readdirSync(path).sort();
  const isSource = (name) => name.endsWith(".c") || name.endsWith(".S");
  const compiled = only ?? names.filter((name) => isSource(name));
  return { path, all: [...names, ...also], compiled: [...compiled, ...also] };
}

function version() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

/** Whether `output` is newer than every source, this script and the version. */
function isFresh(program, output) {
  const { path, all } = sources(program);
  const inputs = all.map((name) => join(path, name));
  inputs.push(fileURLToPath(import.meta.url), join(root, "package.json"));
  try {
    const built = statSync(output).mtimeMs;
    return inputs.every((input) => statSync(input).mtimeMs < built);
  } catch {
    return false;
  }
}

/** Where an ELF file's and a program header's fields lie, by EI_CLASS; all little-endian. */
const layouts = {
  1: { word: 4, e_phoff: 28, e_phentsize: 42, p_offset: 4, p_vaddr: 8, p_filesz: 16, p_memsz: 20 },
  2: { word: 8, e_phoff: 32, e_phentsize: 54, p_offset: 8, p_vaddr: 16, p_filesz: 32, p_memsz: 40 },
};

/** The bytes of an ELF file that are loaded: one segment, at address 0. */
function flatten(path) {
  const bytes = readFileSync(path);
  const layout = layouts[bytes[4]];
  const number = (at) =>
    layout.word === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at);
  const table = number(layout.e_phoff);
  const loaded = [];
  for (let i = 0; i < bytes.readUInt16LE(layout.e_phentsize + 2); i++) {
    const at = table + i * bytes.readUInt16LE(layout.e_phentsize);
    if (bytes.readUInt32LE(at) === 1) loaded.push(at); // PT_LOAD
  }
  const [at] = loaded;
  const [offset, address, size, memory] = ["p_offset", "p_vaddr", "p_filesz", "p_memsz"].map(
    (field) => number(at + layout[field]),
  );
  if (loaded.length !== 1 || address !== 0 || size !== memory) {
    throw new Error(`Cannot use the stub ${path}: wanted one segment at 0, all of it in the file`);
  }
  writeFileSync(path, bytes.subarray(offset, offset + size));
}

/** Whether `compiler` runs and makes code for `arch`. */
function makes(compiler, arch) {
  const { status, stdout } = spawnSync(compiler, ["-dumpmachine"], { encoding: "utf8" });
  return status === 0 && stdout.startsWith(arch);
}

function compile(program, { compiler, arch, output }) {
  const { name, flags, flat, sizeLimit } = program;
  const { path, compiled } = sources(program);
  const part = `${output}.${process.pid}.part`;
  mkdirSync(outputDirectory, { recursive: true });
  const words = [...common, ...flags, `-DWICK_BUILD="wick-init ${version()}"`, "-o", part];
  const { status, stderr } = spawnSync(compiler, [...words, ...compiled], {
    cwd: path, // relative names, so that no path of this machine gets in
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  try {
    if (status !== 0) {
      throw new Error(`Cannot build ${name} for ${arch} with ${compiler}:\n${stderr}`);
    }
    if (flat === true) flatten(part);
    const { size } = statSync(part);
    if (size > sizeLimit) {
      throw new Error(`Cannot use ${name} for ${arch}: ${size} bytes, wanted at most ${sizeLimit}`);
    }
    renameSync(part, output);
    return size;
  } finally {
    rmSync(part, { force: true });
  }
}

/** Builds one architecture; says what it did; false when there is no compiler for it. */
function build(arch) {
  const wanted = programs
    .filter((program) => (program.arch ?? arch) === arch)
    .map((program) => ({ program, output: join(outputDirectory, `${program.name}.${arch}`) }))
    .filter(({ program, output }) => !isFresh(program, output));
  if (wanted.length === 0) return true;
  const compiler = compilers(arch).find((name) => makes(name, arch));
  if (compiler === undefined) return false;
  for (const { program, output } of wanted) {
    const size = compile(program, { compiler, arch, output });
    console.log(`${program.name} for ${arch}: ${size} bytes, by ${compiler}`);
  }
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
