/** For tests: what a Dockerfile that compiles nginx needs, from Debian's archive; kept between runs. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { testCache } from "./cli.ts";
import { aptSources, suite } from "./essential-tree.ts";

/** A small root file system with a compiler and the essential packages, as a tar archive. */
export function compilerTree(): string {
  const archive = join(testCache, "mmdebstrap-small-compiler.tar");
  if (existsSync(archive)) return archive;
  mkdirSync(testCache, { recursive: true });
  const partial = `${archive}.${process.pid}.tar`;
  const options = ["--quiet", "--mode=root", "--variant=essential", "--include=gcc,libc6-dev,make"];
  for (const path of ["share/doc", "share/man", "share/locale", "share/i18n"]) {
    options.push(`--dpkgopt=path-exclude=/usr/${path}/*`);
  }
  const unneeded = ["lto*", "lib[a-z]san*", "g++-mapper-server"].map(
    (name) => `/usr/lib/gcc/*/*/${name}`,
  );
  options.push(`--customize-hook=rm -f ${unneeded.map((path) => `"$1"${path}`).join(" ")}`);
  execFileSync("mmdebstrap", [...options, suite(), partial, ...aptSources()], { stdio: "pipe" });
  renameSync(partial, archive);
  return archive;
}

/** The tarball of nginx's own sources, as Debian's source package has it, and its version. */
export function nginxSource(): { readonly path: string; readonly version: string } {
  const directory = join(testCache, "nginx-source");
  if (!existsSync(directory)) download(directory);
  const name = readdirSync(directory).find((file) => file.endsWith(".orig.tar.gz"))!;
  return { path: join(directory, name), version: /_([\d.]+)\.orig/.exec(name)![1]! };
}

/** A mirror may list a version that it has not, or no longer: then the next one does as well. */
function fetchOneOf(
  [version, ...others]: readonly string[],
  to: { readonly options: readonly string[]; readonly directory: string },
): void {
  const words = ["-q", ...to.options, "source", "--download-only", `nginx=${version}`];
  try {
    execFileSync("apt-get", words, { cwd: to.directory, stdio: "pipe" });
  } catch (error) {
    if (others.length === 0) throw error;
    fetchOneOf(others, to);
  }
}

/** The host's archives, asked for sources; nothing of the host's apt is changed. */
function download(directory: string): void {
  const work = `${directory}.${process.pid}`;
  for (const name of ["etc", "lists/partial", "cache/archives/partial", "out"]) {
    mkdirSync(join(work, name), { recursive: true });
  }
  for (const [i, path] of aptSources().entries()) {
    const text = readFileSync(path, "utf8");
    const ending = path.endsWith(".sources") ? "sources" : "list";
    const sources = text.replace(/^Types:.*$/gm, "Types: deb-src").replace(/^deb\s/gm, "deb-src ");
    writeFileSync(join(work, "etc", `${i}.${ending}`), sources);
  }
  const options = [
    "Dir::Etc::sourcelist=/dev/null",
    `Dir::Etc::sourceparts=${work}/etc`,
    `Dir::State::lists=${work}/lists`,
    `Dir::Cache=${work}/cache`,
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  execFileSync("apt-get", ["-q", ...options, "update"], { stdio: "pipe" });
  const shown = execFileSync("apt-cache", [...options, "showsrc", "nginx"], { encoding: "utf8" });
  const versions = [...shown.matchAll(/^Version: (.+)$/gm)].map(([, version]) => version!);
  fetchOneOf(versions, { options, directory: join(work, "out") });
  renameSync(join(work, "out"), directory);
  rmSync(work, { recursive: true });
}
