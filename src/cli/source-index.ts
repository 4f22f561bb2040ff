import type { Option } from "commander";

/**
 * Index of the first word that is neither an option nor an option's value: the source, in
 * Docker's rule that options stop there. -1 when there is none.
 */
export function sourceIndex(args: readonly string[], options: readonly Option[]): number {
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === "--") return i + 1 < args.length ? i + 1 : -1;
    if (word === "-" || !word.startsWith("-")) return i;
    if (takesNextWord(word, options)) i++;
  }
  return -1;
}

function takesNextWord(word: string, options: readonly Option[]): boolean {
  if (word.startsWith("--")) {
    const option = options.find(({ long }) => long === word);
    return option !== undefined && option.required;
  }
  // In a cluster such as `-qe A=1` only the last letter's value can be the next word.
  const letters = Array.from(word.slice(1));
  const first = letters.findIndex((letter) => shortOption(letter, options)?.required === true);
  return first === letters.length - 1 && first >= 0;
}

function shortOption(letter: string, options: readonly Option[]): Option | undefined {
  return options.find(({ short }) => short === `-${letter}`);
}

/**
 * `--init` alone is Docker's boolean, `--init=KIND` names a kind: an optional value must not
 * swallow the source that follows.
 */
export function withInitValue(args: readonly string[], options: readonly Option[]): string[] {
  const end = sourceIndex(args, options);
  return args.map((word, i) => (word === "--init" && (end < 0 || i < end) ? "--init=" : word));
}
