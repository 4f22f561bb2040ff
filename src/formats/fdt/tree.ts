import { utf8 } from "../../bytes/index.ts";

/** A device tree. */
export interface DeviceTree {
  /** Memory that the kernel must leave alone; addresses and sizes in bytes. */
  readonly reservations: readonly { readonly address: bigint; readonly size: bigint }[];
  /** `boot_cpuid_phys`: the processor that starts. */
  readonly bootCpu: number;
  readonly root: DeviceNode;
}

/** A node; the root's name is empty. */
export interface DeviceNode {
  readonly name: string;
  readonly properties: readonly DeviceProperty[];
  readonly children: readonly DeviceNode[];
}

export interface DeviceProperty {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A property's value: texts, each with its NUL. */
export function textValue(...texts: readonly string[]): Uint8Array {
  return utf8(texts.map((text) => `${text}\0`).join(""));
}

/** A property's value: one address of two cells. */
export function addressValue(address: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, address);
  return bytes;
}
