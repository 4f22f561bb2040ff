const SLASH = 0x2f;
const DOT = 0x2e;

/** A path or symlink text, read up to `at`. */
interface Frame {
  readonly text: Uint8Array;
  at: number;
}

/** Gives a path's components one by one, those of symlinks entered on the way in their place. */
export class PathWalker {
  readonly #frames: Frame[];

  constructor(path: Uint8Array) {
    this.#frames = [{ text: path, at: 0 }];
  }

  /** The next component, `..` included; empty ones and `.` are passed over. */
  next(): Uint8Array | undefined {
    if (!this.hasMore()) return undefined;
    const frame = this.#frames.at(-1)!;
    const start = frame.at;
    const end = frame.text.indexOf(SLASH, start);
    frame.at = end < 0 ? frame.text.length : end;
    return frame.text.subarray(start, frame.at);
  }

  /** Whether another component follows. */
  hasMore(): boolean {
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      frame.at = skipToName(frame.text, frame.at);
      if (frame.at < frame.text.length) return true;
      this.#frames.pop();
    }
    return false;
  }

  /** Goes on with a symlink's text, then with the rest; true when it begins at the root. */
  enter(target: Uint8Array): boolean {
    this.#frames.push({ text: target, at: 0 });
    return target[0] === SLASH;
  }
}

/** Passes over slashes and `.` components. */
function skipToName(text: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    if (text[at] === SLASH) at++;
    else if (text[at] === DOT && (at + 1 === text.length || text[at + 1] === SLASH)) at++;
    else return at;
  }
}
