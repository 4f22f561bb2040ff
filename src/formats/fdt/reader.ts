import { display } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  FDT,
  FDT_MAGIC,
  FDT_VERSION,
  fdtHeader,
  fdtProperty,
  fdtReserveEntry,
  TOKEN_BYTES,
} from "./layout.ts";
import type { DeviceNode, DeviceProperty, DeviceTree } from "./tree.ts";

type Header = ReturnType<typeof fdtHeader.read>;

/** arm64's kernel takes no larger tree (Documentation/arch/arm64/booting.rst). */
const TREE_LIMIT = 2 << 20;
/** Nodes inside of nodes; real trees have about 8 levels. */
const DEPTH_LIMIT = 64;

/** A node that is still being read. */
interface OpenNode extends DeviceNode {
  readonly properties: DeviceProperty[];
  readonly children: DeviceNode[];
}

/** Reads a tree; every offset is checked. Values are views of `bytes`. Errors: IMAGE_INVALID. */
export function readDeviceTree(bytes: Uint8Array): DeviceTree {
  if (bytes.length < fdtHeader.sizeBytes) throw invalid(`${bytes.length} bytes are no header`);
  const header = fdtHeader.read(bytes);
  checkHeader(header, bytes.length);
  const whole = bytes.subarray(0, header.totalsize);
  return {
    reservations: readReservations(whole, header),
    bootCpu: header.boot_cpuid_phys,
    root: new StructureReader(
      block(whole, header.off_dt_struct, header.size_dt_struct, "the structure block"),
      block(whole, header.off_dt_strings, header.size_dt_strings, "the strings block"),
    ).read(),
  };
}

function checkHeader(header: Header, length: number): void {
  const { magic, totalsize, version, last_comp_version, off_dt_struct } = header;
  if (magic !== FDT_MAGIC) throw invalid(`magic is 0x${magic.toString(16)}, wanted 0xd00dfeed`);
  if (version < FDT_VERSION || last_comp_version > FDT_VERSION) {
    throw invalid(`version ${version}, readable as ${last_comp_version}, wanted 17`);
  }
  if (totalsize > length || totalsize > TREE_LIMIT || totalsize < fdtHeader.sizeBytes) {
    throw invalid(`totalsize is ${totalsize}, there are ${length} bytes, the limit is 2 MiB`);
  }
  if (off_dt_struct % TOKEN_BYTES !== 0) throw invalid("the structure block is not aligned");
}

function block(whole: Uint8Array, offset: number, size: number, what: string): Uint8Array {
  if (offset < fdtHeader.sizeBytes || offset + size > whole.length) {
    throw invalid(`${what} ends at byte ${offset + size}, the tree at ${whole.length}`);
  }
  return whole.subarray(offset, offset + size);
}

function readReservations(whole: Uint8Array, header: Header): DeviceTree["reservations"] {
  const reservations = [];
  for (let at = header.off_mem_rsvmap; ; at += fdtReserveEntry.sizeBytes) {
    const entry = block(whole, at, fdtReserveEntry.sizeBytes, "the list of reservations");
    const { address, size } = fdtReserveEntry.read(entry);
    if (address === 0n && size === 0n) return reservations;
    reservations.push({ address, size });
  }
}

class StructureReader {
  readonly #structure: Uint8Array;
  readonly #strings: Uint8Array;
  readonly #view: DataView;
  readonly #open: OpenNode[] = [];
  #root: DeviceNode | undefined;
  #at = 0;

  constructor(structure: Uint8Array, strings: Uint8Array) {
    this.#structure = structure;
    this.#strings = strings;
    this.#view = new DataView(structure.buffer, structure.byteOffset, structure.length);
  }

  read(): DeviceNode {
    for (;;) {
      const token = this.#take(TOKEN_BYTES, (at) => this.#view.getUint32(at));
      if (token === FDT.FDT_BEGIN_NODE) this.#begin();
      else if (token === FDT.FDT_END_NODE) this.#end();
      else if (token === FDT.FDT_PROP) this.#property();
      else if (token === FDT.FDT_END) return this.#finish();
      else if (token !== FDT.FDT_NOP) throw invalid(`token ${token} is none`);
    }
  }

  #take<T>(length: number, read: (at: number) => T): T {
    const at = this.#at;
    const padded = Math.ceil(length / TOKEN_BYTES) * TOKEN_BYTES;
    if (at + padded > this.#structure.length) throw invalid("the structure block is cut off");
    this.#at += padded;
    return read(at);
  }

  #begin(): void {
    if (this.#root !== undefined && this.#open.length === 0) throw invalid("it has two roots");
    if (this.#open.length === DEPTH_LIMIT) throw invalid(`it is deeper than ${DEPTH_LIMIT} nodes`);
    const name = textAt(this.#structure, this.#at, "a node's name");
    this.#take(name.length + 1, () => undefined);
    const node: OpenNode = { name: display(name), properties: [], children: [] };
    this.#open.at(-1)?.children.push(node);
    this.#root ??= node;
    this.#open.push(node);
  }

  #end(): void {
    if (this.#open.pop() === undefined) throw invalid("a node ends that has not begun");
  }

  #property(): void {
    const { len, nameoff } = this.#take(fdtProperty.sizeBytes, (at) =>
      fdtProperty.read(this.#structure, at),
    );
    const name = display(textAt(this.#strings, nameoff, "a property's name"));
    const value = this.#take(len, (at) => this.#structure.subarray(at, at + len));
    const node = this.#open.at(-1);
    if (node === undefined) throw invalid(`the property "${name}" is in no node`);
    node.properties.push({ name, value });
  }

  #finish(): DeviceNode {
    if (this.#root === undefined || this.#open.length > 0) throw invalid("its nodes do not end");
    return this.#root;
  }
}

function textAt(bytes: Uint8Array, start: number, what: string): Uint8Array {
  const end = bytes.indexOf(0, start);
  if (start >= bytes.length || end === -1) throw invalid(`${what} does not end`);
  return bytes.subarray(start, end);
}

function invalid(is: string): WickError {
  return new WickError("IMAGE_INVALID", `Cannot read the device tree: ${is}`);
}
