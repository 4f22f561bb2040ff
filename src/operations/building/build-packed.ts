import { basename } from "node:path";
import {
  appCommandLine,
  type AppConfig,
  CONFIG_PATH,
  parseConfig,
} from "../../application/index.ts";
import { sanitise } from "../../bytes/index.ts";
import type { BuildPlan, PackingPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { FileStorage, publish, temporaryStorage } from "../../host/index.ts";
import { bootArchive, type Kernel, type PackRecord } from "../../kernel/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import type { Store } from "../../store/index.ts";
import { qemu } from "../../vmm/index.ts";
import type { Context } from "../common/context.ts";
import { initramfsContents } from "../initramfs/initramfs-facts.ts";
import { hostKernel } from "../common/host-kernel.ts";
import { resultOf, writeResult, type ImageResult } from "./image-result.ts";
import { imageInStore } from "./keyed-image.ts";
import { commandLineFor } from "../machine/machine-spec.ts";
import { packableKernel } from "../packed/packable-kernel.ts";
import { type Archive, plainArchive, writePacked } from "../packed/write-packed.ts";

/** What a build packed, beside what it built. */
export interface PackedResult {
  readonly record: PackRecord;
  /** What the kernel is, for people: a package and its version, or a file. */
  readonly kernel: string;
  /** The plain command that boots the file by hand, a word an element. */
  readonly commandByHand: readonly string[];
}

interface Opened {
  readonly store: Store | undefined;
  readonly key: string | undefined;
  readonly sources: readonly SourceContents[];
}

/** Builds the initramfs of `plan` and packs it into its kernel: the output, whole or absent. */
export async function buildPacked(
  plan: BuildPlan,
  packing: PackingPlan,
  opened: Opened,
  context: Context,
): Promise<{ readonly result: ImageResult; readonly packed: PackedResult }> {
  const found = await kernelFor(plan, packing, context);
  checkForm(found, packing);
  using initramfs = await builtInitramfs(plan, opened, context);
  const { keepsBzImage } = packing;
  const { archive, config } = await archiveOf(initramfs.storage, context);
  const archives = [...modulesFor(plan, found), archive];
  using packable = await packableKernel(found.path, { keepsBzImage, archives }, context);
  const packed = {
    kernel: packable,
    kernelName: sanitise(basename(found.path)),
    archives,
    commandLine: commandLineOf(plan, packing, config),
  };
  const { store } = opened;
  const { record, warnings } = await publish(
    plan.output,
    (storage) => writePacked(storage, packed, context, () => storage.startSync()),
    { claim: store && ((temporary) => store.claim(temporary)) },
  );
  for (const message of warnings) context.onEvent({ type: "warning", message });
  const sizeBytes = record.initramfs.offset + record.initramfs.sizeBytes;
  const image = { ...initramfs.result.image, sizeBytes };
  return {
    result: { ...initramfs.result, image },
    packed: { record, kernel: found.origin, commandByHand: byHand(plan, record) },
  };
}

function kernelFor(plan: BuildPlan, packing: PackingPlan, context: Context): Promise<Kernel> {
  return hostKernel(
    {
      arch: plan.arch,
      kernelFile: packing.kernel,
      modulesDirectory: packing.modules,
      refresh: plan.refresh,
      fileSystem: "initramfs",
      devices: "any",
    },
    context,
  );
}

/** A bzImage stays one only where the output's name asks for it. */
function checkForm({ path, format }: Kernel, { keepsBzImage }: PackingPlan): void {
  if (!keepsBzImage || format === "bzImage") return;
  throw new WickError(
    "USAGE",
    `Cannot pack the kernel ${sanitise(basename(path))} as a bzImage: it is an ${format}`,
    { hint: "the output's name asks for it: give it another one, as -o app.vmlinux" },
  );
}

/** An initramfs that was built, until it is disposed. */
interface BuiltInitramfs extends Disposable {
  readonly storage: FileStorage;
  readonly result: ImageResult;
}

/** From the store, where it is kept for the next kernel; else in a file without a name. */
async function builtInitramfs(
  plan: BuildPlan,
  { store, key, sources }: Opened,
  context: Context,
): Promise<BuiltInitramfs> {
  if (store === undefined || key === undefined) {
    const storage = temporaryStorage("initramfs");
    try {
      const result = await writeResult(plan, sources, storage, context);
      return { storage, result, [Symbol.dispose]: () => storage[Symbol.dispose]() };
    } catch (error) {
      storage[Symbol.dispose]();
      throw error;
    }
  }
  const { stored, made } = await imageInStore({ store, key, plan, sources }, context);
  const storage = new FileStorage(stored.path, "read");
  return {
    storage,
    result: resultOf(stored.facts, made === "new" ? undefined : context),
    [Symbol.dispose]() {
      storage[Symbol.dispose]();
      stored[Symbol.dispose]();
    },
  };
}

async function archiveOf(storage: FileStorage, { signal }: Context) {
  const { summary, files } = await initramfsContents([storage], signal);
  const bytes = files.get(CONFIG_PATH.slice(1));
  const config = bytes === undefined ? {} : parseConfig(bytes);
  return { archive: { storage, summary } satisfies Archive, config };
}

/** An application that is process 1 has its variables and arguments from there alone. */
function commandLineOf(
  { init }: BuildPlan,
  { commandLine }: PackingPlan,
  config: AppConfig,
): string | undefined {
  if (init !== "app") return commandLine;
  const { words } = appCommandLine(config);
  const hasOwn = / --( |$)/u.test(` ${commandLine ?? ""}`) && words.includes("--");
  const sent = hasOwn ? words.slice(0, words.indexOf("--")) : words;
  // What the user says behind `--` stays the end.
  const [options = "", ...rest] = (commandLine ?? "").split(/(?<=^| )(?=--(?: |$))/u);
  return [options.trim(), ...sent, ...rest].filter((word) => word !== "").join(" ");
}

/** Another init than wick's loads none. */
function modulesFor({ init }: BuildPlan, { modules }: Kernel): Archive[] {
  return init === "wick" ? [plainArchive(bootArchive({ modules, boot: {} }))] : [];
}

function byHand(plan: BuildPlan, record: PackRecord): readonly string[] {
  return qemu().commandByHand({
    arch: record.arch,
    kernel: plan.output,
    commandLine: commandLineFor(record.arch),
    memoryMiB: record.leastMemoryMiB,
    cpus: 1,
    drives: [],
    ports: [],
    network: "none",
    accel: "tcg",
    directory: "/",
  });
}
