import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { AT_ONCE_MS } from "../../../test/support/at-once.ts";
import { record } from "../../../test/support/record.ts";
import {
  builtInRecipe,
  debianBase,
  mergeRecipes,
  parseRecipe,
  readRecipe,
  recipeLayer,
} from "./index.ts";

const parse = (text: string): ReturnType<typeof parseRecipe> =>
  parseRecipe(Buffer.from(text), "mine.yaml");

interface Problems {
  readonly code: string;
  readonly detail: readonly string[];
  readonly message: string;
}

const problemsOf = async (text: string): Promise<Problems> => {
  try {
    await parse(text);
  } catch (error) {
    return error as Problems;
  }
  throw new Error(`no problem in ${text}`);
};

const nothing = (): undefined => undefined;

test("every recipe of wick's is read, and says how its application starts", async () => {
  const directory = new URL("../../../recipes/", import.meta.url);
  const names = readdirSync(directory).map((name) => name.replace(/\.yaml$/, ""));
  expect(names).toContain("nginx-light");
  for (const name of names) {
    const recipe = (await builtInRecipe(name))!;
    if (name === "debian-base") expect(recipe.config).toBeUndefined();
    else expect(recipe.config!.Cmd![0]).toMatch(/^\//);
  }
});

test("the friendly words are the config's OCI names", async () => {
  const recipe = await parse(`
argv: [/bin/x, -v]
env: { A: b, N: 1 }
user: "1000:1000"
workingDir: /srv
ports: [80, 53/udp]
stopSignal: SIGQUIT
config: { Labels: { k: v } }
`);
  expect(recipe.config).toEqual({
    Cmd: ["/bin/x", "-v"],
    Env: ["A=b", "N=1"],
    User: "1000:1000",
    WorkingDir: "/srv",
    ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    StopSignal: "SIGQUIT",
    Labels: { k: "v" },
  });
  expect((await parse("config: { Entrypoint: [/bin/y] }")).config).toEqual({
    Entrypoint: ["/bin/y"],
  });
  expect((await parse("description: only files")).config).toBeUndefined();
});

test("all problems come at once, each with its path", async () => {
  const { code, detail } = await problemsOf(`
argv: nginx
colour: red
users: [{ name: Bad Name, uid: -1, gid: 5 }]
directories: [{ path: relative, owner: "a:b:c" }, { mode: "0755" }]
links: [{ path: /a/../b, target: x, extra: 1 }]
`);
  expect(code).toBe("CONFIG_INVALID");
  const paths = detail.map((line) => line.split(":", 1)[0]).sort();
  expect(paths).toEqual([
    "argv",
    "colour",
    "directories.0.owner",
    "directories.0.path",
    "directories.1.path",
    "links.0.extra",
    "links.0.path",
    "users.0.name",
    "users.0.uid",
  ]);
  expect(detail).toContain("colour: unknown key");
  expect(detail).toContain("directories.1.path: missing");
});

test("a mode that is not quoted is refused with the way to write it", async () => {
  const { detail } = await problemsOf("files: [{ path: /a, content: x, mode: 0644 }]");
  expect(detail).toEqual([
    'files.0.mode: wanted octal digits in quotes, as in mode: "0644" (a bare 0644 is the number 644 in YAML)',
  ]);
  expect((await parse('files: [{ path: /a, content: x, mode: "0644" }]')).files[0]!.mode).toBe(
    0o644,
  );
  expect((await problemsOf('files: [{ path: /a, content: x, mode: "0888" }]')).detail).toHaveLength(
    1,
  );
});

test("hostile YAML is refused, fast, and reaches no prototype", async () => {
  const aliases = `a: &a [x]\n${Array.from({ length: 300 }, (_, i) => `k${i}: [*a, *a]`).join("\n")}`;
  const start = performance.now();
  for (const text of [
    "__proto__: { polluted: 1 }",
    "env: { __proto__: x }",
    "config: { constructor: { prototype: { polluted: 1 } } }",
    "a: &x { b: 1 }\n<<: *x",
    "argv: [/a]\nargv: [/b]",
    "--- {}\n--- {}",
    "argv: !evil [x]",
    "argv: [",
    "\tdescription: tabs",
    "- a list",
    "text",
    aliases,
  ]) {
    expect((await problemsOf(text)).code, text.slice(0, 40)).toBe("CONFIG_INVALID");
  }
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  await expect(parseRecipe(Buffer.alloc(2 << 20, "#"), "big")).rejects.toThrow(/wanted at most/);
  await expect(parseRecipe(Buffer.from([0xff, 0xfe]), "odd")).rejects.toThrow(/not UTF-8/);
});

test("what is said twice, and what the config cannot be, are errors", async () => {
  expect((await problemsOf("argv: [/a]\nconfig: { Cmd: [/b] }")).message).toContain(
    "config.Cmd: it is said twice",
  );
  expect((await problemsOf("config: { Cmdd: [/b] }")).message).toContain("Cmdd");
});

test("accounts are appended to the ones that are there, and a name that is there stays", async () => {
  const recipe = await parse(`
users: [{ name: app, uid: 500, gid: 500, home: /srv }, { name: root, uid: 7, gid: 7 }]
groups: [{ name: app, gid: 500, members: [app] }]
files: [{ path: /srv/x, content: "hello", owner: app }]
`);
  const there: Record<string, string> = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh",
    "/etc/shadow": "root:*:1:::::",
  };
  const files = new Map<string, string>();
  const visitor = {
    path: "",
    entry(entry: { path: Uint8Array; uid: number }) {
      this.path = `${Buffer.from(entry.path).toString()} of ${entry.uid}`;
    },
    data(chunk: Uint8Array) {
      files.set(this.path, (files.get(this.path) ?? "") + Buffer.from(chunk).toString());
    },
    hole: () => undefined,
    endFile: () => undefined,
    warn: () => undefined,
  };
  await recipeLayer(recipe, (path) => {
    const text = there[path];
    return text === undefined ? undefined : Buffer.from(text);
  }).play(visitor);
  expect(Object.fromEntries(files)).toEqual({
    "etc/passwd of 0": "root:x:0:0:root:/root:/bin/sh\napp:x:500:500::/srv:/usr/sbin/nologin\n",
    "etc/group of 0": "app:x:500:app\n",
    "etc/shadow of 0": "root:*:1:::::\napp:*:0:0:99999:7:::\n",
    "srv/x of 500": "hello",
  });
});

