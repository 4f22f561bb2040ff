import { display, sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { ImageFormat } from "./image-formats.ts";

/** Which kernel an initramfs is packed into, and how: `--format kernel`. */
export interface PackingPlan {
  /** Absolute; without it the distribution's. */
  readonly kernel: string | undefined;
  /** Absolute: that kernel's modules. */
  readonly modules: string | undefined;
  /** Built in, before what the VMM says. */
  readonly commandLine: string | undefined;
  /** Whether a bzImage stays one; else its vmlinux is packed, which every VMM loads. */
  readonly keepsBzImage: boolean;
}

interface Given {
  readonly kernel?: string | undefined;
  readonly modules?: string | undefined;
  readonly commandLine?: string | undefined;
  readonly output: string;
  /** A bundle has a kernel whatever its format, and says the command line itself. */
  readonly bundle?: string | undefined;
}

/** The plan of `build`'s options, whose paths are absolute; undefined for other formats. USAGE. */
export function packingOf(given: Given, format: ImageFormat): PackingPlan | undefined {
  const { kernel, modules, commandLine, output } = given;
  if (given.bundle !== undefined) {
    const kernelOfBundle = { kernel, modules, commandLine: undefined, keepsBzImage: false };
    return format === "kernel" ? kernelOfBundle : undefined;
  }
  if (format !== "kernel") {
    const options = { kernel, modules, cmdline: commandLine };
    const [first] = Object.entries(options).find(([, value]) => value !== undefined) ?? [];
    if (first !== undefined) throw forKernels(first, format);
    return undefined;
  }
  if (commandLine !== undefined) checkBuiltInLine(commandLine);
  if (modules !== undefined && kernel === undefined) throw refuseModulesAlone(modules);
  return { kernel, modules, commandLine, keepsBzImage: /\.bz[iI]mage$/.test(output) };
}

/** The kernel takes one line, and a VMM what people can type. USAGE. */
export function checkBuiltInLine(words: string): void {
  if (!/\p{Cc}/u.test(words)) return;
  throw new WickError(
    "USAGE",
    `Cannot build in the command line "${display(utf8(words))}": it holds control characters, wanted one line`,
  );
}

/** The distribution's kernel brings its own. */
export function refuseModulesAlone(modules: string): WickError {
  return new WickError(
    "USAGE",
    `Cannot use the modules of ${sanitise(modules)}: they belong to a kernel, wanted --kernel FILE too`,
  );
}

function forKernels(option: string, format: ImageFormat): WickError {
  return new WickError("USAGE", `Cannot build ${format} with --${option}: no kernel is in it`, {
    hint: "--format kernel packs the application into one, --bundle puts one beside it",
  });
}
