import type { Command } from "commander";
import {
  importKernel,
  type ImportedKernel,
  inspectKernel,
  type KernelCapabilities,
  listKernels,
} from "../../index.ts";
import { catchInterruption } from "../interrupt.ts";
import { quietContext, withProgress } from "../run-command.ts";
import { addOutputOptions, type OutputOptions } from "../shared-options.ts";
import { tableText } from "../table.ts";
import { bytesInWords } from "../words.ts";

const EXAMPLES = `
Examples:
  wick kernel import -o vmlinux
  wick kernel import /boot/vmlinuz-6.1.0-56-cloud-amd64 -o vmlinux
  wick kernel import --platform linux/arm64 -o Image --initramfs modules.cpio
  wick kernel ls --json | jq -r .path
  wick kernel inspect vmlinux
`;

/** `wick kernel import`, `wick kernel ls` and `wick kernel inspect`. */
export function addKernel(program: Command): void {
  const kernel = program
    .command("kernel <command>")
    .summary("take kernels apart, look into them, list them")
    .description("Takes kernels apart, looks into them, lists those that wick keeps.")
    .helpOption("--help", "show this help")
    .usage("import|ls|inspect [options]")
    .addHelpText("after", EXAMPLES);
  addImport(kernel);
  addList(kernel);
  addInspect(kernel);
}

interface ImportGiven extends OutputOptions {
  readonly output: string;
  readonly modules?: string;
  readonly initramfs?: string;
  readonly platform?: string;
  readonly refresh?: boolean;
}

function addImport(kernel: Command): void {
  const command = kernel
    .command("import [kernel]")
    .summary("the plain kernel in a compressed one")
    .description(
      "Takes the vmlinux out of a bzImage, or the Image out of an Image.gz: what Firecracker\nand Cloud Hypervisor load. Without KERNEL it is the distribution's.",
    )
    .requiredOption("-o, --output <file>", "where the kernel goes")
    .option("--modules <dir>", "KERNEL's modules, as /lib/modules/RELEASE")
    .option("--initramfs <file>", "write the modules that devices need as an initramfs")
    .option("--platform <platform>", "linux/amd64 or linux/arm64, of the distribution's kernel")
    .option("--refresh", "ask the distribution for a newer one");
  addOutputOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(
      async (file: string | undefined, { progress, quiet, json, ...options }: ImportGiven) => {
        const given = { ...options, ...(file === undefined ? {} : { kernel: file }) };
        const result = await withProgress({ progress, quiet, json }, (context) =>
          importKernel(given, context),
        );
        process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : importText(result));
      },
    );
}

function importText(result: ImportedKernel): string {
  const { output, format, arch, release = "of unknown release", from, compression } = result;
  const packed = compression === "none" ? from : `${from}, ${compression}`;
  const pvh =
    result.pvhEntry === undefined
      ? "no PVH entry: Cloud Hypervisor does not start it\n"
      : `PVH entry 0x${result.pvhEntry.toString(16)}\n`;
  const { initramfs } = result;
  const modules =
    initramfs === undefined ? "" : `${initramfs.path}: ${initramfs.modules.join(", ") || "none"}\n`;
  return [
    `${output}: ${format} ${release} for ${arch}, ${bytesInWords(result.sizeBytes)} (from ${packed})\n`,
    format === "ELF" ? pvh : "",
    modules,
  ].join("");
}

interface ListGiven {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

function addList(kernel: Command): void {
  kernel
    .command("ls")
    .summary("list the kernels that wick keeps")
    .description("Lists the kernels in wick's cache.")
    .option("-q, --quiet", "only paths")
    .option("--json", "one JSON object a line")
    .addHelpText("after", EXAMPLES)
    .action(async ({ quiet, json }: ListGiven) => {
      using interruption = catchInterruption();
      const list = await listKernels(quietContext(interruption.signal));
      if (json === true || quiet === true) {
        const lines = list.map((one) => `${json === true ? JSON.stringify(one) : one.path}\n`);
        process.stdout.write(lines.join(""));
        return;
      }
      const rows = list.map((one) => [
        one.release ?? "-",
        one.arch,
        `${one.package} ${one.version}`,
        one.format,
        bytesInWords(one.sizeBytes),
        one.path,
      ]);
      process.stdout.write(
        tableText(["RELEASE", "ARCH", "PACKAGE", "FORMAT", "SIZE", "PATH"], rows),
      );
    });
}

interface InspectGiven {
  readonly config?: string;
  readonly json?: boolean;
}

function addInspect(kernel: Command): void {
  kernel
    .command("inspect <kernel>")
    .summary("what a kernel can do")
    .description(
      "Shows what a kernel is and can do, and what says so: the configuration that it carries,\none beside it (config-RELEASE, config, .config), or strings in it.",
    )
    .option("--config <file>", "the kernel's configuration")
    .option("--json", "one JSON object on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, { config, json }: InspectGiven) => {
      using interruption = catchInterruption();
      const options = { kernel: file, ...(config === undefined ? {} : { config }) };
      const found = await inspectKernel(options, quietContext(interruption.signal));
      process.stdout.write(json === true ? `${JSON.stringify(found)}\n` : inspectText(found));
    });
}

function inspectText(found: KernelCapabilities): string {
  const { from, compression, arch, release = "-", pvhEntry } = found;
  const pvh = pvhEntry === undefined ? "none" : `0x${pvhEntry.toString(16)}`;
  const head = `release  ${release}\narch     ${arch}\nformat   ${from}${compression === "none" ? "" : `, ${compression}`}\nPVH      ${pvh}\n\n`;
  const all = Object.entries({
    initrd: found.initrd,
    ...found.decompressors,
    ...found.features,
  });
  const rows = all.map(([name, { value, isModule, evidence }]) => {
    const words = value === undefined ? "unknown" : value ? "yes" : "no";
    return [name, isModule === true ? "module" : words, evidence];
  });
  return head + tableText(["CAN", "", "SAYS"], rows);
}
