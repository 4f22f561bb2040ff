import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { outputNameOf } from "./output-name.ts";

test("the last archive gives the name, the kernel's form the ending", () => {
  const directory = temporaryDirectory();
  const name = (form: "ELF" | "bzImage" | "Image", ...archives: string[]): string =>
    outputNameOf({ form, archives }, directory).slice(directory.length + 1);
  expect(name("ELF", "modules.cpio", "out/app.cpio.zst")).toBe("app.vmlinux");
  expect(name("bzImage", "app.cpio")).toBe("app.bzImage");
  expect(name("Image", "initrd.img")).toBe("initrd.img.image");
  expect(name("Image", "app.gz")).toBe("app.image");
});
