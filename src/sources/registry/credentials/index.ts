/** credentials/: what Docker and podman keep for registries, found, kept and forgotten. */
export { basicHeader, type Credentials, secretsOf } from "./credentials.ts";
export { type CredentialSearch, findCredentials } from "./find.ts";
export { forgetCredentials, type Kept, keepCredentials } from "./keep.ts";
