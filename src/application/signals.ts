/**
 * Signals by number: Linux on x86_64 and aarch64, which agree (arch/x86 and asm-generic
 * signal.h). Real-time ones are RTMIN (34 for programs of glibc and musl) to RTMAX.
 */
const names = [
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT",
  "CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS",
]
  .join(" ")
  .split(" ");
const aliases: Readonly<Record<string, string>> = { IOT: "ABRT", CLD: "CHLD", POLL: "IO" };

const RTMIN = 34;
const RTMAX = 64;

/** SIGTERM: what an image without a usable StopSignal is stopped by. */
export const SIGTERM = 15;

/** The number of `TERM`, `SIGTERM`, `sigrtmin+3`, `RTMAX-1` or `15`; undefined when it is none. */
export function signalNumber(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return inRange(Number(text), 1);
  const name = text.toUpperCase().replace(/^SIG/, "");
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) return realTimeNumber(realTime);
  const number = names.indexOf(aliases[name] ?? name) + 1;
  return number === 0 ? undefined : number;
}

/** `SIGTERM`, `SIGRTMIN+3`; the number as text when it names no signal. */
export function signalName(number: number): string {
  const name = names[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (inRange(number, RTMIN) === undefined) return String(number);
  return number === RTMIN ? "SIGRTMIN" : `SIGRTMIN+${number - RTMIN}`;
}

function realTimeNumber([, base, sign, digits]: RegExpExecArray): number | undefined {
  const distance = Number(digits ?? 0);
  if (base === "MIN") return sign === "-" ? undefined : inRange(RTMIN + distance, RTMIN);
  return sign === "+" ? undefined : inRange(RTMAX - distance, RTMIN);
}

function inRange(number: number, least: number): number | undefined {
  return number >= least && number <= RTMAX ? number : undefined;
}
