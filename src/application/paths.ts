/**
 * An absolute path without `.`, `..`, doubled and final slashes, by its text alone (Go's
 * path.Clean, which Docker uses for the working directory).
 */
export function cleanPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
