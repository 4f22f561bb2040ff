/**
 * For tests: what unpacking layers one on top of the other gives, worked out in the plainest
 * way there is: nodes are objects, paths are lists of names.
 */
import { createHash } from "node:crypto";
import { manifestLine } from "./manifest-line.ts";

/** What every node of a generated layer has. */
export interface ModelMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** By name, values as latin-1. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/** One entry of a generated layer. */
export interface Step {
  readonly kind:
    "directory" | "file" | "symlink" | "hardlink" | "char" | "fifo" | "hide" | "opaque";
  /** From the root, names joined by `/`; of a whiteout what it hides. */
  readonly path: string;
  readonly metadata: ModelMetadata;
  readonly contents?: string;
  /** A symlink's text, or the path that a hard link names. */
  readonly target?: string;
}

interface ModelNode {
  kind: "directory" | "file" | "symlink" | "char" | "fifo";
  metadata: ModelMetadata;
  contents: string;
  target: string;
  readonly children: Map<string, ModelNode>;
}

/** A step that no unpacker could take. */
export class Impossible extends Error {}

export const UNDESCRIBED: ModelMetadata = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  xattrs: {},
};

const DEVICE = { major: 5, minor: 300 };

export class LayerModel {
  readonly root = newNode("directory", UNDESCRIBED);
  /** Paths that this layer made or described, and those of the directories above them. */
  readonly #upper = new Set<string>();

  beginLayer(): void {
    this.#upper.clear();
  }

  /** Whether this layer has the node at `names` already. */
  isUpper(names: readonly string[]): boolean {
    return this.#upper.has(names.join("/"));
  }

  take(step: Step): void {
    if (step.kind === "hide") return this.#hide(step.path);
    if (step.kind === "opaque") return this.#empty(this.follow(splitPath(step.path)), false);
    const names = this.place(step.path);
    // The node that a hard link leads to must be there before its name replaces another.
    const linked = step.kind === "hardlink" ? this.linkTarget(step) : undefined;
    const parent = this.#makeDirectories(names.slice(0, -1));
    const name = names.at(-1)!;
    const old = parent.children.get(name);
    if (step.kind === "directory" && old?.kind === "directory") old.metadata = step.metadata;
    else parent.children.set(name, linked ?? nodeOf(step));
    for (let length = 1; length <= names.length; length++) {
      this.#upper.add(names.slice(0, length).join("/"));
    }
  }

  /** Where a path leads, links in front of its last name followed. */
  place(path: string): string[] {
    const names = splitPath(path);
    return [...this.follow(names.slice(0, -1)), names.at(-1)!];
  }

  /** Where a path leads, links followed; it need not exist. */
  follow(names: readonly string[]): string[] {
    const rest = [...names];
    let at: string[] = [];
    let links = 0;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === "..") {
        at.pop();
        continue;
      }
      const node = this.get([...at, name]);
      if (node?.kind !== "symlink") {
        at.push(name);
        continue;
      }
      if (++links > 20) throw new Impossible("a loop");
      if (node.target.startsWith("/")) at = [];
      rest.unshift(...splitPath(node.target));
    }
    return at;
  }

  get(names: readonly string[]): ModelNode | undefined {
    let node: ModelNode | undefined = this.root;
    for (const name of names) node = node?.children.get(name);
    return node;
  }

  linkTarget({ target, path }: Step): ModelNode {
    const names = this.place(target!);
    const node = this.get(names);
    if (node === undefined || node.kind === "directory") throw new Impossible("no such file");
    if (`${names.join("/")}/`.startsWith(`${this.place(path).join("/")}/`)) {
      throw new Impossible("the link replaces what it leads to");
    }
    return node;
  }

  #makeDirectories(names: readonly string[]): ModelNode {
    let node = this.root;
    for (const name of names) {
      const next = node.children.get(name) ?? newNode("directory", UNDESCRIBED);
      if (next.kind !== "directory") throw new Impossible("a file in place of a directory");
      node.children.set(name, next);
      node = next;
    }
    return node;
  }

  #hide(path: string): void {
    const names = this.place(path);
    const parent = this.get(names.slice(0, -1));
    if (parent?.children.has(names.at(-1)!) !== true) return;
    if (this.isUpper(names)) this.#empty(names, true);
    else parent.children.delete(names.at(-1)!);
  }

  /** Removes what lower layers have below `names`. */
  #empty(names: readonly string[], isWhole: boolean): void {
    const node = this.get(names);
    if (node === undefined || (isWhole && node.kind !== "directory")) return;
    for (const name of node.children.keys()) {
      const child = [...names, name];
      if (this.isUpper(child)) this.#empty(child, isWhole);
      else node.children.delete(name);
    }
  }

  /** As `manifestOfTree` has it. */
  manifest(): string[] {
    const firsts = new Map<ModelNode, string>();
    const lines: string[] = [];
    const visit = (path: string, node: ModelNode): void => {
      const first = firsts.get(node) ?? path;
      firsts.set(node, first);
      lines.push(lineOf(path, node, first));
      for (const name of [...node.children.keys()].sort()) {
        visit(`${path === "/" ? "" : path}/${name}`, node.children.get(name)!);
      }
    };
    visit("/", this.root);
    return lines;
  }
}

function newNode(kind: ModelNode["kind"], metadata: ModelMetadata): ModelNode {
  return { kind, metadata, contents: "", target: "", children: new Map() };
}

function nodeOf({ kind, metadata, contents = "", target = "" }: Step): ModelNode {
  return { ...newNode(kind as ModelNode["kind"], metadata), contents, target };
}

export function splitPath(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function lineOf(path: string, node: ModelNode, first: string): string {
  const { kind, metadata, contents, target } = node;
  const bytes = Buffer.from(contents, "latin1");
  const digest = createHash("sha256").update(bytes).digest("hex");
  return manifestLine({
    ...metadata,
    path,
    kind,
    contents: kind === "file" ? `${bytes.length} ${digest}` : "",
    target,
    rdev: kind === "char" ? DEVICE : undefined,
    first,
    xattrs: Object.entries(metadata.xattrs)
      .map(([name, value]) => `${name}=${Buffer.from(value, "latin1").toString("hex")}`)
      .sort(),
  });
}
