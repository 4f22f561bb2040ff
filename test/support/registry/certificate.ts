/** For tests: a private authority and a server's certificate of its own, made by openssl. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificate {
  /** The authority's certificate: a PEM file. */
  readonly authority: string;
  /** PEM texts of the server. */
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const NAMES =
  "subjectAltName=DNS:localhost,DNS:registry.test,DNS:metadata.test,IP:127.0.0.1,IP:127.0.0.2";

export function makeCertificate(directory: string, names: readonly string[] = []): Certificate {
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void =>
    void execFileSync("openssl", args, { stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.crt"),
    "-days",
    "30",
    "-subj",
    "/CN=test authority",
  );
  openssl(
    "req",
    ...key,
    "-keyout",
    file("server.key"),
    "-out",
    file("server.csr"),
    "-subj",
    "/CN=test server",
  );
  const more = names.map((name) => `,DNS:${name}`).join("");
  writeFileSync(file("names"), `${NAMES}${more}\n`);
  openssl(
    "x509",
    "-req",
    "-in",
    file("server.csr"),
    "-CA",
    file("ca.crt"),
    "-CAkey",
    file("ca.key"),
    "-CAcreateserial",
    "-days",
    "30",
    "-extfile",
    file("names"),
    "-out",
    file("server.crt"),
  );
  return {
    authority: file("ca.crt"),
    cert: readFileSync(file("server.crt"), "utf8"),
    key: readFileSync(file("server.key"), "utf8"),
    certFile: file("server.crt"),
    keyFile: file("server.key"),
  };
}
