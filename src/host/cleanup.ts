/**
 * What must not outlive this process: each undertaking registers how to undo itself and
 * takes that back when it is done. Run at exit, so that even a second Ctrl-C leaves nothing.
 */
const undoings = new Set<() => void>();
let hooked = false;

function undoAll(): void {
  for (const undo of undoings) {
    try {
      undo();
    } catch {
      // The process is ending: the next undoing matters more than this one's error.
    }
  }
  undoings.clear();
}

/** Registers a synchronous `undo`; the result takes it back. */
export function undoAtExit(undo: () => void): () => void {
  if (!hooked) {
    hooked = true;
    process.once("exit", undoAll);
  }
  undoings.add(undo);
  return () => void undoings.delete(undo);
}
