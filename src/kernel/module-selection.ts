import { readElf, readModuleInfo } from "../formats/elf/index.ts";
import type { WantedModule } from "./module-order.ts";

interface NamedModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Those of `modules`, in their order, that `wanted` are and depend on. */
export function selectModules<M extends NamedModule>(
  modules: readonly M[],
  wanted: readonly WantedModule[],
): M[] {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const needed = new Set<string>();
  const pending = wanted.map(({ name }) => name);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const module = byName.get(next);
    if (module === undefined || needed.has(module.name)) continue;
    needed.add(module.name);
    pending.push(...dependenciesOf(module));
  }
  return modules.filter(({ name }) => needed.has(name));
}

/** Names as files have them; a soft dependency on an algorithm is one on its plain module, too. */
function dependenciesOf({ name, bytes }: NamedModule): string[] {
  const elf = readElf(bytes, { what: `the kernel module ${name}`, code: "KERNEL_INVALID" });
  const info = readModuleInfo(elf);
  const soft = [...(info?.softdeps.pre ?? []), ...(info?.softdeps.post ?? [])];
  const all = [...(info?.depends ?? []), ...soft, ...soft.map((one) => `${one}_generic`)];
  return all.map((one) => one.replaceAll("-", "_"));
}
