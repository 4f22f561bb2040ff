import { alignUp, be32, utf8 } from "../../bytes/index.ts";
import {
  FDT,
  FDT_LAST_COMP_VERSION,
  FDT_MAGIC,
  FDT_VERSION,
  fdtHeader,
  fdtProperty,
  fdtReserveEntry,
  TOKEN_BYTES,
} from "./layout.ts";
import type { DeviceNode, DeviceTree } from "./tree.ts";

/** Writes a tree, version 17; names of properties are stored once, in their first order. */
export function encodeDeviceTree(tree: DeviceTree): Uint8Array<ArrayBuffer> {
  const strings = new Strings();
  const structure = concat([...nodeParts(tree.root, strings), token(FDT.FDT_END)]);
  const reservations = concat(
    [...tree.reservations, {}].map((entry) => fdtReserveEntry.encode(entry)),
  );
  const names = concat(strings.parts);
  const structureAt = fdtHeader.sizeBytes + reservations.length;
  const header = fdtHeader.encode({
    magic: FDT_MAGIC,
    totalsize: structureAt + structure.length + names.length,
    off_mem_rsvmap: fdtHeader.sizeBytes,
    off_dt_struct: structureAt,
    size_dt_struct: structure.length,
    off_dt_strings: structureAt + structure.length,
    size_dt_strings: names.length,
    version: FDT_VERSION,
    last_comp_version: FDT_LAST_COMP_VERSION,
    boot_cpuid_phys: tree.bootCpu,
  });
  return concat([header, reservations, structure, names]);
}

class Strings {
  readonly parts: Uint8Array[] = [];
  readonly #offsets = new Map<string, number>();
  #length = 0;

  offset(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#length;
    const bytes = utf8(`${name}\0`);
    this.#offsets.set(name, offset);
    this.#length += bytes.length;
    this.parts.push(bytes);
    return offset;
  }
}

/** Properties before children (Devicetree Specification 0.4, 5.4.2). */
function nodeParts(node: DeviceNode, strings: Strings): Uint8Array[] {
  const properties = node.properties.flatMap(({ name, value }) => [
    token(FDT.FDT_PROP),
    fdtProperty.encode({ len: value.length, nameoff: strings.offset(name) }),
    padded(value),
  ]);
  const children = node.children.flatMap((child) => nodeParts(child, strings));
  const name = padded(utf8(`${node.name}\0`));
  return [token(FDT.FDT_BEGIN_NODE), name, ...properties, ...children, token(FDT.FDT_END_NODE)];
}

function token(kind: number): Uint8Array {
  const bytes = new Uint8Array(TOKEN_BYTES);
  be32.write(new DataView(bytes.buffer), 0, kind, "token");
  return bytes;
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(alignUp(bytes.length, TOKEN_BYTES));
  result.set(bytes);
  return result;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
