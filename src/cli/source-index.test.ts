import { Command } from "commander";
import { expect, test } from "vitest";
import { sourceIndex, withInitValue } from "./source-index.ts";

const { options } = new Command()
  .option("-p, --publish <port>")
  .option("-q, --quiet")
  .option("-e, --env <variable>")
  .option("--init [kind]");

test("the source is the first word that is neither an option nor an option's value", () => {
  expect(sourceIndex(["-p", "80:80", "nginx"], options)).toBe(2);
  expect(sourceIndex(["-p80:80", "nginx"], options)).toBe(1);
  expect(sourceIndex(["--publish=80:80", "-q", "nginx", "-p", "x"], options)).toBe(2);
  expect(sourceIndex(["-qe", "A=1", "nginx"], options)).toBe(2);
  expect(sourceIndex(["-eA=1", "nginx"], options)).toBe(1);
  expect(sourceIndex(["--", "nginx"], options)).toBe(1);
  expect(sourceIndex(["-q"], options)).toBe(-1);
});

test("--init alone does not swallow the source, and the application's own --init is left alone", () => {
  expect(withInitValue(["--init", "nginx", "--init"], options)).toEqual([
    "--init=",
    "nginx",
    "--init",
  ]);
  expect(withInitValue(["--init=script", "nginx"], options)).toEqual(["--init=script", "nginx"]);
});
