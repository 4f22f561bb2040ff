import type { BuildRequest } from "./request.ts";

/** What a builder left: an archive of the image, of which kind. */
export interface BuiltArchive {
  readonly kind: "docker-archive" | "oci-archive";
  readonly path: string;
}

/** Asks a program something, and gives what it says on stdout; rejects when it fails. */
export type Ask = (program: string, args: readonly string[]) => Promise<string>;

/** A program that builds Dockerfiles. */
export interface Builder {
  readonly name: string;
  /** Debian's package of it; undefined: it has none. */
  readonly packageName: string | undefined;
  /** Resolves when it is there and answers; rejects with the reason. */
  probe(ask: Ask): Promise<void>;
  /** Builds, and writes the image to an archive in `directory`, which is private and empty. */
  build(request: BuildRequest, directory: string): Promise<BuiltArchive>;
}
