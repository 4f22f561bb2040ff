import { fromLatin1, latin1 } from "./latin1.ts";

/** Values of variables by name, as bytes. */
export type ListVariables = ReadonlyMap<string, Uint8Array>;

/**
 * A location with the value of each `${NAME}` in its place; `missing` is asked for the value of
 * one that is not there. A `${` without its `}` stays, as gen_init_cpio has it; values are not
 * looked through again.
 */
export function expandLocation(
  location: Uint8Array,
  variables: ListVariables,
  missing: (name: Uint8Array) => never,
): Uint8Array {
  const expanded = latin1(location).replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = variables.get(Buffer.from(name, "latin1").toString());
    return latin1(value ?? missing(fromLatin1(name)));
  });
  return fromLatin1(expanded);
}
