/** A program that wick runs and that fails: its status or signal, and its last words. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { pipeThroughTool, runTool, setFaults } from "../../src/host/index.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const path = process.env["PATH"];

afterEach(() => {
  process.env["PATH"] = path;
  setFaults([]);
});

/** Makes `sh` commands into a program called `tool`, the first of that name. */
function makeTool(commands: string): void {
  const directory = temporaryDirectory();
  const tool = join(directory, "wick-test-tool");
  writeFileSync(tool, `#!/bin/sh\n${commands}\n`);
  chmodSync(tool, 0o755);
  process.env["PATH"] = `${directory}:${path}`;
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of chunks);
}

const purpose = "test tools";
const ways = {
  "run to its end": () => runTool("wick-test-tool", [], { purpose }),
  "as a filter": () => drain(pipeThroughTool("wick-test-tool", [], { purpose })),
} as const;

for (const [way, run] of Object.entries(ways)) {
  test(`a tool ${way} that fails is TOOL_FAILED with its status and last words`, async () => {
    makeTool("echo first; printf 'last \\033[31mwords\\n' >&2; exit 3");
    const error: unknown = await run().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "TOOL_FAILED" });
    expect(String(error)).toContain("Cannot test tools: wick-test-tool");
    expect(String(error)).toContain("3");
    expect((error as { detail: string[] }).detail.join()).toMatch(/^last .*words$/);
    expect((error as { detail: string[] }).detail.join()).not.toContain("\u001b");
  });

  test(`a tool ${way} that a signal ends is TOOL_FAILED with the signal`, async () => {
    makeTool("kill -SEGV $$");
    await expect(run()).rejects.toMatchObject({
      code: "TOOL_FAILED",
      message: expect.stringContaining("SIGSEGV") as string,
    });
  });
}
