import type { Command } from "commander";
import { openImage, type ListedNode } from "../../index.ts";
import { quietContext } from "../run-command.ts";
import { catchInterruption } from "../interrupt.ts";

const LETTER = {
  file: "-",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
} as const;

/** `wick ls`. */
export function addLs(program: Command): void {
  program
    .command("ls <image> [path]")
    .summary("list files of an image")
    .description("Lists a directory or file inside an image, in the form of ls -l.")
    .option("-R, --recursive", "all that is below, with whole paths")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      "\nExamples:\n  wick ls nginx.ext4\n  wick ls nginx.ext4 /etc/nginx\n  wick ls -R --json nginx.ext4 /usr | jq -r .path\n",
    )
    .action(
      async (
        image: string,
        path: string | undefined,
        options: { recursive?: boolean; json?: boolean },
      ) => {
        using interruption = catchInterruption();
        using opened = await openImage(image, quietContext(interruption.signal));
        const nodes = opened.list(path ?? "/", { recursive: options.recursive === true });
        if (options.json === true)
          for (const node of nodes) process.stdout.write(`${JSON.stringify(node)}\n`);
        else process.stdout.write(table([...nodes], options.recursive === true ? "path" : "name"));
      },
    );
}

/** Rows of ls -l: mode, links, owner, group, size or device, time, name or path. */
function table(nodes: readonly ListedNode[], called: "name" | "path"): string {
  const rows = nodes.map((node) => [
    LETTER[node.kind] + permissions(node.mode),
    String(node.links),
    String(node.uid),
    String(node.gid),
    node.rdev === undefined ? String(node.sizeBytes) : `${node.rdev.major},${node.rdev.minor}`,
    node.mtime.replace("T", " ").replace(/\..*$/, ""),
    node[called] + (node.target === undefined ? "" : ` -> ${node.target}`),
  ]);
  // A long list has more rows than a call takes arguments.
  const widths = [0, 1, 2, 3, 4].map((i) =>
    rows.reduce((width, row) => Math.max(width, row[i]!.length), 0),
  );
  const line = (row: readonly string[]): string =>
    [row[0]!, ...[1, 2, 3, 4].map((i) => row[i]!.padStart(widths[i]!)), row[5]!, row[6]!].join(" ");
  return rows.map((row) => `${line(row)}\n`).join("");
}

/** `rwxr-sr-t` of mode bits. */
export function permissions(mode: number): string {
  const bits = [6, 3, 0].map((shift) => {
    const three = (mode >> shift) & 7;
    return [three & 4 ? "r" : "-", three & 2 ? "w" : "-", three & 1 ? "x" : "-"];
  });
  const special = [
    [0o4000, "s"],
    [0o2000, "s"],
    [0o1000, "t"],
  ] as const;
  special.forEach(([bit, letter], i) => {
    if (mode & bit) bits[i]![2] = bits[i]![2] === "x" ? letter : letter.toUpperCase();
  });
  return bits.flat().join("");
}
