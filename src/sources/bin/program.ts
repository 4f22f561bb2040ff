import { sanitise, type ReadableStorage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { type ElfFile, type ElfIdentity, identifyElf, readElf } from "../../formats/elf/index.ts";

/** Docker's names of the machines that wick makes. */
const platforms: Readonly<Record<string, string>> = {
  x86_64: "linux/amd64",
  aarch64: "linux/arm64",
};

/** Opens a program for a machine of `architecture`; `shown` is what the user calls it. */
export function readProgram(
  contents: ReadableStorage,
  shown: string,
  architecture: string,
): ElfFile {
  const identity = identifyElf(contents);
  if (identity === undefined) throw noElf(contents, shown);
  if (identity.architecture !== architecture) throw foreign(identity, shown, architecture);
  const elf = readElf(contents, { what: shown, code: "SOURCE_FAILED" });
  const is = otherThanProgram(elf);
  if (is === undefined) return elf;
  throw new WickError("SOURCE_FAILED", `Cannot use ${shown}: ${is}, wanted a program`);
}

/** What an ELF file is that cannot be started. */
function otherThanProgram(elf: ElfFile): string | undefined {
  const { identity, interpreter } = elf;
  if (identity.type === "executable" || interpreter !== undefined) return undefined;
  if (identity.type === "relocatable") return "an object file or a kernel module";
  if (identity.type !== "shared") return "an ELF file that is no program";
  const { dynamic } = elf;
  const isLibrary = dynamic !== undefined && (!dynamic.isProgram || dynamic.needed.length > 0);
  return isLibrary ? "a shared library" : undefined;
}

function noElf(contents: ReadableStorage, shown: string): WickError {
  const head = new Uint8Array(2);
  const isScript = contents.readAt(head, 0) === 2 && head[0] === 0x23 && head[1] === 0x21;
  if (!isScript) {
    const message = `Cannot use ${shown}: no ELF program, which is what bin: takes`;
    return new WickError("SOURCE_FAILED", message);
  }
  return new WickError("UNSUPPORTED", `Cannot use ${shown}: a script, and bin: takes programs`, {
    hint: "build from what has its interpreter: --add SCRIPT:/app --entrypoint /app deb:PACKAGE",
  });
}

function foreign(identity: ElfIdentity, shown: string, architecture: string): WickError {
  const { architecture: its } = identity;
  const platform = platforms[its];
  const message = `Cannot use ${shown}: a program for ${sanitise(its)}, the machine is ${architecture}`;
  if (platform === undefined) {
    const hint = "wick's machines are x86_64 and aarch64";
    return new WickError("UNSUPPORTED", message, { hint });
  }
  return new WickError("USAGE", message, { hint: `--platform ${platform} makes one for it` });
}
