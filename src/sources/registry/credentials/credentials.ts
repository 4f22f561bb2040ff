/** What is shown to a registry or its token service. */
export type Credentials =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** A refresh token (distribution, docs/spec/auth/oauth.md). */
  | { readonly kind: "identity"; readonly token: string }
  /** Sent to the registry as it is. */
  | { readonly kind: "bearer"; readonly token: string };

/** The value of an Authorization header for a user and password (RFC 7617: UTF-8). */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Texts of `credentials` that must appear in no message. */
export function secretsOf(credentials: Credentials | undefined): readonly string[] {
  if (credentials === undefined) return [];
  if (credentials.kind !== "basic") return [credentials.token];
  const { username, password } = credentials;
  return [password, basicHeader(username, password).slice("Basic ".length)];
}
