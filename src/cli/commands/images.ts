import type { Command } from "commander";
import { listImages, type ImageList, type ImageRow } from "../../index.ts";
import { catchInterruption } from "../interrupt.ts";
import { quietContext } from "../run-command.ts";
import { tableText } from "../table.ts";
import { agoInWords, bytesInWords } from "../words.ts";

const EXAMPLES = `
Examples:
  wick images
  wick images --json | jq -r 'select(.built == []) | .reference'
  wick rmi $(wick images -q)
`;

interface Given {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `wick images`. */
export function addImages(program: Command): void {
  program
    .command("images")
    .summary("list what the store holds")
    .description(
      "Lists images of registries that were pulled, images that were built, and what they take.",
    )
    .option("-q, --quiet", "only digests, enough of each for wick rmi")
    .option("--json", "one JSON object a line")
    .addHelpText("after", EXAMPLES)
    .action(async (given: Given) => {
      using interruption = catchInterruption();
      const list = await listImages(quietContext(interruption.signal));
      process.stdout.write(textOf(list, given));
      if (given.quiet !== true && given.json !== true) process.stderr.write(totalText(list));
    });
}

function textOf({ images }: ImageList, { quiet, json }: Given): string {
  if (json === true) return images.map((row) => `${JSON.stringify(row)}\n`).join("");
  if (quiet === true) return [...new Set(images.flatMap(digestsOf))].map((d) => `${d}\n`).join("");
  const headers = ["REFERENCE", "PLATFORM", "DIGEST", "USED", "SIZE", "BUILT"];
  const nowSeconds = Date.now() / 1000;
  return tableText(
    headers,
    images.map((row) => cellsOf(row, nowSeconds)),
  );
}

const SHORT_DIGITS = 12;

function digestsOf({ digest, built }: ImageRow): string[] {
  const all = digest === undefined ? built.map(({ key }) => key) : [digest];
  return all.map((text) => text.replace(/^sha256:/, "").slice(0, SHORT_DIGITS));
}

function cellsOf(row: ImageRow, nowSeconds: number): string[] {
  const { reference, platform = "-", resolvedAt = 0, blobBytes, built } = row;
  const usedAt = Math.max(resolvedAt, ...built.map((image) => image.usedAt));
  const builtBytes = built.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  return [
    reference,
    platform,
    digestsOf(row)[0] ?? "-",
    agoInWords(nowSeconds - usedAt),
    blobBytes === 0 ? "-" : bytesInWords(blobBytes),
    built.length === 0 ? "-" : bytesInWords(builtBytes),
  ];
}

function totalText({ total }: ImageList): string {
  const { blobs, blobBytes, built, builtBytes } = total;
  return `${blobs} blobs, ${bytesInWords(blobBytes)}; ${built} built images, ${bytesInWords(builtBytes)} on disk\n`;
}
