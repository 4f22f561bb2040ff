import { NAME_MAX, PATH_MAX, TRAILER } from "./layout.ts";

/** What is wrong with a node's name (latin1, one leading `/` taken off), or undefined. */
export function problemOfName(name: string, isDirectory: boolean): string | undefined {
  if (name === "") return "is empty, wanted a path (the root is .)";
  if (name.length >= PATH_MAX) return `has ${name.length} bytes, wanted less than ${PATH_MAX}`;
  if (name === TRAILER) return "ends a cpio archive, wanted another one";
  const parts = (isDirectory ? name.replace(/\/$/, "") : name).split("/");
  if (parts.includes("")) return "has an empty component, wanted one / between two";
  if (parts.includes("..")) return 'has a component "..", wanted a path from the root';
  if (!isDirectory && parts.every((part) => part === ".")) return "is the root's, wanted dir";
  const long = parts.find((part) => part.length > NAME_MAX);
  if (long === undefined) return undefined;
  return `has a component of ${long.length} bytes, Linux allows ${NAME_MAX}`;
}

/** A name that two spellings of one path share. */
export function plainName(name: string): string {
  return name
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}