test("an owner that nobody knows is USER_UNKNOWN", async () => {
  const recipe = await parse("directories: [{ path: /a, owner: nobody-knows }]");
  await expect(record(recipeLayer(recipe, nothing))).rejects.toMatchObject({
    code: "USER_UNKNOWN",
  });
});

test("Debian's base has the accounts of base-passwd, and /tmp for all", async () => {
  const { entries } = await record(recipeLayer(await debianBase(), nothing));
  const lines = entries.map(({ line }) => line.replace(" 0.000000000", ""));
  expect(lines).toContain("directory 1777 0:0 tmp");
  expect(lines).toContain("symlink 777 0:0 lib -> usr/lib");
  expect(lines).toContain("file 644 0:0 etc/passwd");
});

test("several recipes are one: lists of all, the config of the first", async () => {
  const [a, b] = [
    await parse("groups: [{ name: a, gid: 1 }]"),
    await parse("argv: [/b]\ngroups: [{ name: b, gid: 2 }]"),
  ];
  const merged = mergeRecipes([a, b, await parse("argv: [/c]")])!;
  expect(merged.groups.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(merged.config).toEqual({ Cmd: ["/b"] });
  expect(mergeRecipes([])).toBeUndefined();
});

test("no name leads out of the recipes, and a file that is not there is said so", async () => {
  expect(await builtInRecipe("../package")).toBeUndefined();
  expect(await builtInRecipe("no-such-package")).toBeUndefined();
  await expect(readRecipe("/nonexistent.yaml")).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
  });
});
