import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { deadline } from "../../host/index.ts";
import { faultsOf, isTold, type KnownBad } from "./known-bad.ts";
import type { DoctorLine } from "./line.ts";

/** A program that does not tell its version by then is broken. */
const ANSWER_MS = 10_000;

/** What is known of a program beside what it says. */
export interface AskedProgram extends Pick<DoctorLine, "check" | "purpose" | "isNeeded"> {
  readonly version: () => Promise<string>;
  /** Where the user says that it is; else it is looked for in PATH. */
  readonly path?: string | undefined;
  readonly faults?: readonly KnownBad[];
  /** What is to be known of a version that has no fault. */
  readonly advice?: (version: string) => string | undefined;
  readonly hint: string;
}

/** The line of a program that tells its version; one that cannot is a warning with the reason. */
export async function programLine(program: AskedProgram): Promise<DoctorLine> {
  const { check, purpose, isNeeded, hint, faults = [] } = program;
  const line = { check, purpose, isNeeded };
  try {
    const end = deadline({ ms: ANSWER_MS, action: `ask ${check}`, code: "TOOL_FAILED" });
    const found = await end.within(program.version(), "version");
    const bad = faultsOf(found, faults);
    if (!isTold(found)) return { ...line, state: "warn", found, hint };
    const advice = program.advice?.(found);
    if (bad.length === 0) {
      if (advice === undefined) return { ...line, state: "ok", found };
      return { ...line, state: "warn", found, hint: advice };
    }
    const words = bad.map((fault) => `${fault.name}: ${fault.words}`).join("; ");
    const newer = "install a newer one, or see whether the distribution has mended this one";
    return { ...line, state: "warn", found: `${found} (${words})`, hint: newer };
  } catch (error) {
    if (!(error instanceof WickError)) throw error;
    if (error.code === "TOOL_MISSING") {
      const found =
        program.path === undefined ? "not installed" : `there is no ${sanitise(program.path)}`;
      return { ...line, state: "missing", found, hint };
    }
    return { ...line, state: "missing", found: error.message, hint: error.hint ?? hint };
  }
}
