import { splitVariable, type ResolvedProcess } from "../../application/index.ts";
import { sanitise } from "../../bytes/index.ts";
import type { ProgramProblem } from "../../shaping/index.ts";
import type { ImageFiles } from "./check-files.ts";
import type { ExaminedProgram } from "./check-program.ts";
import type { Finding } from "./finding.ts";

/** What rules look at. */
export interface Subject {
  readonly files: ImageFiles;
  readonly process: ResolvedProcess;
  readonly program: ExaminedProgram;
  /** Whether wick's init prepares the machine; else the kernel starts what is there. */
  readonly hasInit: boolean;
}

interface Rule extends Finding {
  readonly applies: (subject: Subject) => boolean;
}

const imports =
  (...names: readonly string[]) =>
  ({ program }: Subject): boolean =>
    names.some((name) => program.imports.has(name));

const asksForAccounts = imports(
  ..."getpwnam getpwnam_r getpwuid getpwuid_r getgrnam getgrnam_r getgrgid initgroups".split(" "),
);
const asksForNames = imports(
  ..."getaddrinfo getnameinfo gethostbyname gethostbyname_r res_query __res_query".split(" "),
);
const makesTemporaryFiles = imports(
  ..."mkstemp mkstemp64 mkostemp mkdtemp tmpfile tmpfile64 tmpnam".split(" "),
);
const TLS = /^lib(ssl|gnutls|mbedtls|wolfssl|nss3)\b/;
const usesTls = ({ program }: Subject): boolean =>
  program.libraries.some((name) => TLS.test(name)) || program.mentions.has("/etc/ssl/cert");

/** Where TLS libraries look by default: Debian, Fedora, OpenSSL's own and BSD's. */
const CERTIFICATES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
  "/usr/lib/ssl/cert.pem",
];

const lacks =
  (...paths: readonly string[]) =>
  ({ files }: Subject): boolean =>
    !paths.some((path) => files.has(path));

/** What an application may miss once it runs; each row is looked at by itself. */
const rules: readonly Rule[] = [
  {
    severity: "warning",
    what: "accounts",
    message: "the program looks up users or groups, and there is no /etc/passwd",
    hint: "--add a file with the accounts that it asks for: FILE:/etc/passwd",
    applies: (subject) =>
      (asksForAccounts(subject) || subject.program.mentions.has("/etc/passwd")) &&
      lacks("/etc/passwd")(subject),
  },
  {
    severity: "warning",
    what: "resolver",
    message: "the program looks up host names, and there is no /etc/resolv.conf",
    hint: "--add FILE:/etc/resolv.conf, or --init wick, which writes it",
    applies: (subject) =>
      !subject.hasInit &&
      (asksForNames(subject) || subject.program.mentions.has("/etc/resolv.conf")) &&
      lacks("/etc/resolv.conf")(subject),
  },
  {
    severity: "warning",
    what: "certificates",
    message: "the program has a TLS library, and there are no CA certificates to check peers by",
    hint: "--add /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt, if it is a client",
    applies: (subject) => usesTls(subject) && lacks(...CERTIFICATES)(subject),
  },
  {
    severity: "warning",
    what: "time zone",
    message: "TZ names a time zone that is not in /usr/share/zoneinfo: times will be UTC",
    hint: "--with deb:tzdata, or take TZ away with -e TZ",
    applies: ({ files, process }) => {
      const zone = process.env.map(splitVariable).find(({ name }) => name === "TZ")?.value ?? "";
      return (
        /^:?[A-Z]\w*\/\w/.test(zone) && !files.has(`/usr/share/zoneinfo/${zone.replace(":", "")}`)
      );
    },
  },
  {
    severity: "warning",
    what: "/dev/console",
    message: "there is no /dev/console: what the program prints is lost",
    hint: "--init app and --init wick bring it",
    applies: (subject) => !subject.hasInit && lacks("/dev/console")(subject),
  },
  {
    severity: "warning",
    what: "/tmp",
    message: "the program makes temporary files, and there is no /tmp",
    hint: "--with dir:FOLDER that holds an empty tmp, or --init wick, which makes it",
    applies: (subject) =>
      !subject.hasInit && makesTemporaryFiles(subject) && lacks("/tmp")(subject),
  },
  {
    severity: "note",
    what: "/proc",
    message: "the program's bytes name /proc, which nobody mounts where it is process 1",
    hint: "let it mount it, see that it does without, or use --init wick",
    applies: ({ hasInit, program }) => !hasInit && program.mentions.has("/proc/"),
  },
  {
    severity: "note",
    what: "clock",
    message: "the clock is what the kernel reads: without a driver for one it begins in 1970",
    hint: "try it in such a machine: some programs (nginx) do not survive second 0",
    applies: ({ hasInit }) => !hasInit,
  },
  {
    severity: "note",
    what: "dlopen",
    message:
      "the program or a library of it opens more libraries while it runs, which cannot be seen",
    hint: "add what it needs (plugins, gconv) with --add or --with",
    applies: imports("dlopen"),
  },
  {
    severity: "note",
    what: "nss",
    message:
      "the static program has glibc's name service, which opens libnss_*.so of the same glibc",
    hint: "try what looks up users and hosts, or link with musl",
    applies: ({ program }) => program.isStatic && program.mentions.has("libnss_"),
  },
];

/** What the rules find. */
export function findings(subject: Subject): Finding[] {
  return rules
    .filter(({ applies }) => applies(subject))
    .map(({ severity, what, message, hint }) => ({ severity, what, message, hint }));
}

/** What keeps the program from starting. */
export function problemFinding({ kind, message, hint }: ProgramProblem): Finding {
  const what = kind === "missing" || kind === "not-executable" ? "program" : kind;
  return { severity: "error", what, message, hint };
}

/** What keeps a machine from starting anything, found when its process was resolved. */
export function processFinding(what: "application" | "user", message: string): Finding {
  const hint =
    what === "user"
      ? "-u with a number, or --add FILE:/etc/passwd that has the name"
      : "--entrypoint names the program";
  return { severity: "error", what, message: sanitise(message), hint };
}
