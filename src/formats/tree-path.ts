import { display } from "../bytes/index.ts";
import { Tree, type Ino } from "../tree/index.ts";

/** A message shows the last so many components: a stranger's path may have a hundred thousand. */
const SHOWN_COMPONENTS = 64;

/** The path of `name` in `directory`, for messages. */
export function pathOf(tree: Tree, directory: Ino, name: Uint8Array): string {
  const names = [display(name)];
  for (let at = directory; at !== Tree.ROOT;) {
    if (names.length === SHOWN_COMPONENTS) return `…/${names.reverse().join("/")}`;
    const own = tree.nameOf(at);
    if (own === undefined) return `…/${names.reverse().join("/")}`;
    names.push(display(own.name));
    at = own.directory;
  }
  return `/${names.reverse().join("/")}`;
}
