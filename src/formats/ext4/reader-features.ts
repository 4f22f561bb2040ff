/** Names of feature bits as dumpe2fs prints them (e2fsprogs, lib/e2p/feature.c), and what the reader can do. */

export interface FeatureWords {
  readonly compat: number;
  readonly incompat: number;
  readonly roCompat: number;
}

type Names = Readonly<Record<number, string>>;

const compatNames: Names = {
  0: "dir_prealloc",
  1: "imagic_inodes",
  2: "has_journal",
  3: "ext_attr",
  4: "resize_inode",
  5: "dir_index",
  6: "lazy_bg",
  9: "sparse_super2",
  10: "fast_commit",
  11: "stable_inodes",
  12: "orphan_file",
};

const incompatNames: Names = {
  0: "compression",
  1: "filetype",
  2: "needs_recovery",
  3: "journal_dev",
  4: "meta_bg",
  6: "extent",
  7: "64bit",
  8: "mmp",
  9: "flex_bg",
  10: "ea_inode",
  12: "dirdata",
  13: "metadata_csum_seed",
  14: "large_dir",
  15: "inline_data",
  16: "encrypt",
  17: "casefold",
};

const roCompatNames: Names = {
  0: "sparse_super",
  1: "large_file",
  3: "huge_file",
  4: "uninit_bg",
  5: "dir_nlink",
  6: "extra_isize",
  7: "snapshot",
  8: "quota",
  9: "bigalloc",
  10: "metadata_csum",
  11: "replica",
  12: "read-only",
  13: "project",
  14: "shared_blocks",
  15: "verity",
  16: "orphan_present",
};

/** Features that change where things lie in ways that the reader does not follow. */
const UNREADABLE = new Set(["compression", "journal_dev", "dirdata", "bigalloc"]);

/** The names of the features that are set, in dumpe2fs's order. */
export function featureNames(words: FeatureWords): string[] {
  return [
    ...namesOf(words.compat, compatNames, "C"),
    ...namesOf(words.incompat, incompatNames, "I"),
    ...namesOf(words.roCompat, roCompatNames, "R"),
  ];
}

/** Those that keep the reader from understanding the image: named ones, and unknown incompatible bits. */
export function unreadableFeatures(words: FeatureWords): string[] {
  return featureNames(words).filter((name) => UNREADABLE.has(name) || name.startsWith("FEATURE_I"));
}

function namesOf(word: number, names: Names, letter: string): string[] {
  const found: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((word & (1 << bit)) !== 0) found.push(names[bit] ?? `FEATURE_${letter}${bit}`);
  }
  return found;
}
