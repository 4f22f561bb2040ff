import { display } from "../../bytes/index.ts";
import type { ElfFile } from "./reader.ts";

/** What a kernel module says of itself in `.modinfo` (include/linux/module.h). */
export interface ModuleInfo {
  /** With underscores, as the kernel lists it; undefined in modules older than 4.13. */
  readonly name: string | undefined;
  /** Modules that must be loaded before it. */
  readonly depends: readonly string[];
  /** Modules that it would like loaded before and after it. */
  readonly softdeps: { readonly pre: readonly string[]; readonly post: readonly string[] };
  /** Patterns of device ids and names that ask for it. */
  readonly aliases: readonly string[];
  readonly vermagic: string | undefined;
  readonly firmware: readonly string[];
}

/** A module's `.modinfo`; undefined when the file has none, so is no module. */
export function readModuleInfo(elf: ElfFile): ModuleInfo | undefined {
  const section = elf.section(".modinfo");
  if (section === undefined) return undefined;
  const fields = fieldsOf(elf.contents(section));
  const all = (key: string) => fields.get(key) ?? [];
  return {
    name: all("name")[0],
    depends: all("depends").flatMap((list) => list.split(",").filter((name) => name !== "")),
    softdeps: softdepsOf(all("softdep")),
    aliases: all("alias"),
    vermagic: all("vermagic")[0],
    firmware: all("firmware"),
  };
}

/** Strings `key=value`, each ended by a NUL, some followed by more of them. */
function fieldsOf(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  let start = 0;
  while (start < bytes.length) {
    const zero = bytes.indexOf(0, start);
    const end = zero === -1 ? bytes.length : zero;
    const field = display(bytes.subarray(start, end));
    start = end + 1;
    const equals = field.indexOf("=");
    if (equals === -1) continue;
    const key = field.slice(0, equals);
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [field.slice(equals + 1)]);
    else values.push(field.slice(equals + 1));
  }
  return fields;
}

/** `pre: a b post: c`, words before a label are not counted (modprobe.d(5)). */
function softdepsOf(lines: readonly string[]): ModuleInfo["softdeps"] {
  const pre: string[] = [];
  const post: string[] = [];
  for (const line of lines) {
    let list: string[] | undefined;
    for (const word of line.split(/\s+/).filter((each) => each !== "")) {
      if (word === "pre:") list = pre;
      else if (word === "post:") list = post;
      else list?.push(word);
    }
  }
  return { pre, post };
}
