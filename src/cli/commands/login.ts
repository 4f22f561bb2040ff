import type { Command } from "commander";
import { login, logout, WickError, type LoginResult } from "../../index.ts";
import { catchInterruption } from "../interrupt.ts";
import { ask, passwordFromStdin } from "../prompt.ts";
import { quietContext } from "../run-command.ts";
import { insecureOption } from "../shared-options.ts";

interface Given {
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly password?: string | boolean;
  readonly insecure?: string[];
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  wick login
  wick login ghcr.io -u owner --password-stdin < token
  pass show registry | wick login localhost:5000 -u me --password-stdin
`;

const LOGOUT_EXAMPLES = `
Examples:
  wick logout
  wick logout ghcr.io
`;

/** `wick login`. */
export function addLogin(program: Command): void {
  program
    .command("login [host]")
    .summary("show a password to a registry and keep it")
    .description(
      "Logs in to a registry, Docker Hub by default. The password is kept\nwhere Docker keeps it: in the credential helper that Docker's config.json names,\nelse in that file.",
    )
    .option("-u, --username <name>", "the user")
    .option("--password-stdin", "read the password from the standard input")
    .option("-p, --password [password]", "refused: see --password-stdin")
    .addOption(insecureOption())
    .option("--json", "the result as one JSON object on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (host: string | undefined, given: Given) => {
      refusePassword(given);
      using interruption = catchInterruption();
      const { signal } = interruption;
      const username = given.username ?? (await ask("Username: ", { signal }));
      const password =
        given.passwordStdin === true
          ? await passwordFromStdin(signal)
          : await ask("Password: ", { isSecret: true, signal });
      const result = await login(
        { registry: host, username, password, insecure: given.insecure },
        { ...quietContext(signal), onEvent: tell },
      );
      const text = `Login Succeeded (${whereKept(result)})`;
      process.stdout.write(`${given.json === true ? JSON.stringify(result) : text}\n`);
    });
}

/** `wick logout`. */
export function addLogout(program: Command): void {
  program
    .command("logout [host]")
    .summary("forget the password for a registry")
    .description("Removes what login keeps for a registry, Docker Hub by default.")
    .option("--json", "the result as one JSON object on stdout")
    .addHelpText("after", LOGOUT_EXAMPLES)
    .action(async (host: string | undefined, { json }: { json?: boolean }) => {
      using interruption = catchInterruption();
      const result = await logout(host ?? "", quietContext(interruption.signal));
      const text =
        result.kept === undefined
          ? `Not logged in to ${result.registry}`
          : `Removed the password for ${result.registry}`;
      process.stdout.write(`${json === true ? JSON.stringify(result) : text}\n`);
    });
}

/** A password among the words of a command is in everybody's list of processes (P9). */
function refusePassword({ password }: Given): void {
  if (password === undefined) return;
  throw new WickError(
    "USAGE",
    "Cannot take a password from the command line: others can see it there",
    {
      hint: "wick login -u NAME --password-stdin < FILE, or without -p to be asked for it",
    },
  );
}

function whereKept({ kept }: LoginResult): string {
  return "helper" in kept
    ? `kept by docker-credential-${kept.helper}`
    : `kept unencrypted in ${kept.file}`;
}

function tell(event: { readonly type: string; readonly message?: string }): void {
  if (event.message !== undefined) process.stderr.write(`${event.type}: ${event.message}\n`);
}
