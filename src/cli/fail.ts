import { styleText } from "node:util";
import { WickError } from "../index.ts";

/** Exit codes of wick's own failures: Docker's 125 for run, 1 for the rest. */
export const ExitCode = {
  failure: 1,
  runFailure: 125,
  interrupted: { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 },
} as const;

/** An error as text for stderr: code, sentence, detail lines, hint. */
export function errorText(error: unknown, stream: NodeJS.WriteStream): string {
  const red = (text: string): string => styleText("red", text, { stream });
  if (!(error instanceof WickError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${red("error:")} INTERNAL: ${stack}\nhint: this is a defect in wick; please report it\n`;
  }
  const lines = [`${red("error:")} ${error.message} [${error.code}]`];
  for (const line of error.detail) lines.push(`  | ${line}`);
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  return `${lines.join("\n")}\n`;
}

/** The same as one JSON object, for `--json`. */
export function errorJson(error: unknown): string {
  const wick = error instanceof WickError ? error : undefined;
  return JSON.stringify({
    error: {
      code: wick?.code ?? "INTERNAL",
      message: error instanceof Error ? error.message : String(error),
      ...(wick?.hint === undefined ? {} : { hint: wick.hint }),
      ...(wick === undefined || wick.detail.length === 0 ? {} : { detail: wick.detail }),
    },
  });
}
