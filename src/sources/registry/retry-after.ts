/**
 * How long a server asks to be left alone, in `ms` (RFC 9110 10.2.3): seconds, or a date that
 * is compared with the server's own clock. Undefined for anything else (`880µs`).
 */
export function retryAfterMs(
  header: string | undefined,
  now: { readonly date: string | undefined; readonly unixSeconds: number },
): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes nearly anything; HTTP's dates begin with a day's name.
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return undefined;
  const serverNow = Date.parse(now.date ?? "");
  return Math.max(0, at - (Number.isNaN(serverNow) ? now.unixSeconds * 1000 : serverNow));
}
