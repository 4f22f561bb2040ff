import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { WickError } from "../index.ts";

/** Asks on the terminal; without one it is an error, since nobody would answer. */
export async function ask(
  question: string,
  { isSecret = false, signal }: { readonly isSecret?: boolean; readonly signal: AbortSignal },
): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new WickError(
      "USAGE",
      `Cannot ask for "${question.replace(/: $/, "")}": there is no terminal`,
      {
        hint: "wick login HOST -u NAME --password-stdin < FILE",
      },
    );
  }
  stderr.write(question);
  // Node's line editor shows what is typed by writing it: nowhere, when it is a secret.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: stdin,
    output: isSecret ? nowhere : stderr,
    terminal: true,
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("close", () => reject(new WickError("INTERRUPTED", "Interrupted by SIGINT")));
      lines.once("SIGINT", () => reject(new WickError("INTERRUPTED", "Interrupted by SIGINT")));
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
  } finally {
    lines.close();
    if (isSecret) stderr.write("\n");
  }
}

const PASSWORD_MAX_BYTES = 1 << 16;

/** The standard input to its end, without the newline that ends it. */
export async function passwordFromStdin(signal: AbortSignal): Promise<string> {
  const { stdin } = process;
  const stop = (): void => void stdin.destroy();
  signal.addEventListener("abort", stop, { once: true });
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    parts.push(chunk);
    length += chunk.length;
    if (length > PASSWORD_MAX_BYTES) {
      throw new WickError("USAGE", `Cannot take a password of over ${PASSWORD_MAX_BYTES} bytes`);
    }
  }
  signal.throwIfAborted();
  const password = Buffer.concat(parts)
    .toString()
    .replace(/\r?\n$/, "");
  if (password !== "") return password;
  throw new WickError("USAGE", "Cannot log in: the standard input holds no password");
}
