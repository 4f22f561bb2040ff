/** A directory that is searched: in the root, and what that is called where the program runs. */
export interface SearchDirectory {
  readonly path: string;
  /** Differs where `$ORIGIN` does: the program lies elsewhere in the machine. */
  readonly guestPath: string;
}

/** What the words of a search path stand for. */
export interface PathWords {
  /** The directory of the file that has the search path: in the root, and in the machine. */
  readonly origin: SearchDirectory;
  readonly architecture: string;
  /** musl knows `$ORIGIN` alone, and takes a path with anything else for empty. */
  readonly isMusl: boolean;
}

/** What `$LIB` is, by distribution: the first directory that has the library counts. */
const LIB_NAMES = (architecture: string): readonly string[] => [
  `lib/${architecture}-linux-gnu`,
  "lib64",
  "lib",
];

/** The directories of a DT_RPATH or DT_RUNPATH, its words replaced; relative ones are left out. */
export function searchDirectories(text: string, words: PathWords): SearchDirectory[] {
  if (words.isMusl && /\$(?!ORIGIN|\{ORIGIN\})/.test(text)) return [];
  return text
    .split(words.isMusl ? /[:\n]/ : ":")
    .flatMap((part) => (words.isMusl ? [part] : withLib(part, words.architecture)))
    .map((part) => ({
      path: withOrigin(part, words.origin.path),
      guestPath: withOrigin(part, words.origin.guestPath),
    }))
    .filter(({ path }) => path.startsWith("/"));
}

function withLib(part: string, architecture: string): string[] {
  const plain = part.replace(/\$(PLATFORM\b|\{PLATFORM\})/g, architecture);
  if (!/\$(LIB\b|\{LIB\})/.test(plain)) return [plain];
  return LIB_NAMES(architecture).map((lib) => plain.replace(/\$(LIB\b|\{LIB\})/g, lib));
}

function withOrigin(part: string, origin: string): string {
  return part.replace(/\$(ORIGIN\b|\{ORIGIN\})/g, () => (origin === "/" ? "" : origin));
}

/** A file of that name in the directory. */
export function fileIn({ path, guestPath }: SearchDirectory, name: string): SearchDirectory {
  return { path: `${path}/${name}`, guestPath: `${guestPath}/${name}` };
}

/** A directory that is the same in the root and in the machine. */
export function sameDirectory(path: string): SearchDirectory {
  return { path, guestPath: path };
}
