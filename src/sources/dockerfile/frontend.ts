/**
 * BuildKit runs the image that a Dockerfile's `# syntax=` names in place of its own parser: a
 * program of a stranger's choice, with the build in its hands. Docker's own are no strangers.
 */
const DOCKERS_OWN =
  /^(docker\.io\/)?docker\/dockerfile(-upstream)?(:[\w][\w.-]*)?(@sha256:[\da-f]{64})?$/;

const DIRECTIVE = /^(?:#|\/\/)\s*syntax\s*=\s*(.+?)\s*$/i;

/** Only the head of the file counts. */
const HEAD_BYTES = 64 << 10;

/** The frontend that a Dockerfile asks for and that is not Docker's own; undefined: none. */
export function foreignFrontend(dockerfile: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(dockerfile.subarray(0, HEAD_BYTES));
  const lines = text.split(/\r\n|\r|\n/);
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    // `#!` may stand first; BuildKit also takes `//` comments, and JSON with the key "syntax".
    if (line === "" || (index === 0 && line.startsWith("#!"))) continue;
    if (line.startsWith("{")) return jsonSyntax(text) ?? "an unknown one (it begins with {)";
    const named = DIRECTIVE.exec(line)?.[1];
    if (named !== undefined && !DOCKERS_OWN.test(named)) return named;
    if (!/^(#|\/\/)/.test(line)) return undefined;
  }
  return undefined;
}

function jsonSyntax(text: string): string | undefined {
  return /"syntax"\s*:\s*"([^"]*)"/.exec(text)?.[1];
}
