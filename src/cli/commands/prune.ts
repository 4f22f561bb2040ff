import { InvalidArgumentError, Option, type Command } from "commander";
import { prune, WickError } from "../../index.ts";
import { catchInterruption } from "../interrupt.ts";
import { ask } from "../prompt.ts";
import { withProgress } from "../run-command.ts";
import { bytesInWords } from "../words.ts";
import { removedText } from "./rmi.ts";

const EXAMPLES = `
Examples:
  wick prune
  wick prune -f --filter until=24h
  wick prune -a -f
`;

interface Given {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly filter?: string;
  readonly json?: boolean;
}

/** `wick prune`. */
export function addPrune(program: Command): void {
  program
    .command("prune")
    .summary("remove from the store what nothing needs")
    .description(
      "Removes blobs that no name needs, images whose source has another digest by\nnow, parts of downloads, damaged files. What a running machine boots from stays.",
    )
    .option("-a, --all", "also names, and all built images that no machine boots from")
    .option("-f, --force", "do not ask")
    .addOption(
      new Option("--filter <until=time>", "only what was not used for that long").argParser(until),
    )
    .option("--json", "the result as one JSON object on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (given: Given) => {
      if (given.force !== true) await confirm(given);
      const options = {
        all: given.all === true,
        ...(given.filter === undefined ? {} : { until: given.filter }),
      };
      const removed = await withProgress({ progress: "auto", quiet: false }, (context) =>
        prune(options, context),
      );
      process.stdout.write(removedText(removed, given));
      if (given.json === true) return;
      process.stdout.write(`Total reclaimed space: ${bytesInWords(removed.reclaimedBytes)}\n`);
    });
}

function until(text: string): string {
  const match = /^until=(.+)$/.exec(text);
  if (match !== null) return match[1]!;
  throw new InvalidArgumentError("wanted until=TIME, as until=24h");
}

async function confirm({ all }: Given): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new WickError("USAGE", "Cannot ask whether to prune: there is no terminal, wanted -f");
  }
  using interruption = catchInterruption();
  const what =
    all === true
      ? "all names, and all built images that no machine boots from"
      : "blobs and built images that no name needs";
  const question = `This removes ${what}. Continue? [y/N] `;
  const answer = await ask(question, { signal: interruption.signal });
  if (!/^y(es)?$/i.test(answer.trim())) throw new WickError("INTERRUPTED", "Nothing was removed");
}
