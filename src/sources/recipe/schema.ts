import * as v from "valibot";
import { portKey, signalNumber } from "../../application/index.ts";

/** Longest lists and texts of a recipe: bounds, not wishes. */
const ITEMS_MAX = 10_000;
const CONTENT_MAX = 1 << 20;
const ID_MAX = 0x7fffffff;

const text = v.pipe(
  v.string("wanted a text"),
  v.check((s) => !/[\0\p{Surrogate}]/u.test(s), "wanted no NUL and no half of a character"),
);
const line = v.pipe(
  text,
  v.check((s) => !/[\p{Cc}:]/u.test(s), "wanted no colon and no control character"),
);
const path = v.pipe(
  text,
  v.check(
    (s) => s.startsWith("/") && s.length > 1 && !/(^|\/)\.{1,2}(\/|$)|\/\/|\/$/.test(s),
    'wanted a path that begins with "/", without "." or ".." in it and no "/" at its end',
  ),
);
const mode = v.pipe(
  v.string(
    'wanted octal digits in quotes, as in mode: "0644" (a bare 0644 is the number 644 in YAML)',
  ),
  v.regex(/^[0-7]{3,4}$/, 'wanted three or four octal digits in quotes, as in "0644"'),
  v.transform((digits) => Number.parseInt(digits, 8)),
);
const id = v.pipe(
  v.number("wanted a number"),
  v.safeInteger("wanted a whole number"),
  v.minValue(0, "wanted no negative number"),
  v.maxValue(ID_MAX, `wanted at most ${ID_MAX}`),
);
/** A user's or group's name, as useradd(8) takes it. */
const name = v.pipe(
  v.string("wanted a name"),
  v.regex(/^[a-z_][a-z0-9_-]{0,31}$/, "wanted a name of at most 32 of a-z, 0-9, _ and -"),
);
const owner = v.pipe(
  v.string('wanted a text, as in "www-data:adm"'),
  v.regex(/^[a-z0-9_-]+(:[a-z0-9_-]+)?$/, 'wanted USER or USER:GROUP, as in "www-data:adm"'),
);
const port = v.pipe(
  v.union([v.number(), v.string()], "wanted a port such as 80 or 53/udp"),
  v.transform(String),
  v.check((s) => portKey(s) !== undefined, "wanted a port such as 80 or 53/udp"),
);
const signal = v.pipe(
  v.union([v.number(), v.string()], "wanted a signal such as SIGTERM"),
  v.transform(String),
  v.check((s) => signalNumber(s) !== undefined, "wanted a signal such as SIGTERM"),
);

const listOf = <S extends v.GenericSchema>(item: S) =>
  v.pipe(v.array(item, "wanted a list"), v.maxLength(ITEMS_MAX, `wanted at most ${ITEMS_MAX}`));

const user = v.strictObject(
  {
    name,
    uid: id,
    gid: id,
    comment: v.optional(line, ""),
    home: v.optional(v.union([path, v.literal("/")], "wanted an absolute path"), "/"),
    shell: v.optional(path, "/usr/sbin/nologin"),
  },
  "wanted name, uid, gid and at most comment, home, shell",
);
const group = v.strictObject(
  { name, gid: id, members: v.optional(listOf(name), []) },
  "wanted name, gid and at most members",
);
const directory = v.strictObject(
  { path, mode: v.optional(mode, "0755"), owner: v.optional(owner, "0:0") },
  "wanted path and at most mode, owner",
);
const link = v.strictObject({ path, target: text }, "wanted path and target");
const file = v.strictObject(
  {
    path,
    content: v.pipe(text, v.maxLength(CONTENT_MAX, `wanted at most ${CONTENT_MAX} characters`)),
    mode: v.optional(mode, "0644"),
    owner: v.optional(owner, "0:0"),
  },
  "wanted path, content and at most mode, owner",
);

/** A recipe as it is written; docs/recipes.md is this in words. */
export const recipeSchema = v.strictObject(
  {
    description: v.optional(text),
    argv: v.optional(v.pipe(listOf(text), v.minLength(1, "wanted at least the program"))),
    env: v.optional(
      v.record(
        v.pipe(v.string(), v.regex(/^[^=\0]+$/, "wanted a name without =")),
        v.pipe(v.union([v.string(), v.number()], "wanted a text"), v.transform(String)),
        "wanted NAME: value",
      ),
    ),
    user: v.optional(owner),
    workingDir: v.optional(v.union([path, v.literal("/")], "wanted an absolute path")),
    ports: v.optional(listOf(port)),
    stopSignal: v.optional(signal),
    /** The same and more in the OCI image config's own names. */
    config: v.optional(
      v.custom<object>((is) => typeof is === "object" && is !== null, "wanted an object"),
    ),
    users: v.optional(listOf(user), []),
    groups: v.optional(listOf(group), []),
    directories: v.optional(listOf(directory), []),
    links: v.optional(listOf(link), []),
    files: v.optional(listOf(file), []),
  },
  "wanted a mapping",
);

/** A recipe as it is read: defaults filled in, modes as numbers. */
export type ReadRecipe = v.InferOutput<typeof recipeSchema>;
