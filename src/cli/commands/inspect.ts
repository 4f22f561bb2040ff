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
      "\nExamples:\n  wick inspect nginx.ext4\n  wick inspect --json nginx.ext4 | jq .application\n  wick inspect --json nginx.ext4 | jq -r '.biggest[].path'\n",
    )
    .action(async (image: string, options: { json?: boolean }) => {
      using interruption = catchInterruption();
      using opened = await openImage(image, quietContext(interruption.signal));
      const found = opened.inspect();
      process.stdout.write(
        options.json === true ? `${JSON.stringify(found)}\n` : inspectionText(found),
      );
    });
}

function inspectionText(found: Inspection): string {
  const rows = [
    ["image", `${found.path}, ${found.format}`],
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
