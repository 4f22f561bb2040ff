import { execFileSync } from "node:child_process";
import {
  LOADFLAGS,
  PARAGRAPH_BYTES,
  SETUP_HEADER_OFFSET,
  setupHeader,
} from "../../src/formats/bzimage/index.ts";

/** As scripts/Makefile.lib of the kernel compresses: program, arguments, whether the size follows. */
const tools = {
  gzip: ["gzip", "-n", "-9"],
  bzip2: ["bzip2", "-9"],
  lzma: ["xz", "--format=lzma", "-9"],
  xz: ["xz", "--check=crc32", "--x86", "--lzma2=,dict=1MiB"],
  lz4: ["lz4", "-l", "-9", "-c"],
  zstd: ["zstd", "-22", "--ultra", "-c"],
} as const;

export type PayloadTool = keyof typeof tools;
export const payloadTools = Object.keys(tools) as PayloadTool[];

/** `plain` as the payload of a bzImage, with its plain size behind it where gzip has not its own. */
export function payloadOf(plain: Uint8Array, tool: PayloadTool): Buffer {
  const [program, ...args] = tools[tool];
  const packed = execFileSync(program, args, {
    input: plain,
    maxBuffer: 1 << 30,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const size = Buffer.alloc(4);
  size.writeUInt32LE(plain.length);
  return tool === "gzip" ? packed : Buffer.concat([packed, size]);
}

/** A file with a setup header that names `payload`; code around it is zeros and does not run. */
export function bzImageOf(payload: Uint8Array): Buffer {
  const setupBytes = 1024;
  const before = 512;
  const codeBytes = Math.ceil((before + payload.length) / PARAGRAPH_BYTES) * PARAGRAPH_BYTES;
  const file = Buffer.alloc(setupBytes + codeBytes);
  const header = {
    setup_sects: 1,
    syssize: codeBytes / PARAGRAPH_BYTES,
    boot_flag: 0xaa55,
    jump: 0x6aeb,
    header: 0x53726448,
    version: 0x020f,
    loadflags: LOADFLAGS.LOADED_HIGH,
    payload_offset: before,
    payload_length: payload.length,
  };
  setupHeader.write(file, header, SETUP_HEADER_OFFSET);
  file.set(payload, setupBytes + before);
  return file;
}
