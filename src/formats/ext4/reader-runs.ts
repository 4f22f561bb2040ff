/** Blocks of a file that lie behind one another, or a hole. */
export interface Run {
  /** First block of it in the file. */
  readonly logical: number;
  /** How many blocks, at least one. */
  readonly length: number;
  /** First block of it on the disk; undefined for a hole. */
  readonly physical: number | undefined;
}

/** Says where a file's blocks lie. */
export interface BlockMap {
  /** The rest of the run that holds block `logical`. */
  find(logical: number): Run;
}
