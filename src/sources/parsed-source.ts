/** What a bare path may be, beside a tar archive. */
export type PathKind = "bundle" | "dir" | "dockerfile" | "image" | "oci";

/** Kinds of source; `image` and `bundle` are finished, for the operations. */
export type SourceKind =
  | "bin"
  | "deb"
  | "list"
  | "tar"
  | "oci-archive"
  | "docker-archive"
  | "docker-daemon"
  | "podman"
  | "registry"
  | PathKind;

/** A source as written, understood. */
export interface ParsedSource {
  readonly kind: SourceKind;
  /**
   * Packages for `deb`; a name for `registry` (complete) and engines; for archives `-` or an
   * absolute path; else an absolute path.
   */
  readonly rest: string;
  /** Which of the images that a layout or an archive holds. */
  readonly tag?: string;
  /** A path whose file is an archive of an unknown kind: a file system, or an image of layers. */
  readonly isGuess?: true;
  /**
   * What a registry's name may have been meant as: `deb:nginx` for `dbe:nginx`, `./rootfs` for
   * `rootfs` where there is one.
   */
  readonly meant?: string;
  /** As the user wrote it. */
  readonly reference: string;
}

/** What parsing needs of its surroundings. */
export interface ParseOptions {
  readonly cwd: string;
  /** The folder is to be built by a Dockerfile that is named elsewhere (`-f`). */
  readonly hasDockerfile?: boolean;
}
