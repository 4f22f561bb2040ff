/** MAXSYMLINKS of Linux (include/linux/namei.h). */
const SYMLINKS_MAX = 40;

/**
 * Where `path` leads to by the symlinks that `linkAt` knows, as names without a leading `/`;
 * neither they nor `..` lead out of the root. Undefined where they go in a circle.
 */
export function followLinks(
  path: string,
  linkAt: (path: string) => string | undefined,
): string | undefined {
  const pending = namesOf(path);
  let here: string[] = [];
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "..") {
      here.pop();
      continue;
    }
    const target = linkAt([...here, name].join("/"));
    if (target === undefined) {
      here.push(name);
      continue;
    }
    if (++links > SYMLINKS_MAX) return undefined;
    if (target.startsWith("/")) here = [];
    pending.push(...namesOf(target));
  }
  return here.join("/");
}

/** The names of a path, the last one first. */
function namesOf(path: string): string[] {
  return path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .reverse();
}
