import { type ReadableStorage } from "../../bytes/index.ts";
import {
  E_MACHINE_OFFSET,
  E_TYPE_OFFSET,
  elfIdent,
  ELFCLASS,
  ELFDATA,
  ELFMAG,
  EM,
  ET,
} from "./layout.ts";

/** What `e_type` says; "other" for processors' and systems' own types. */
export type ElfType = "relocatable" | "executable" | "shared" | "core" | "other";

/** What any ELF file says of itself in its first 20 bytes, whatever it was built for. */
export interface ElfIdentity {
  readonly bits: 32 | 64;
  readonly endianness: "little" | "big";
  readonly type: ElfType;
  /** `e_machine`. */
  readonly machine: number;
  /** In the words of `uname -m` where there are such: `x86_64`, `aarch64`, `armv7l`, `machine 4711`. */
  readonly architecture: string;
}

const IDENTITY_BYTES = 20;

const types: Readonly<Record<number, ElfType>> = {
  [ET.ET_REL]: "relocatable",
  [ET.ET_EXEC]: "executable",
  [ET.ET_DYN]: "shared",
  [ET.ET_CORE]: "core",
};

/** Names by machine: 32-bit, 64-bit. */
const architectures: Readonly<Record<number, readonly [string, string]>> = {
  [EM.EM_386]: ["i686", "i686"],
  [EM.EM_MIPS]: ["mips", "mips64"],
  [EM.EM_PPC]: ["ppc", "ppc"],
  [EM.EM_PPC64]: ["ppc64", "ppc64"],
  [EM.EM_S390]: ["s390", "s390x"],
  [EM.EM_ARM]: ["armv7l", "armv7l"],
  [EM.EM_SPARCV9]: ["sparc64", "sparc64"],
  [EM.EM_X86_64]: ["x32", "x86_64"],
  [EM.EM_AARCH64]: ["aarch64_ilp32", "aarch64"],
  [EM.EM_RISCV]: ["riscv32", "riscv64"],
  [EM.EM_LOONGARCH]: ["loongarch32", "loongarch64"],
};

/** Who an ELF file was built for; undefined when `storage` holds none. */
export function identifyElf(storage: ReadableStorage): ElfIdentity | undefined {
  const bytes = new Uint8Array(IDENTITY_BYTES);
  if (storage.readAt(bytes, 0) < IDENTITY_BYTES) return undefined;
  const view = new DataView(bytes.buffer);
  const ident = elfIdent.read(bytes);
  if (view.getUint32(0) !== ELFMAG) return undefined;
  if (ident.EI_CLASS !== ELFCLASS.ELFCLASS32 && ident.EI_CLASS !== ELFCLASS.ELFCLASS64) {
    return undefined;
  }
  const bits = ident.EI_CLASS === ELFCLASS.ELFCLASS64 ? 64 : 32;
  const little = ident.EI_DATA === ELFDATA.ELFDATA2LSB;
  const machine = view.getUint16(E_MACHINE_OFFSET, little);
  return {
    bits,
    endianness: little ? "little" : "big",
    type: types[view.getUint16(E_TYPE_OFFSET, little)] ?? "other",
    machine,
    architecture: architectures[machine]?.[bits === 64 ? 1 : 0] ?? `machine ${machine}`,
  };
}
