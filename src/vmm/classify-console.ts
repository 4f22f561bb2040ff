import { type ErrorCode, WickError } from "../errors/index.ts";

/** What the kernel says, and panics, when process 1 ends. */
const INIT_ENDED = /Attempted to kill init! exitcode=0x([0-9a-f]{8})/;

interface Verdict {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** From the match of the pattern. */
  readonly words: (match: RegExpExecArray) => string;
  readonly hint?: string;
}

/**
 * What Linux prints when it cannot go on (texts of 6.1 and 6.12), the cause before its
 * consequences: the first row that matches any line decides. The console is the guest's: these
 * words explain an end that nobody reported, they never are an application's status.
 */
const verdicts: readonly Verdict[] = [
  {
    pattern: /Initramfs unpacking failed: (.*)/,
    code: "GUEST_PANIC",
    words: ([, why]) => `the kernel could not unpack its initramfs: ${why}`,
    hint: "give the machine more memory with -m, or see whether the kernel knows the compression",
  },
  {
    pattern: /Failed to execute (\/\S*init) \(error (-\d+)\)/,
    code: "GUEST_PANIC",
    words: ([, init, error]) => `the kernel could not execute ${init} (error ${error})`,
    hint: "-2: its interpreter is missing; -8: built for another architecture; -13: not executable",
  },
  {
    pattern: /VFS: (?:Unable to mount root fs|Cannot open root device).*/,
    code: "GUEST_PANIC",
    words: ([line]) => `the kernel found no root file system: ${line}`,
    hint: "the kernel needs the driver of the disk and of its file system, built in or as modules",
  },
  {
    pattern: /Kernel panic - not syncing: (?:Out of memory|System is deadlocked on memory).*/,
    code: "GUEST_PANIC",
    words: () => "the guest's kernel ran out of memory",
    hint: "give the machine more memory with -m",
  },
  {
    pattern: INIT_ENDED,
    code: "GUEST_PANIC",
    words: ([, status]) => `the guest's first process ${processEnd(Number.parseInt(status!, 16))}`,
  },
  {
    pattern: /Kernel panic - not syncing: (.*)/,
    code: "GUEST_PANIC",
    words: ([, why]) => `the guest's kernel panicked: ${why}`,
  },
  {
    pattern: /Out of memory: Killed process \d+ \((.*?)\)/,
    code: "GUEST_LOST",
    words: ([, name]) => `the guest ran out of memory and its kernel killed "${name}"`,
    hint: "give the machine more memory with -m",
  },
  {
    pattern: /reboot: System halted/,
    code: "GUEST_LOST",
    words: () => "the guest halted without powering off",
  },
];

/** How process 1 ended, from the kernel's last words about it; undefined when it said none. */
export function endOfInit(
  lines: readonly string[],
): { kind: "exited"; status: number } | { kind: "signalled"; signal: number } | undefined {
  const match = lines.map((line) => INIT_ENDED.exec(line)).findLast((found) => found !== null);
  if (match === undefined || match === null) return undefined;
  const word = Number.parseInt(match[1]!, 16);
  const signal = word & 0x7f;
  return signal === 0
    ? { kind: "exited", status: (word >> 8) & 0xff }
    : { kind: "signalled", signal };
}

/** wait(2)'s status word: a signal in the low seven bits, else an exit code above them. */
function processEnd(status: number): string {
  const signal = status & 0x7f;
  return signal === 0
    ? `ended with status ${(status >> 8) & 0xff}`
    : `was killed by signal ${signal}`;
}

/**
 * Why a machine ended, as its console tells it (sanitised lines, oldest first), or undefined
 * when nothing there explains it.
 */
export function classifyConsole(lines: readonly string[]): WickError | undefined {
  for (const { pattern, code, words, hint } of verdicts) {
    const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
    if (match === undefined || match === null) continue;
    return new WickError(code, `Cannot run the machine to its end: ${words(match)}`, {
      detail: lines,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return undefined;
}
