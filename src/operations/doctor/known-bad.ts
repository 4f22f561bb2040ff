/** Versions of others' programs with a known hole, and what it means to machines of wick's. */
export interface KnownBad {
  readonly name: string;
  /** Half-open ranges, `[from, mended)`. */
  readonly ranges: readonly (readonly [string, string])[];
  readonly words: string;
}

export const firecrackerFaults: readonly KnownBad[] = [
  {
    name: "CVE-2026-5747",
    ranges: [
      ["1.13.0", "1.14.4"],
      ["1.15.0", "1.15.1"],
    ],
    words: "a guest can write outside its memory by virtio over PCI; wick never gives --enable-pci",
  },
];

export const jailerFaults: readonly KnownBad[] = [
  {
    name: "CVE-2026-1386",
    ranges: [
      ["0.0.0", "1.13.2"],
      ["1.14.0", "1.14.1"],
    ],
    words: "it follows links of whoever may write its directory",
  },
];

export const cloudHypervisorFaults: readonly KnownBad[] = [
  {
    name: "CVE-2026-45782",
    ranges: [["0.0", "51.2"]],
    words: "a guest can use freed memory of its drives",
  },
];

export const libslirpFaults: readonly KnownBad[] = [
  {
    name: "CVE-2026-9539",
    ranges: [["0.0.0", "4.9.2"]],
    words: "root in a guest can read memory of its QEMU by --network user",
  },
];

/** Whether a version begins with a number; none of the others is known to be bad. */
export function isTold(version: string): boolean {
  return /^\d/.test(version);
}

/** Those that `version` has: `1.15.0`, also with words behind it, as in `1.17.0-dev`. */
export function faultsOf(version: string, known: readonly KnownBad[]): KnownBad[] {
  if (!isTold(version)) return [];
  const at = numbersOf(version);
  return known.filter(({ ranges }) =>
    ranges.some(
      ([from, mended]) => compare(at, numbersOf(from)) >= 0 && compare(at, numbersOf(mended)) < 0,
    ),
  );
}

function numbersOf(version: string): number[] {
  return (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? "0").split(".").map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
