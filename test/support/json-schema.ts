/** A small walk over Swagger 2.0's schemas, as far as VMMs' API descriptions use them. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

export type Definitions = Readonly<Record<string, Schema>>;

/** Everything in `value` that `schema` does not allow; a key that it does not name is one. */
export function problems(
  value: unknown,
  schema: Schema,
  definitions: Definitions,
  at = "",
): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1)!;
    const found = definitions[name];
    return found === undefined
      ? [`${at}: no definition ${name}`]
      : problems(value, found, definitions, at);
  }
  if (schema.properties !== undefined || schema.type === "object") {
    return objectProblems(value, schema, definitions, at);
  }
  return [...typeProblems(value, schema, at), ...rangeProblems(value, schema, at)];
}

function objectProblems(
  value: unknown,
  { properties = {}, required = [] }: Schema,
  definitions: Definitions,
  at: string,
): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`${at}: no object`];
  }
  const missing = required.filter((key) => !(key in value)).map((key) => `${at}.${key}: missing`);
  const wrong = Object.entries(value).flatMap(([key, inner]) => {
    const schema = properties[key];
    return schema === undefined
      ? [`${at}.${key}: unknown`]
      : problems(inner, schema, definitions, `${at}.${key}`);
  });
  return [...missing, ...wrong];
}

const isOfType: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
};

function typeProblems(value: unknown, { type, enum: allowed }: Schema, at: string): string[] {
  if (type !== undefined && isOfType[type]?.(value) !== true) return [`${at}: no ${type}`];
  if (allowed !== undefined && !allowed.includes(value)) return [`${at}: ${String(value)}`];
  return [];
}

function rangeProblems(value: unknown, { minimum, maximum }: Schema, at: string): string[] {
  if (typeof value !== "number") return [];
  const isIn = value >= (minimum ?? value) && value <= (maximum ?? value);
  return isIn ? [] : [`${at}: ${value}`];
}
