import { readFileSync } from "node:fs";
import { problems, type Definitions, type Schema } from "./json-schema.ts";

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly schema?: Schema }[];
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly definitions: Definitions;
}

const file = new URL("../fixtures/firecracker-api-v1.16.1.json", import.meta.url);
const description = JSON.parse(readFileSync(file, "utf8")) as Description;

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: object | undefined;
}

/** What Firecracker's published API description has against a request; nothing: it fits. */
export function apiProblems({ method, path, body }: ApiRequest): string[] {
  const operation = operationAt(path)?.[method.toLowerCase()];
  if (operation === undefined) return [`${method} ${path}: no such operation`];
  const wanted = operation.parameters?.find((parameter) => parameter.in === "body")?.schema;
  if (wanted === undefined) return body === undefined ? [] : ["a body that is not wanted"];
  return problems(body, wanted, description.definitions);
}

/** `{name}` in a path of the description stands for one part. */
function operationAt(path: string): Readonly<Record<string, Operation>> | undefined {
  const fits = (template: string): boolean =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);
  const found = Object.keys(description.paths).find(fits);
  return found === undefined ? undefined : description.paths[found];
}
