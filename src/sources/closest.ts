/**
 * The names of `names` nearest to `wanted`: at most `limit` slips (a letter wrong, missing, too
 * much, or two swapped) away, nearest first, then by name.
 */
export function closest(wanted: string, names: Iterable<string>, limit = 2): string[] {
  const found: { name: string; slips: number }[] = [];
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) > limit) continue;
    const slips = distance(wanted, name);
    if (slips <= limit) found.push({ name, slips });
  }
  return found
    .sort((a, b) => a.slips - b.slips || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** Optimal string alignment distance of two short texts. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
