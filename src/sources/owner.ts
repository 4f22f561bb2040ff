/** Ids of a file. */
export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** `--owner`: as they are, or all the same. */
export type Owner = "keep" | Ids;

/** Gives a file's owner in the image for its owner on the host. */
export type OwnerRule = (file: Ids) => Ids;

const ROOT: Ids = { uid: 0, gid: 0 };

/**
 * What an ordinary user unpacked or built is his only because he may not chown: it becomes
 * root's, and all else is kept. Root could set owners, so for root everything is kept.
 */
export function ownerRule(owner: Owner | undefined, caller: Ids): OwnerRule {
  if (owner !== undefined && owner !== "keep") return () => owner;
  if (owner === "keep" || caller.uid === 0) return (file) => file;
  return (file) => (file.uid === caller.uid ? ROOT : file);
}
