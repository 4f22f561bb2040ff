const machines = { x86_64: 62, aarch64: 183, riscv: 243 } as const;

/** What an ELF file for `machine` begins with; `loader` becomes its PT_INTERP. */
export function elfHead(wanted: {
  readonly machine: keyof typeof machines;
  readonly loader?: string;
}): Uint8Array {
  const loader = Buffer.from(`${wanted.loader ?? ""}\0`);
  const bytes = Buffer.alloc(512);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian, version 1
  bytes.writeUInt16LE(2, 16); // ET_EXEC
  bytes.writeUInt16LE(machines[wanted.machine], 18);
  bytes.writeUInt32LE(1, 20); // EV_CURRENT
  bytes.writeBigUInt64LE(64n, 32); // e_phoff
  bytes.writeUInt16LE(64, 52); // e_ehsize
  bytes.writeUInt16LE(56, 54); // e_phentsize
  bytes.writeUInt16LE(wanted.loader === undefined ? 0 : 1, 56); // e_phnum
  bytes.writeUInt32LE(3, 64); // PT_INTERP
  bytes.writeBigUInt64LE(200n, 72); // p_offset
  bytes.writeBigUInt64LE(BigInt(loader.length), 96); // p_filesz
  bytes.set(loader, 200);
  return bytes;
}
