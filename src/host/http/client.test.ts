import { connect } from "node:net";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { AT_ONCE_MS } from "../../../test/support/at-once.ts";
import { type Certificate, makeCertificate } from "../../../test/support/registry/certificate.ts";
import { listen, listenRaw } from "../../../test/support/registry/listener.ts";
import { lastingDirectory, temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import type { ConnectionError } from "./connection-error.ts";
import { openHttp } from "./open.ts";

let certificate: Certificate;

beforeAll(() => {
  certificate = makeCertificate(lastingDirectory());
});

async function send(
  url: string,
  options: {
    readonly environment?: Record<string, string>;
    readonly idleMs?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<{ status: number; text: string }> {
  const { environment = {}, idleMs = 2000, signal } = options;
  using http = await openHttp({ environment, idleMs, signal });
  const response = await http.send({ method: "GET", url: new URL(url) });
  const { bytes } = await response.body.upTo(1000);
  return { status: response.status, text: Buffer.from(bytes).toString() };
}

async function problem(promise: Promise<unknown>): Promise<ConnectionError> {
  return await promise.then(
    () => expect.unreachable("it succeeded"),
    (error: unknown) => error as ConnectionError,
  );
}

test("a proxy that closes on CONNECT is one error that names it, not a loop without end", async () => {
  const proxy = await listenRaw((socket) => {
    socket.once("data", () => socket.destroy());
  });
  const environment = { HTTPS_PROXY: `http://user:secret@${proxy.host}` };
  const start = performance.now();
  const error = await problem(send("https://registry.test/v2/", { environment }));
  expect(error.problem).toBe("proxy");
  expect(error.message).toContain(proxy.host);
  expect(error.message).not.toContain("secret");
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  expect(proxy.connections()).toBe(1);
});

test("a proxy that closes at once, refuses or says nothing: an error, and one connection", async () => {
  const answers = {
    "closes at once": "",
    "answers 403": "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "answers 407": "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "is no proxy": "SSH-2.0-OpenSSH\r\n",
  };
  for (const answer of Object.values(answers)) {
    const proxy = await listenRaw((socket) => {
      if (answer === "") socket.destroy();
      else socket.once("data", () => socket.end(answer));
    });
    const environment = { HTTPS_PROXY: `http://${proxy.host}` };
    const error = await problem(send("https://registry.test/v2/", { environment }));
    expect(error.problem).toBe("proxy");
    expect(proxy.connections()).toBe(1);
  }
});

test("a proxy that says nothing to CONNECT is waited for no longer than an idle server", async () => {
  const proxy = await listenRaw(() => undefined);
  const environment = { HTTPS_PROXY: `http://${proxy.host}` };
  const error = await problem(send("https://registry.test/v2/", { environment, idleMs: 300 }));
  expect(error.problem).toBe("silent");
  expect(proxy.connections()).toBe(1);
});

test("an interruption ends the waiting for a proxy, and its connection", async () => {
  let open = 0;
  const proxy = await listenRaw((socket) => {
    open++;
    socket.resume();
    socket.once("close", () => open--);
  });
  const abort = new AbortController();
  const environment = { HTTPS_PROXY: `http://${proxy.host}` };
  const options = { environment, idleMs: 60_000, signal: abort.signal };
  const sent = problem(send("https://registry.test/v2/", options));
  await expect.poll(() => open).toBe(1);
  const start = performance.now();
  abort.abort();
  expect((await sent).code).toBe("INTERRUPTED");
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  await expect.poll(() => open).toBe(0);
});

test("TLS goes through a proxy's tunnel, with its user and with private authorities", async () => {
  const server = await listen((_, response) => void response.end("through"), { tls: certificate });
  let head = "";
  const proxy = await listenRaw((socket) => {
    socket.once("data", (chunk: Buffer) => {
      head = chunk.toString();
      const target = connect(server.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(target).pipe(socket);
      });
      target.on("error", () => socket.destroy());
      socket.on("close", () => target.destroy());
    });
  });
  const environment = {
    HTTPS_PROXY: `http://user:pa%3Ass@${proxy.host}`,
    SSL_CERT_FILE: certificate.authority,
  };
  const { text } = await send("https://registry.test/v2/", { environment });
  expect(text).toBe("through");
  expect(head).toContain("CONNECT registry.test:443 HTTP/1.1");
  expect(head).toContain(`Basic ${Buffer.from("user:pa:ss").toString("base64")}`);
  expect(server.seen[0]!.headers["proxy-authorization"]).toBeUndefined();
});

test("clear text goes to a proxy as a whole address, without a tunnel", async () => {
  const proxy = await listen((_, response) => void response.end("proxied"));
  const environment = { HTTP_PROXY: `http://${proxy.host}` };
  expect((await send("http://registry.test/v2/?x=1", { environment })).text).toBe("proxied");
  expect(proxy.seen[0]!.url).toBe("http://registry.test/v2/?x=1");
});

test("certificates: of SSL_CERT_FILE, of the host's own directory, and of nobody else", async () => {
  const server = await listen((_, response) => void response.end("fine"), { tls: certificate });
  const url = `https://${server.host}/`;
  expect((await problem(send(url))).problem).toBe("certificate");
  const environment = { SSL_CERT_FILE: certificate.authority };
  expect((await send(url, { environment })).text).toBe("fine");
  for (const [name, works] of [
    [server.host, true],
    ["other.test", false],
  ] as const) {
    const home = temporaryDirectory();
    const directory = join(home, ".config/docker/certs.d", name);
    mkdirSync(directory, { recursive: true });
    copyFileSync(certificate.authority, join(directory, "ca.crt"));
    const result = send(url, { environment: { HOME: home } });
    if (works) expect((await result).text).toBe("fine");
    else expect((await problem(result)).problem).toBe("certificate");
  }
});

test("a file of certificates that is none is named", async () => {
  const file = join(temporaryDirectory(), "ca.pem");
  writeFileSync(file, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  const error = await problem(
    send("https://127.0.0.1:1/", { environment: { SSL_CERT_FILE: file } }),
  );
  expect(error.code).toBe("CONFIG_INVALID");
});

test("connections that cannot be made are told apart", async () => {
  const closed = await listen(() => undefined);
  await closed.close();
  expect((await problem(send(`http://${closed.host}/`))).problem).toBe("refused");
  expect((await problem(send("http://no-such-host.invalid/"))).problem).toMatch(
    /unknown-host|unreachable/,
  );
  const clear = await listen((_, response) => void response.end("x"));
  expect((await problem(send(`https://${clear.host}/`))).problem).toBe("not-tls");
  const resets = await listenRaw((socket) => socket.resetAndDestroy());
  expect((await problem(send(`http://${resets.host}/`))).problem).toBe("broken");
  const talks = await listenRaw((socket) => {
    socket.once("data", () => socket.end("not HTTP at all\r\n\r\n"));
  });
  expect((await problem(send(`http://${talks.host}/`))).problem).toBe("malformed");
  const long = await listenRaw((socket) => {
    const head = `HTTP/1.1 200 OK\r\nx: ${"y".repeat(1 << 20)}\r\n\r\n`;
    socket.once("data", () => socket.end(head));
  });
  expect((await problem(send(`http://${long.host}/`))).problem).toBe("malformed");
});
