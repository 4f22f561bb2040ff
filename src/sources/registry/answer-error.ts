import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { type HttpResponse, unixSeconds } from "../../host/index.ts";
import { BusyError } from "./retry.ts";
import { retryAfterMs } from "./retry-after.ts";

/** Bytes of an answer's body that are read for its message, and characters that are shown. */
const BODY_MAX = 4096;
const SHOWN_MAX = 300;

/** What an answer was asked for. */
export interface Asked {
  /** For the message: `Cannot <action>: …`. */
  readonly action: string;
  /** Who answers. */
  readonly host: string;
  /** Texts that must not be shown, whatever the server repeats. */
  readonly secrets?: readonly string[];
}

const BUSY: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** An answer that is none, as an error; a BusyError where trying again may help. */
export async function answerError(response: HttpResponse, asked: Asked): Promise<WickError> {
  const said = await whatItSays(response, asked.secrets ?? []);
  const { status } = response;
  const message = `Cannot ${asked.action}: ${sanitise(asked.host)} answers ${status}${said}`;
  if (BUSY.includes(status)) {
    const now = { date: response.header("date"), unixSeconds: unixSeconds() };
    return new BusyError(message, {
      retryAfterMs: retryAfterMs(response.header("retry-after"), now),
      ...(status === 429 ? { hint: `wick login ${sanitise(asked.host)} may raise the limit` } : {}),
    });
  }
  if (status === 404) return new WickError("SOURCE_NOT_FOUND", message);
  if (status === 401 || status === 403) return new WickError("UNAUTHORIZED", message);
  return new WickError("REGISTRY_FAILED", message);
}

async function whatItSays(response: HttpResponse, secrets: readonly string[]): Promise<string> {
  let bytes: Uint8Array;
  try {
    ({ bytes } = await response.body.upTo(BODY_MAX));
  } catch {
    return ""; // the status says enough
  }
  const text = new TextDecoder().decode(bytes);
  const words = messageOf(text) ?? (/<\w/.test(text) ? "" : text);
  const shown = redact(words.replace(/\s+/g, " ").trim(), secrets).slice(0, SHOWN_MAX);
  return shown === "" ? "" : `, "${sanitise(shown)}"`;
}

/** `{"errors":[{"code","message"}]}` of the distribution specification, or OAuth's `{"error"}`. */
function messageOf(text: string): string | undefined {
  try {
    const { errors, details, error } = JSON.parse(text) as Record<string, unknown>;
    const [first] = Array.isArray(errors) ? (errors as Record<string, unknown>[]) : [];
    const found = [first?.["message"], first?.["code"], details, error];
    return found.find((one) => typeof one === "string" && one !== "") as string | undefined;
  } catch {
    return undefined;
  }
}

/** `text` without `secrets` and without what looks like an Authorization header. */
export function redact(text: string, secrets: readonly string[]): string {
  let result = text;
  for (const secret of secrets) {
    if (secret.length > 3) result = result.replaceAll(secret, "[removed]");
  }
  return result.replace(/\b(basic|bearer)\s+[\w+/=.~-]{4,}/gi, "$1 [removed]");
}
