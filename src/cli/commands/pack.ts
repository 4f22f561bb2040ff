import type { Command } from "commander";
import { pack, unpack } from "../../index.ts";
import { recordText } from "../record-text.ts";
import { withProgress } from "../run-command.ts";
import { addOutputOptions, type OutputOptions } from "../shared-options.ts";
import { bytesInWords } from "../words.ts";

const EXAMPLES = `
Examples:
  wick pack vmlinux app.cpio.gz
  wick pack bzImage app.cpio.gz -o app.bzImage
  wick pack Image modules.cpio app.cpio -o app.image --cmdline "console=ttyAMA0 quiet"
  wick unpack app.image --initramfs app.cpio
`;

interface PackGiven extends OutputOptions {
  readonly output?: string;
  readonly cmdline?: string;
}

/** `wick pack`. */
export function addPack(program: Command): void {
  const command = program
    .command("pack <kernel> <app...>")
    .summary("one bootable file of a kernel and an initramfs")
    .description(
      "Writes one file that a VMM loads as an ordinary kernel, with no initrd and no\ndrive. KERNEL is a bzImage or vmlinux for x86_64, or an Image or Image.gz for\naarch64; APP is an initramfs, later ones lie over earlier ones.",
    )
    .option(
      "-o, --output <file>",
      "where the packed file goes (APP with the kernel's ending, as app.vmlinux, where there is none yet)",
    )
    .option("--cmdline <words>", "kernel command line, before what the VMM says");
  addOutputOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(
      async (
        kernel: string,
        initramfs: string[],
        { output, cmdline, progress, quiet, json }: PackGiven,
      ) => {
        const line = {
          ...(cmdline === undefined ? {} : { commandLine: cmdline }),
          ...(output === undefined ? {} : { output }),
        };
        const result = await withProgress({ progress, quiet, json }, (context) =>
          pack({ kernel, initramfs, ...line }, context),
        );
        const head = `${result.output}: ${bytesInWords(result.sizeBytes)}\n`;
        process.stdout.write(
          json === true ? `${JSON.stringify(result)}\n` : head + recordText(result),
        );
      },
    );
}

interface UnpackGiven extends OutputOptions {
  readonly kernel?: string;
  readonly initramfs?: string;
}

/** `wick unpack`. */
export function addUnpack(program: Command): void {
  const command = program
    .command("unpack <file>")
    .summary("take a packed file apart")
    .description(
      "Shows the parts of a packed file, and writes those that are asked for:\nbyte for byte as they were packed, but a vmlinux without its sections; compared\nwith their digests.",
    )
    .option("--kernel <file>", "where the kernel goes")
    .option("--initramfs <file>", "where the initramfs goes");
  addOutputOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, { kernel, initramfs, progress, quiet, json }: UnpackGiven) => {
      const options = {
        file,
        ...(kernel === undefined ? {} : { kernel }),
        ...(initramfs === undefined ? {} : { initramfs }),
      };
      const record = await withProgress({ progress, quiet, json }, (context) =>
        unpack(options, context),
      );
      process.stdout.write(json === true ? `${JSON.stringify(record)}\n` : recordText(record));
    });
}
