import { Option, type Command } from "commander";
import {
  build,
  buildFormats,
  initKinds,
  shellLine,
  WickError,
  type BuildOptions,
  type BuildResult,
} from "../../index.ts";
import { recordText } from "../record-text.ts";
import { withProgress } from "../run-command.ts";
import {
  addConfigOptions,
  addContentOptions,
  addOutputOptions,
  collect,
  type OutputOptions,
} from "../shared-options.ts";
import { bytesInWords } from "../words.ts";

const EXAMPLES = `
Examples:
  wick build nginx:alpine -o nginx.ext4
  wick build deb:nginx-light -o nginx.ext4
  wick build --with deb:busybox-static --init script dir:./rootfs --entrypoint /app -o app.ext4
  wick build --build-arg VERSION=1.2 ./folder-with-a-dockerfile -o app.ext4
  wick build --init none list:./initramfs_list -o app.cpio.zst
  wick build --format initramfs-list deb:nginx-light -o nginx-list
  wick build bin:./nginx -o nginx.cpio.zst
  wick build --init app bin:./static-server -o server.cpio.gz
  wick build --format erofs oci:./layout:1.0 -o app.erofs
  wick build --bundle ./out deb:nginx-light
  wick build --cmdline "console=ttyS0 quiet" deb:nginx-light -o app.vmlinux
  docker save app | wick build docker-archive:- -o app.ext4
  docker export web | wick build tar:- --entrypoint '["/app","--port","80"]' -o web.ext4
`;

type GivenOptions = Omit<BuildOptions, "source" | "commandLine"> &
  OutputOptions & { readonly volume?: readonly string[]; readonly cmdline?: string };

/** `wick build`. */
export function addBuild(program: Command): void {
  const command = program
    .command("build <source>")
    .summary("make a root file system from an application")
    .description(
      "Makes a root file system whose /sbin/init starts exactly one application.\nSOURCE is an image's name in a registry, deb:PACKAGE[,PACKAGE…], dir:DIRECTORY,\nbin:PROGRAM, tar:FILE, list:FILE (of the kernel's gen_init_cpio),\noci:DIRECTORY[:TAG], oci-archive:FILE, docker-archive:FILE, docker-daemon:NAME,\npodman:NAME, or a path: of an archive, of a layout, of a folder with a\nDockerfile, of a plain folder.",
    )
    .option(
      "-o, --output <file>",
      "the image to write (a directory for initramfs-list); this or --bundle",
    )
    .option(
      "--bundle <directory>",
      "write the image with a kernel and what boots them: Firecracker's configuration, QEMU's line",
    )
    .addOption(
      new Option("--init <kind>", "what process 1 is; app: the program itself, of an initramfs")
        .choices(initKinds)
        .default("wick"),
    );
  addKernelOptions(command);
  // Known only to say what to do instead.
  command.addOption(new Option("-v, --volume <folder:path>").argParser(collect).hideHelp());
  addContentOptions(addConfigOptions(command), buildFormats);
  command.option(
    "--list-prefix <dir>",
    "where initramfs-list says that its files lie (the output's own path)",
  );
  addOutputOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, given: GivenOptions) => {
      const { progress, quiet, json, volume, cmdline, ...options } = given;
      if (volume !== undefined) throw refuseVolume(volume[0]!);
      const line = cmdline === undefined ? {} : { commandLine: cmdline };
      const result = await withProgress({ progress, quiet, json }, (context) =>
        build({ source, ...options, ...line }, context),
      );
      process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : `${result.path}\n`);
      if (json !== true && quiet !== true && progress !== "rawjson")
        process.stderr.write(summary(result));
    });
}

/** With `--format kernel` and `--bundle`. */
function addKernelOptions(command: Command): void {
  command
    .option("--kernel <file>", "with --format kernel or --bundle: the kernel (the distribution's)")
    .option("--modules <directory>", "that kernel's modules")
    .option("--cmdline <words>", "that kernel's command line, beside what the VMM says")
    .option("-m, --memory <size>", "memory of a bundle's machine (256m)")
    .option("--cpus <n>", "number of CPUs of a bundle's machine (1)");
}

function refuseVolume(text: string): WickError {
  return new WickError("USAGE", "Cannot build with -v: a mount belongs to a run", {
    hint: `--add ${text.split(":", 2).join(":")} puts the files into the image`,
  });
}

function summary(result: BuildResult): string {
  const { image, tree, application } = result;
  if (result.packed !== undefined) return packedSummary(result, result.packed);
  if (result.bundle !== undefined) return bundleSummary(result, result.bundle);
  return (
    `   ${bytesInWords(image.usedBytes)} on disk, ${bytesInWords(image.sizeBytes)} when full, ` +
    `${tree.files} files, ${tree.directories} directories${image.uuid === undefined ? "" : `, UUID ${image.uuid}`}\n` +
    startsText(application)
  );
}

function startsText({ argv }: BuildResult["application"]): string {
  return argv === undefined ? "" : `   starts ${argv.map(quoted).join(" ")}\n`;
}

/** One file that boots: its parts, in the words of `wick pack`, and how. */
function packedSummary(
  { image, application }: BuildResult,
  { record, kernel, commandByHand }: NonNullable<BuildResult["packed"]>,
): string {
  const parts = recordText(record).replace(/^/gmu, "   ").trimEnd();
  return (
    `   ${bytesInWords(image.sizeBytes)}, packed into ${kernel}\n${parts}\n` +
    `${startsText(application)}   ${shellLine(commandByHand)}\n`
  );
}

/** A directory that boots: its files, its machine, and what to type. */
function bundleSummary(
  { path, application }: BuildResult,
  { files, kernel, memoryMiB, cpus }: NonNullable<BuildResult["bundle"]>,
): string {
  const width = Math.max(...files.map(({ path: name }) => name.length));
  const rows = files.map(
    ({ path: name, sizeBytes }) => `   ${name.padEnd(width)}  ${bytesInWords(sizeBytes)}\n`,
  );
  return (
    `${rows.join("")}   ${kernel}, ${memoryMiB} MiB of memory, ${cpus} CPU${cpus === 1 ? "" : "s"}\n` +
    `${startsText(application)}   cd ${shellLine([path])} && firecracker --no-api --config-file firecracker.json\n`
  );
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}
