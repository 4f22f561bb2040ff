import { display } from "../../bytes/index.ts";
import { Tree, type Ino } from "../../tree/index.ts";

/** The path of `name` in `directory`, for messages. It looks through whole directories. */
export function pathOf(tree: Tree, directory: Ino, name: Uint8Array): string {
  const names = [display(name)];
  for (let at = directory; at !== Tree.ROOT; at = tree.parent(at)) {
    const own = tree.list(tree.parent(at)).find(({ ino }) => ino === at);
    names.push(own ? display(own.name) : "?");
  }
  return `/${names.reverse().join("/")}`;
}
