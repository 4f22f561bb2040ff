import { display, type ReadableStorage, utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import type { LinkerFile } from "../../formats/elf/index.ts";
import type { ImageNode, ImageReader } from "../../formats/ext4/index.ts";
import type { ProgramFiles } from "../../shaping/index.ts";

/** An image's files as its guest would find them. */
export class ImageFiles implements ProgramFiles {
  readonly #image: ImageReader;

  constructor(image: ImageReader) {
    this.#image = image;
  }

  has(path: string): boolean {
    return this.#node(path) !== undefined;
  }

  kindOf(path: string): ImageNode["kind"] | undefined {
    return this.#node(path)?.kind;
  }

  linkAt(path: string): string | undefined {
    const node = this.#node(path, false);
    return node?.kind === "symlink" ? display(this.#image.readlink(node)) : undefined;
  }

  /** Whether a regular file is there that somebody may execute. */
  isExecutable(path: string): boolean {
    const node = this.#node(path);
    return node?.kind === "file" && (this.#image.stat(node).mode & 0o111) !== 0;
  }

  find(path: string): LinkerFile | undefined {
    const node = this.#node(path);
    if (node?.kind !== "file") return undefined;
    return { realPath: `inode ${node.id}`, read: (use) => use(this.#contents(node)) };
  }

  list(path: string): readonly string[] {
    const node = this.#node(path);
    if (node?.kind !== "directory") return [];
    return this.#image.list(node).map(({ name }) => display(name));
  }

  #node(path: string, follow = true): ImageNode | undefined {
    try {
      return this.#image.lookup(utf8(path), { follow });
    } catch (error) {
      if (isWickError(error, "PATH_NOT_FOUND", "PATH_CONFLICT", "PATH_LOOP")) return undefined;
      throw error;
    }
  }

  #contents(node: ImageNode): ReadableStorage {
    return {
      sizeBytes: this.#image.stat(node).size,
      readAt: (target, position) => this.#image.read(node, target, position),
    };
  }
}
