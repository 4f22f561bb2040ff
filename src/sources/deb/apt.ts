import { createHash } from "node:crypto";
import { join } from "node:path";
import { WickError } from "../../errors/index.ts";
import {
  every,
  makeNewDirectory,
  makePrivateDirectory,
  movePath,
  readChunks,
  removePath,
  requireProgram,
  statOf,
  temporaryDirectory,
  tryHardLink,
  writeSmallFile,
} from "../../host/index.ts";
import { APT_CONFIG, aptArguments, type AptPlaces } from "./apt-config.ts";
import { aptError, isNotFound } from "./apt-errors.ts";
import { currentLists, type Lists, refreshLists } from "./apt-lists.ts";
import { notFound } from "./not-found.ts";
import { aptWord, type DebArchitecture, type PackageRequest } from "./packages.ts";
import { Resolved } from "./resolved.ts";
import { runApt } from "./run-apt.ts";
import type { Watched } from "./stall.ts";
import { type PackageUri, parseUris } from "./uris.ts";

/** A package file on this host whose bytes have the digest that the signed lists give. */
export interface DebFile {
  readonly name: string;
  readonly version: string;
  /** `amd64`, `arm64`, `all`. */
  readonly arch: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** How far a fetch is. */
export interface FetchProgress {
  readonly step: "lists" | "packages";
  readonly doneBytes: number;
  readonly totalBytes?: number;
}

/** What to fetch, and where to keep it. */
export interface FetchRequest {
  readonly packages: readonly PackageRequest[];
  readonly arch: DebArchitecture;
  /** Which of the resolved packages are wanted, by name; all by default. */
  readonly only?: ((name: string) => boolean) | undefined;
  /** wick's cache: lists go to `apt/`, package files to `debs/`. Processes may share it. */
  readonly cacheDirectory: string;
  /** Ask the archive for new lists even when there are some of today. */
  readonly refresh?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Told a sentence about sources that could not be reached. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** How often the growing files are looked at while apt downloads. */
const PROGRESS_MS = 250;

/**
 * Packages and all they depend on (no recommendations), sorted by name. The host's own apt
 * resolves, checks signatures and downloads, with the host's sources and keys, in directories
 * of ours: as any user, touching nothing of the host's. Errors: SOURCE_NOT_FOUND for unknown
 * packages and versions, SOURCE_FAILED with apt's words, DISK_FULL, TOOL_MISSING.
 */
export async function fetchPackages(request: FetchRequest): Promise<DebFile[]> {
  requireProgram("apt-get", "fetch Debian packages");
  const directory = join(request.cacheDirectory, "apt", request.arch);
  makePrivateDirectory(directory);
  makePrivateDirectory(debsOf(request));
  using work = temporaryDirectory("apt", directory);
  const run = new AptRun(request, directory, work.path);
  const resolved = await run.resolve();
  const { only } = request;
  const uris = only === undefined ? resolved : resolved.filter(({ name }) => only(name));
  await run.download(uris);
  const files = await Promise.all(uris.map((uri) => run.take(uri)));
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function debsOf({ cacheDirectory }: FetchRequest): string {
  return join(cacheDirectory, "debs");
}

/** One fetch: apt's answers, and its files in a directory that nobody shares. */
class AptRun {
  readonly #request: FetchRequest;
  readonly #directory: string;
  readonly #places: Omit<AptPlaces, "listsPath">;
  readonly #words: readonly string[];
  #lists: Lists | undefined;
  #problem: WickError | undefined;
  #isRefreshed = false;

  constructor(request: FetchRequest, directory: string, work: string) {
    this.#request = request;
    this.#directory = directory;
    this.#words = request.packages.map(aptWord);
    const [configPath, statusPath] = [join(work, "apt.conf"), join(work, "status")];
    writeSmallFile(configPath, APT_CONFIG);
    writeSmallFile(statusPath, "");
    const archivesPath = join(work, "archives");
    makeNewDirectory(archivesPath);
    makeNewDirectory(join(archivesPath, "partial"));
    this.#places = { configPath, statusPath, archivesPath, statePath: work };
  }

  /** The closure of the packages asked for, from lists that are no older than a day. */
  async resolve(): Promise<PackageUri[]> {
    this.#lists = currentLists(this.#directory);
    if (this.#request.refresh === true || this.#lists?.isFresh !== true) await this.#refresh();
    try {
      return await this.#closure();
    } catch (error) {
      if (!isNotFound(error)) throw aptError(error, this.#action());
      if (this.#isRefreshed) throw await this.#notFound(error);
    }
    // It may have come into the archive since.
    await this.#refresh();
    try {
      return await this.#closure();
    } catch (error) {
      throw isNotFound(error) ? await this.#notFound(error) : aptError(error, this.#action());
    }
  }

  async #closure(): Promise<PackageUri[]> {
    const resolved = new Resolved(this.#lists!.path, this.#words);
    const known = resolved.recall();
    if (known !== undefined) return parseUris(known);
    const output = await this.#apt(["--print-uris", "install", "--", ...this.#words]);
    resolved.remember(output);
    return parseUris(output);
  }

  /** Lets apt download what is not in the cache. */
  async download(uris: readonly PackageUri[]): Promise<void> {
    const missing: PackageUri[] = [];
    for (const uri of uris) {
      const isThere = await this.#isCached(uri);
      const linked = isThere && tryHardLink(this.#cachePath(uri.sha256!), this.#archive(uri));
      if (!linked) missing.push(uri);
    }
    if (missing.length === 0) return;
    const totalBytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const report = (): void => {
      const doneBytes = missing.reduce((sum, uri) => sum + this.#haveBytes(uri), 0);
      this.#request.onProgress?.({ step: "packages", doneBytes, totalBytes });
    };
    report();
    const stop = every(PROGRESS_MS, report);
    try {
      await this.#fetch(missing);
      report();
    } catch (error) {
      throw aptError(error, `download ${missing.length} packages for ${this.#words.join(", ")}`);
    } finally {
      stop();
    }
  }

  /** Checks a package's digest and gives it its place in the cache. */
  async take(uri: PackageUri): Promise<DebFile> {
    const { name, version, arch, sizeBytes } = uri;
    const from = this.#archive(uri);
    const sha256 = await sha256Of(from, this.#request.signal);
    if (uri.sha256 !== undefined && uri.sha256 !== sha256) {
      throw new WickError(
        "SOURCE_FAILED",
        `Cannot use ${uri.fileName}: its SHA-256 is ${sha256}, wanted ${uri.sha256}`,
      );
    }
    const path = this.#cachePath(sha256);
    movePath(from, path);
    return { name, version, arch, path, sizeBytes, sha256 };
  }

  async #refresh(): Promise<void> {
    this.#request.onProgress?.({ step: "lists", doneBytes: 0 });
    this.#isRefreshed = true;
    try {
      const { problem, ...lists } = await refreshLists({
        directory: this.#directory,
        architecture: this.#request.arch,
        places: this.#places,
        signal: this.#request.signal,
      });
      this.#lists = lists;
      this.#problem = problem;
      if (problem !== undefined) this.#request.onWarning?.(problem.message);
    } catch (error) {
      // Older lists are better than none, as for apt itself.
      if (this.#lists === undefined || !(error instanceof WickError)) throw error;
      if (error.code !== "SOURCE_FAILED") throw error;
      this.#problem = error;
      this.#request.onWarning?.(`${error.message}; the package lists of an earlier day are used`);
    }
  }

  /** These very versions, and nothing else that they might need. */
  async #fetch(uris: readonly PackageUri[]): Promise<void> {
    await this.#apt(["download", "--", ...uris.map(aptWord)]);
  }

  #apt(words: readonly string[]): Promise<string> {
    return runApt("apt-get", [...this.#arguments(), "-qq", ...words], {
      purpose: this.#action(),
      // `download` puts its files here.
      directory: this.#places.archivesPath,
      signal: this.#request.signal,
      watched: this.#watched(),
    });
  }

  #notFound(error: WickError): Promise<WickError> {
    return notFound(error, {
      packages: this.#request.packages,
      arguments: this.#arguments(),
      problem: this.#problem,
      watched: this.#watched(),
      signal: this.#request.signal,
    });
  }

  #watched(): Watched {
    const { statePath, archivesPath } = this.#places;
    return [statePath, archivesPath, join(archivesPath, "partial")];
  }

  #arguments(): string[] {
    const places = { ...this.#places, listsPath: this.#lists!.path };
    return aptArguments(places, this.#request.arch);
  }

  #action(): string {
    return `find the packages of ${this.#words.join(", ")}`;
  }

  #archive({ fileName }: PackageUri): string {
    return join(this.#places.archivesPath, fileName);
  }

  #cachePath(sha256: string): string {
    return join(debsOf(this.#request), `${sha256}.deb`);
  }

  /** Whether the cache has the package whole: a damaged one is thrown out and fetched again. */
  async #isCached({ sha256 }: PackageUri): Promise<boolean> {
    if (sha256 === undefined) return false;
    const path = this.#cachePath(sha256);
    if (statOf(path) === undefined) return false;
    if ((await sha256Of(path, this.#request.signal)) === sha256) return true;
    removePath(path);
    return false;
  }

  #haveBytes(uri: PackageUri): number {
    const { archivesPath } = this.#places;
    const places = [this.#archive(uri), join(archivesPath, "partial", uri.fileName)];
    return Math.max(...places.map((path) => statOf(path)?.size ?? 0));
  }
}

async function sha256Of(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readChunks(path, signal)) hash.update(chunk);
  return hash.digest("hex");
}
