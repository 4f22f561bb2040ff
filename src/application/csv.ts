/**
 * The fields of one line of CSV (RFC 4180), which is how Docker writes options with paths in
 * them: a field in quotes may hold commas, and quotes doubled. Undefined when it is none.
 */
export function csvFields(line: string): string[] | undefined {
  const fields: string[] = [];
  const field = /("(?:[^"]|"")*"|[^",]*)(,|$)/gy;
  for (;;) {
    const match = field.exec(line);
    if (match === null) return undefined;
    const [, text = "", separator] = match;
    fields.push(text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text);
    if (separator === "") return fields;
    // A comma at the end: one more field, which is empty and which the pattern cannot match again.
    if (field.lastIndex === line.length) return [...fields, ""];
  }
}
