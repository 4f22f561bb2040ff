import { sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { AppConfig } from "./config.ts";
import { mergeEnvironment, splitVariable } from "./environment.ts";
import { kernelWord } from "./kernel-words.ts";
import { commandOf } from "./merge.ts";
import { DEFAULT_PATH } from "./resolve.ts";

/** COMMAND_LINE_SIZE of x86 and arm64, less the NUL; what is beyond is cut without a word. */
const COMMAND_LINE_MAX_BYTES = 2047;

/** CONFIG_INIT_ENV_ARG_LIMIT as everybody has it: more arguments or variables are a panic. */
const ARGUMENTS_MAX = 32;
/** The kernel itself sets HOME and TERM, and counts them. */
const VARIABLES_MAX = 31;
const KERNELS_OWN = new Set(["HOME", "TERM"]);

/**
 * The end of a kernel command line that starts an application as process 1: `NAME=value` words,
 * ` -- `, arguments, each quoted as the kernel takes them apart. The program is /init, which is
 * its argv[0] too: Entrypoint and Cmd give argv[1] and what follows. PATH is Docker's where the
 * config has none. UNSUPPORTED for what the kernel cannot carry.
 */
export function appCommandLine(config: AppConfig): { readonly words: readonly string[] } {
  const [, ...args] = commandOf(config);
  const env = mergeEnvironment([`PATH=${DEFAULT_PATH}`], config.Env ?? []);
  checkCounts(args, env);
  const variables = env.map(variableWord);
  const words = args.length === 0 ? variables : [...variables, "--", ...args.map(argumentWord)];
  const bytes = utf8(words.join(" ")).length;
  if (bytes <= COMMAND_LINE_MAX_BYTES) return { words };
  throw refuse(
    "its arguments and variables",
    `${bytes} bytes of a command line, the kernel takes ${COMMAND_LINE_MAX_BYTES} at most`,
  );
}

function checkCounts(args: readonly string[], env: readonly string[]): void {
  if (args.length > ARGUMENTS_MAX) {
    throw refuse(`${args.length} arguments`, `the kernel takes ${ARGUMENTS_MAX} at most`);
  }
  const variables = env.filter((line) => !KERNELS_OWN.has(splitVariable(line).name)).length;
  if (variables > VARIABLES_MAX) {
    throw refuse(`${variables} variables`, `the kernel takes ${VARIABLES_MAX} at most`);
  }
}

/**
 * The kernel passes on what it does not know. A name with a dot is a module's parameter, which
 * it drops; a dash and an underscore are the same to it, and small letters are its own names.
 */
function variableWord(line: string): string {
  const { name } = splitVariable(line);
  const shown = `the variable ${sanitise(name.slice(0, 80))}`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw refuse(shown, "the kernel passes on names of letters, digits and _ alone");
  }
  if (isKernels(name)) throw refuse(shown, "a parameter of the kernel's own has that name");
  const word = kernelWord(line);
  if (word !== undefined) return word;
  throw refuse(shown, "the kernel knows no escape for the double quotes in it");
}

function argumentWord(argument: string): string {
  const shown = `the argument "${sanitise(argument.slice(0, 80))}"`;
  if (argument === "--") throw refuse(shown, "the kernel drops what follows a second --");
  const word = kernelWord(argument);
  if (word !== undefined) return word;
  throw refuse(shown, "the kernel knows no escape for the double quotes in it");
}

/**
 * Parameters that a variable could be called by mistake (kernel-parameters.txt). Those of
 * drivers have dots; nobody gives a program a variable called `nr_cpus`.
 */
const PARAMETERS = new Set(
  [
    "acpi apic audit bootconfig cma console debug dhash_entries earlycon earlyprintk efi elevator",
    "fb hugepages init initcall_debug initrd ip iommu irqpoll isolcpus keepinitrd kgdboc loglevel",
    "loops mem memmap mitigations netdev nfsroot nmi_watchdog noinitrd nokaslr nosmp nosmt numa",
    "panic pci pnp profile quiet quota rdinit reboot resume retain_initrd ro root rootdelay",
    "rootflags rootfstype rootwait rw S selinux security smt swiotlb threadirqs tsc tsx usb vga",
    "video watchdog",
  ]
    .join(" ")
    .split(" "),
);

function isKernels(name: string): boolean {
  return PARAMETERS.has(name);
}

function refuse(what: string, why: string): WickError {
  return new WickError(
    "UNSUPPORTED",
    `Cannot hand ${what} to an application that is process 1: ${why}`,
    { hint: "--init wick hands over anything" },
  );
}
