import { basename, join } from "node:path";
import { type ReadableStorage, sanitise, storageOf, stretchOf, utf8 } from "../../bytes/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { FileStorage } from "../../host/index.ts";
import { bootArchive, type MemoryNeeded, runArchive } from "../../kernel/index.ts";
import type { MachineSpec } from "../../vmm/index.ts";
import type { Context } from "../common/context.ts";
import { appWords, checkInit, givenMore, summaryOf, tooLittle } from "./initramfs-machine.ts";
import { machineOf, type Parts, runFilesOf } from "./machine-spec.ts";
import { ownBootRecords } from "./packed-drivers.ts";
import { type PackableKernel, packableKernel } from "../packed/packable-kernel.ts";
import { packedKernel } from "../packed/packed-file.ts";
import { type Archive, plainArchive, writePacked } from "../packed/write-packed.ts";

/** COMMAND_LINE_SIZE of x86_64 and aarch64, with the NUL. */
const LINE_BYTES = 2048;

/**
 * A machine whose kernel has the initramfs in it: a packed file, or an initramfs that is packed
 * for this run. What this run sets is one more archive in a private copy.
 */
export async function packedSpec(parts: Parts, context: Context): Promise<MachineSpec> {
  const { plan, image, facts, directory } = parts;
  const spec = machineOf(parts);
  const { builtIn, own } = await linesOf(parts, spec.commandLine, context);
  const line = [builtIn ?? "", own].join(" ").trim();
  checkInit(facts, line);
  checkLine(plan, line);
  const kernel = join(directory, "packed");
  using opened = new FileStorage(image, "read");
  using storage = new FileStorage(kernel, "create");
  const inside = facts.packed === undefined ? opened : stretchOf(opened, facts.packed.initramfs);
  const archives = archivesOf(parts, inside);
  using packable = await kernelToPack(parts, { opened, archives }, context);
  const packing = {
    kernel: packable,
    kernelName: sanitise(basename(parts.kernel.path)),
    archives,
    commandLine: builtIn,
    vmmLine: own,
  };
  const { memory } = await writePacked(storage, packing, context);
  return { ...spec, kernel, commandLine: own, memoryMiB: memoryOf(plan, memory, context) };
}

/** The built-in line of the private copy, and this run's own. */
interface Lines {
  readonly builtIn: string | undefined;
  readonly own: string;
}

/**
 * An application that is process 1 gets its arguments behind `--`: those of this run, else what
 * is built in, else those of its config.
 */
async function linesOf(parts: Parts, line: string, context: Context): Promise<Lines> {
  const { facts, plan } = parts;
  const builtIn = facts.packed?.commandLine;
  if (!facts.isApp) return { builtIn, own: line };
  const words = await appWords(parts, context);
  const [options = "", args] = (builtIn ?? "").split(DASHES);
  const keeps = args !== undefined && plan.overrides.Cmd === undefined;
  const sent = keeps && words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  const own = [line, ...sent].join(" ");
  return { builtIn: keeps || builtIn === undefined ? builtIn : options, own };
}

/** What stands before the first process's own words. */
const DASHES = /(?:^| )--(?= |$)/u;

/** The kernel cuts what is beyond: this run's own words, which come last. */
function checkLine({ content }: RunPlan, line: string): void {
  const { length } = utf8(line);
  if (length < LINE_BYTES) return;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot run ${sanitise(content.source)}: its command line and this run's have ${length} bytes together, wanted at most ${LINE_BYTES - 1}`,
  );
}

async function kernelToPack(
  { facts, kernel }: Parts,
  { opened, archives }: { readonly opened: FileStorage; readonly archives: readonly Archive[] },
  context: Context,
): Promise<PackableKernel> {
  const { packed } = facts;
  if (packed === undefined) {
    return packableKernel(kernel.path, { keepsBzImage: false, archives }, context);
  }
  const name = sanitise(basename(kernel.path));
  const { signal } = context;
  const plain = storageOf(packedKernel(opened, packed, { name, signal }));
  return { form: packed.form, storage: plain, [Symbol.dispose]: () => undefined };
}

/** As of an initramfs machine: modules, the image, this run's files; what comes later wins. */
function archivesOf(parts: Parts, image: ReadableStorage): readonly Archive[] {
  const { facts, kernel } = parts;
  const own = { storage: image, summary: summaryOf(facts) };
  // Another init than wick's reads none of it.
  if (!facts.reports) return [own];
  const run = plainArchive(runArchive(runFilesOf(parts)));
  const { modules } = kernel;
  if (facts.packed === undefined) {
    return [plainArchive(bootArchive({ modules, boot: {} })), own, run];
  }
  // On top of those that the file brings by itself.
  const boot = ownBootRecords(facts);
  return [own, ...(modules.length > 0 ? [plainArchive(bootArchive({ modules, boot }))] : []), run];
}

/** Gives what is needed, or refuses less. */
function memoryOf(plan: RunPlan, least: MemoryNeeded, { onEvent }: Context): number {
  if (least.mib <= plan.memoryMiB) return plan.memoryMiB;
  if (plan.isMemoryGiven) throw tooLittle(plan.memoryMiB, least);
  onEvent({ type: "note", message: givenMore(least.mib, least) });
  return least.mib;
}
