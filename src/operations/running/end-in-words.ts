import type { ExecReason, FinalReport } from "../../guest/index.ts";

/** Why exec failed, for a human; `detail` is what init found: an interpreter, an architecture. */
const reasons: Partial<Record<ExecReason, (detail: string) => string>> = {
  "not-found": () => "there is no such program in the image",
  "interpreter-missing": (detail) => `its interpreter ${detail} is not in the image`,
  "loader-missing": (detail) => `its loader ${detail} is not in the image`,
  "not-executable": () => "it is not executable",
  "wrong-architecture": (detail) => `it is for another architecture (${detail})`,
  "not-a-program": () => "it is neither an ELF program nor a script",
  directory: () => "it is a directory",
  "too-long": () => "its arguments and environment are too long",
};

type ExecFailed = Extract<FinalReport, { kind: "exec-failed" }>;

function execFailure({ path, reason, detail, errno }: ExecFailed): string {
  const why = reasons[reason]?.(detail) ?? `error ${errno}${detail === "" ? "" : `, ${detail}`}`;
  return `the application "${path}" could not be started: ${why}`;
}

/** How the application ended, as a clause: `the application ended with status 3`. */
export function endInWords(report: FinalReport): string {
  switch (report.kind) {
    case "exited":
      return `the application ended with status ${report.status}`;
    case "signalled":
      return report.oom
        ? "the application was killed: the machine ran out of memory"
        : `the application was ended by signal ${report.signal}`;
    case "exec-failed":
      return execFailure(report);
    case "setup-failed":
      return `the machine could not be set up: ${report.step}: ${report.text}`;
  }
}
