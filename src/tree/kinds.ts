/** Kinds of node, each with its S_IFMT bits as in `st_mode` (inode(7)). */
export const S_IFMT = {
  fifo: 0o010000,
  char: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const;

/** What a node is. */
export type Kind = keyof typeof S_IFMT;

const byBits = new Map(
  Object.entries(S_IFMT).map(([kind, bits]) => [bits as number, kind as Kind]),
);

/** The kind in a `st_mode`; undefined when its S_IFMT bits name none. */
export function kindOf(stMode: number): Kind | undefined {
  return byBits.get(stMode & 0o170000);
}
