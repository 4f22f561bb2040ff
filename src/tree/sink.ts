/** Where one file's bytes went: a number that only the sink that gave it understands. */
export type Place = number;

/** The place of a file without bytes. */
export const NO_PLACE: Place = -1;

/**
 * Takes files' bytes as they are read and puts them where they will live. One file at a
 * time: begin, data and holes in order, end. Reads back what it holds, for whatever must
 * look into the application's files (users, interpreters).
 */
export interface Sink {
  begin(): void;
  data(chunk: Uint8Array): void;
  hole(lengthBytes: number): void;
  /** Ends the file; NO_PLACE when it had no bytes at all (a hole counts as bytes). */
  end(): Place;
  /** A replaced file's bytes are no longer wanted. */
  discard(place: Place): void;
  /** Fills `target` from byte `position` of the file at `place`; the caller stays inside it. */
  read(place: Place, target: Uint8Array, position: number): void;
}
