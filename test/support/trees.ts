/** For tests: trees as lines of text. */
import { display } from "../../src/bytes/index.ts";
import { pathOf, type Sink, type Tree } from "../../src/tree/index.ts";
import { latin1 } from "./manifest-line.ts";
import { contentsOf } from "./manifest.ts";

/** Every name of a tree as `kind mode uid:gid seconds path[ -> target]`. */
export function listing(tree: Tree): string[] {
  const paths = new Map([[0, ""]]);
  return Array.from(tree.walk(), ({ directory, name, ino }) => {
    const { inodes } = tree;
    const path = `${paths.get(directory)!}/${display(name)}`;
    paths.set(ino, path);
    const mode = inodes.mode(ino).toString(8).padStart(4, "0");
    const owner = `${inodes.uid(ino)}:${inodes.gid(ino)}`;
    const target = inodes.target(ino);
    const line = `${inodes.kind(ino)} ${mode} ${owner} ${inodes.mtime(ino).seconds} ${path}`;
    return target === undefined ? line : `${line} -> ${display(target)}`;
  });
}

/** Every name with what it is: `/a/`, `/f = contents`, `/l -> target`. */
export function shownTree({ tree, sink }: { readonly tree: Tree; readonly sink: Sink }): string[] {
  return Array.from(tree.walk(), ({ directory, name, ino }) => {
    const path = `${latin1(pathOf(tree, directory)!).replace(/\/$/, "")}/${latin1(name)}`;
    const kind = tree.inodes.kind(ino);
    if (kind === "directory") return `${path}/`;
    if (kind === "symlink") return `${path} -> ${latin1(tree.inodes.target(ino)!)}`;
    return `${path} = ${latin1(contentsOf(tree, sink, ino))}`;
  });
}

/** Bytes as text; "undefined" for none. */
export function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "undefined" : new TextDecoder().decode(bytes);
}
