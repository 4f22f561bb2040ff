import { styleText } from "node:util";
import { WickError } from "../index.ts";

/** Exit codes of wick's own failures: Docker's 125 for run, 1 for the rest. */
export const ExitCode = {
  failure: 1,
  runFailure: 125,
  /** 128 + SIGPIPE: what a shell gives for a program whose reader went away. */
  nobodyReads: 141,
  interrupted: { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 },
} as const;

/** What Node reports while it loads wick's own files is no defect of wick's. */
function understood(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof WickError || (code !== "EMFILE" && code !== "ENFILE")) return error;
  return new WickError("IO", "Cannot open one more file: too many are open", {
    hint: "raise the limit with: ulimit -n 1024",
    cause: error,
  });
}

/** An error as text for stderr: code, sentence, detail lines, hint. */
export function errorText(thrown: unknown, stream: NodeJS.WriteStream): string {
  const error = understood(thrown);
  const red = (text: string): string => styleText("red", text, { stream });
  if (!(error instanceof WickError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${red("error:")} INTERNAL: ${stack}\nhint: this is a defect in wick; please report it\n`;
  }
  const lines = [`${red("error:")} ${error.message} [${error.code}]`];
  const more = error.detail.filter((line) => !error.message.includes(line));
  for (const line of more) lines.push(`  | ${line}`);
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  return `${lines.join("\n")}\n`;
}

/** The same as one JSON object, for `--json`. */
export function errorJson(thrown: unknown): string {
  const error = understood(thrown);
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
