import type { Command } from "commander";
import { openImage, type Inspection } from "../../index.ts";
import { quietContext } from "../run-command.ts";
import { catchInterruption } from "../interrupt.ts";
import { bytesInWords } from "../words.ts";

/** `wick inspect`. */
export function addInspect(program: Command): void {
  program
    .command("inspect <image>")
    .summary("show what is inside an image")
    .description("Shows an image's application, sizes, features and biggest files.")
    .option("--json", "as one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  wick inspect nginx.ext4\n  wick inspect nginx.vmlinux\n  wick inspect --json nginx.ext4 | jq .application\n  wick inspect --json nginx.ext4 | jq -r '.biggest[].path'\n",
    )
    .action(async (image: string, options: { json?: boolean }) => {
      using interruption = catchInterruption();
      using opened = await openImage(image, quietContext(interruption.signal));
      const found = await opened.inspect();
      process.stdout.write(
        options.json === true ? `${JSON.stringify(found)}\n` : inspectionText(found),
      );
    });
}

function inspectionText(found: Inspection): string {
  const rows = [
    ["image", `${found.path}, ${found.packed === undefined ? "" : "packed "}${found.format}`],
    ...packedRows(found),
    ["application", found.application?.argv.join(" ") ?? "none named (no wick config inside)"],
    ...applicationRows(found),
    [
      "size",
      `${bytesInWords(found.sizeBytes)}, ${bytesInWords(found.allocatedBytes)} on disk, ${bytesInWords(found.freeBytes)} free inside`,
    ],
    [
      "contents",
      `${found.files} files, ${found.directories} directories, ${found.symlinks} links, ${bytesInWords(found.contentBytes)}`,
    ],
    ...volumeRows(found),
  ] as const;
  const biggest = found.biggest.map(
    ({ path, sizeBytes }) => `  ${bytesInWords(sizeBytes).padStart(10)}  ${path}`,
  );
  return `${rows.map(([name, text]) => `${`${name}:`.padEnd(13)}${text}`).join("\n")}\nbiggest files:\n${biggest.join("\n")}\n`;
}

/** Of a packed file: its parts, in the words of `wick pack`. */
function packedRows({ packed }: Inspection): (readonly [string, string])[] {
  if (packed === undefined) return [];
  const { form, arch, kernel, initramfs, commandLine, capabilities, leastMemoryMiB } = packed;
  const { release = "of unknown release" } = capabilities;
  return [
    [
      "kernel",
      `${form} ${release} for ${arch}, ${bytesInWords(kernel.sizeBytes)}, sha256 ${kernel.sha256}`,
    ],
    ["  unpacks", canDo(capabilities.decompressors)],
    ["  built in", canDo(capabilities.features)],
    ["initramfs", `${bytesInWords(initramfs.sizeBytes)}, sha256 ${initramfs.sha256}`],
    ["cmdline", commandLine ?? "none built in"],
    ["memory", `at least ${leastMemoryMiB} MiB`],
  ];
}

function canDo(
  findings: Readonly<Record<string, { readonly value: boolean | undefined }>>,
): string {
  const names = Object.entries(findings).filter(([, { value }]) => value === true);
  return names.length === 0 ? "nothing known" : names.map(([name]) => name).join(", ");
}

function applicationRows(found: Inspection): (readonly [string, string])[] {
  const { application } = found;
  if (application === undefined) return [];
  return [
    ["  user", application.user ?? "root"],
    ["  directory", application.workingDir ?? "/"],
    ["  ports", application.ports.length === 0 ? "none named" : application.ports.join(", ")],
  ];
}

/** An initramfs has no superblock that says any of it. */
function volumeRows({ uuid, label, features }: Inspection): [string, string][] {
  if (uuid === "") return [];
  return [
    ["volume", `UUID ${uuid}${label === "" ? "" : `, label ${label}`}`],
    ["features", features.join(" ")],
  ];
}
