import { WickError } from "../errors/index.ts";
import type { Ino } from "./inodes.ts";
import { locatePath, showPath, type Location } from "./resolve.ts";
import type { Tree } from "./tree.ts";

/** A hard link whose target was not there yet. */
interface PendingLink {
  readonly directory: Ino;
  readonly name: Uint8Array;
  readonly target: Uint8Array;
  state: "waiting" | "resolving" | "done";
}

/** Hard links that came before their targets, resolved when the layer has ended. */
export class HardLinks {
  readonly #tree: Tree;
  readonly #pending = new Map<string, PendingLink>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Remembers a link; its name must be free, and whatever takes it until the end replaces it. */
  add(place: Location, target: Uint8Array): void {
    const link = {
      directory: place.directory,
      name: new Uint8Array(place.name),
      target: new Uint8Array(target),
    };
    this.#pending.set(keyOf(place), { ...link, state: "waiting" });
  }

  /** Makes all links. Throws PATH_NOT_FOUND, PATH_CONFLICT, and ARCHIVE_INVALID for a circle. */
  finish(): void {
    for (const link of this.#pending.values()) this.#resolve(link);
    this.#pending.clear();
  }

  /** Makes one link after those that it waits for; each is looked at twice at most. */
  #resolve(link: PendingLink): void {
    const stack = [link];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const before = this.#step(top);
      if (before === undefined) stack.pop();
      else stack.push(before);
    }
  }

  /** Makes the link, or returns the one that must be made before it. */
  #step(link: PendingLink): PendingLink | undefined {
    if (link.state === "done" || this.#isReplaced(link)) {
      link.state = "done";
      return undefined;
    }
    const target = locatePath(this.#tree, link.target, { follow: "parents" });
    if (target !== undefined && target.ino >= 0) {
      linkTo(this.#tree, link, target.ino, link.target);
      link.state = "done";
      return undefined;
    }
    link.state = "resolving";
    const before = target === undefined ? undefined : this.#pending.get(keyOf(target));
    if (before === undefined || before.state === "done") throw noTarget(link);
    if (before.state === "resolving") throw circle(link);
    return before;
  }

  /** A later entry has the name, or has taken the directory away. */
  #isReplaced(link: PendingLink): boolean {
    const { directory, name } = link;
    return this.#tree.lookup(directory, name) >= 0 || !this.#tree.isAttached(directory);
  }
}

/** Gives `ino` the name at `place`; what was there goes. Throws PATH_CONFLICT for a directory. */
export function linkTo(
  tree: Tree,
  place: { readonly directory: Ino; readonly name: Uint8Array },
  ino: Ino,
  target: Uint8Array,
  onLast?: (ino: Ino) => void,
): void {
  if (tree.inodes.kind(ino) === "directory") {
    throw linkError("PATH_CONFLICT", place.name, target, "that is a directory");
  }
  const { directory, name } = place;
  if (tree.lookup(directory, name) < 0) tree.link(directory, name, ino);
  else tree.replace(directory, name, ino, onLast);
}

function keyOf(place: { readonly directory: Ino; readonly name: Uint8Array }): string {
  return `${place.directory}/${String.fromCharCode(...place.name)}`;
}

function noTarget(link: PendingLink): WickError {
  return linkError("PATH_NOT_FOUND", link.name, link.target, "that does not exist");
}

function circle(link: PendingLink): WickError {
  return linkError("ARCHIVE_INVALID", link.name, link.target, "the hard links lead in a circle");
}

function linkError(
  code: "PATH_CONFLICT" | "PATH_NOT_FOUND" | "ARCHIVE_INVALID",
  name: Uint8Array,
  target: Uint8Array,
  problem: string,
): WickError {
  const names = `"${showPath(name)}" to "${showPath(target)}"`;
  return new WickError(code, `Cannot make the hard link ${names}: ${problem}`);
}
