import { Option, type Command } from "commander";
import { imageFormats, pullPolicies } from "../index.ts";
import { progressModes, type ProgressMode } from "./progress/choose.ts";

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** A JSON array of texts, or one word: `'["nginx","-g"]'`, `nginx`. */
export function words(value: string): string[] {
  if (!value.startsWith("[")) return value === "" ? [] : [value];
  const parsed: unknown = JSON.parse(value);
  if (Array.isArray(parsed) && parsed.every((word) => typeof word === "string")) return parsed;
  throw new SyntaxError("not an array of texts");
}

/** Options of every command. */
export interface OutputOptions {
  readonly progress: ProgressMode;
  readonly quiet?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--progress <mode>", "how progress is shown on stderr")
        .choices(progressModes)
        .default("auto"),
    )
    .option("-q, --quiet", "no progress; only the result")
    .option("--json", "the result as one JSON object on stdout");
}

function wordsOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, before: string[] | undefined) => {
    try {
      return [...(before ?? []), ...words(value)];
    } catch {
      return [...(before ?? []), value];
    }
  });
}

/** What says which program runs and how: Docker's words. */
export function addConfigOptions(command: Command): Command {
  return command
    .addOption(
      wordsOption(
        "--entrypoint <program>",
        "the program, one word or a JSON array; drops the image's Cmd",
      ),
    )
    .addOption(
      wordsOption("--cmd <argument>", "an argument of the entrypoint; repeat it, or a JSON array"),
    )
    .option(
      "-e, --env <name[=value]>",
      "set an environment variable; NAME alone takes the caller's value",
      collect,
    )
    .option("--env-file <file>", "a file of such lines", collect)
    .option("-w, --workdir <path>", "the application's working directory")
    .option("-u, --user <user[:group]>", "the application's user, by name or number")
    .option("--stop-signal <signal>", "signal that asks the application to end (SIGTERM)");
}

/** What a root file system is made from; `formats` are those of the command. */
export function addContentOptions(
  command: Command,
  formats: readonly string[] = imageFormats,
): Command {
  command
    .option("--with <source>", "merge another source on top", collect)
    .option(
      "--add <file:path>",
      "put a file or directory of the host at PATH in the image",
      collect,
    )
    .option("--recipe <file>", "a recipe of your own for packages, instead of wick's")
    .option("--expose <port>", "a port that the application listens on, as 80 or 53/udp", collect)
    .option(
      "-l, --label <text>",
      "KEY=VALUE: a label of the image; without =: the volume label",
      collect,
    )
    .option("--list-dir <dir>", "where relative locations of a list: start (its own directory)")
    .option("--list-any-file", "a list may name files outside its directory")
    .option(
      "--list-var <name[=value]>",
      "a variable of a list; NAME alone takes the caller's value",
      collect,
    )
    .option("--owner <keep|uid:gid>", "owners of a directory's files (yours become root's)")
    .option(
      "--root-dir <directory>",
      "the system in which the libraries of a program (bin:) are looked for (/)",
    )
    .option("--size <size>", "size of the file system, as 512m or 2g; min: just its contents")
    .option("--no-journal", "an ext4 without a journal")
    .addOption(
      new Option(
        "--format <format>",
        "image format (what the output's name ends in, else ext4)",
      ).choices(formats),
    )
    .option(
      "--compression <name[,level]>",
      "compress EROFS, squashfs or initramfs (in a kernel gzip), as zstd or lz4hc,12",
    );
  return addFetchOptions(addDockerfileOptions(command));
}

/** For a folder that is built by one. */
function addDockerfileOptions(command: Command): Command {
  return command
    .option("-f, --file <file>", "the Dockerfile of a folder, where it is not the folder's own")
    .option("--build-arg <name[=value]>", "set an ARG of the Dockerfile", collect)
    .option("--target <stage>", "the stage of the Dockerfile to build")
    .option(
      "--secret <words>",
      "id=ID,src=FILE or id=ID,env=NAME: for RUN --mount=type=secret",
      collect,
    )
    .option("--no-cache", "a Dockerfile is built from its start")
    .addOption(
      new Option(
        "--allow <what>",
        "frontend: the Dockerfile may name a parser of its own; outside-links: links out of the folder",
      ).argParser(collect),
    );
}

function addFetchOptions(command: Command): Command {
  return command
    .option("--platform <platform>", "linux/amd64 or linux/arm64")
    .option("--refresh", "ask the archive for new package lists first")
    .addOption(
      new Option("--pull <when>", "ask registries for images (missing)").choices(pullPolicies),
    )
    .addOption(insecureOption());
}

/** For every command that talks to registries. */
export function insecureOption(): Option {
  return new Option(
    "--insecure <host>",
    "a registry for which any certificate, or plain HTTP, will do",
  ).argParser(collect);
}
