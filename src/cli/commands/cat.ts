import type { Command } from "commander";
import { openImage } from "../../index.ts";
import { quietContext } from "../run-command.ts";
import { catchInterruption } from "../interrupt.ts";
import { writeOut } from "../streams.ts";

/** `wick cat`. */
export function addCat(program: Command): void {
  program
    .command("cat <image> <path>")
    .summary("print a file of an image")
    .description("Prints the bytes of a file inside an image; links are followed inside it.")
    .addHelpText(
      "after",
      "\nExamples:\n  wick cat nginx.ext4 /etc/nginx/nginx.conf\n  wick cat nginx.ext4 /.wick/config.json\n  wick cat nginx.ext4 /usr/sbin/nginx | sha256sum\n",
    )
    .action(async (image: string, path: string) => {
      using interruption = catchInterruption();
      using opened = await openImage(image, quietContext(interruption.signal));
      for (const chunk of opened.read(path)) {
        if (!(await writeOut(process.stdout, chunk))) return;
      }
    });
}
