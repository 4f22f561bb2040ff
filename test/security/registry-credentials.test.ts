import { mkdirSync, writeFileSync } from "node:fs";
import { lookup as systemLookup } from "node:dns";
import { connect } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { WickError } from "../../src/errors/index.ts";
import type { AddressRules } from "../../src/host/index.ts";
import { logIn } from "../../src/sources/registry/index.ts";
import { type Certificate, makeCertificate } from "../support/registry/certificate.ts";
import { hostileRegistry, isBlob, serveImage } from "../support/registry/hostile.ts";
import { type MemoryImage, memoryImage } from "../support/registry/image.ts";
import {
  type Handler,
  type Listener,
  listen,
  listenRaw,
  type SeenRequest,
} from "../support/registry/listener.ts";
import { pullAll, quick } from "../support/registry/pulling.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const SECRET = "s3cret:with-a-colon";
const BASIC = `Basic ${Buffer.from(`user:${SECRET}`).toString("base64")}`;

let certificate: Certificate;

beforeAll(() => {
  certificate = makeCertificate(lastingDirectory());
});

/** A home in which Docker keeps a password for `hosts`; `settings` is registries.yaml. */
function homeWith(hosts: readonly string[], settings?: string): string {
  const directory = temporaryDirectory();
  const docker = join(directory, "home/.docker");
  mkdirSync(docker, { recursive: true });
  const auth = BASIC.slice("Basic ".length);
  const auths = Object.fromEntries(hosts.map((host) => [host, { auth }]));
  writeFileSync(join(docker, "config.json"), JSON.stringify({ auths }));
  if (settings !== undefined) {
    mkdirSync(join(directory, "home/.config/wick"), { recursive: true });
    writeFileSync(join(directory, "home/.config/wick/registries.yaml"), settings);
  }
  return directory;
}

function trusting(): Record<string, string> {
  return { SSL_CERT_FILE: certificate.authority };
}

/** Every byte that a server was sent. */
function everything(listener: Listener): string {
  return JSON.stringify(listener.seen);
}

function expectNoSecret(listener: Listener): void {
  const text = everything(listener);
  expect(text).not.toContain(SECRET);
  expect(text).not.toContain(BASIC.slice("Basic ".length));
}

const tokenService: Handler = (_, response) => {
  response.writeHead(200).end(JSON.stringify({ token: "a-token" }));
};

/** A registry that wants a token of `realm()`, or a user and password. */
function wantsToken(
  realm: () => string,
  isFine: (auth: string) => boolean = (auth) => auth === "Bearer a-token",
) {
  return ({ headers }: SeenRequest, response: Parameters<Handler>[1]): boolean => {
    if (isFine(headers.authorization ?? "")) return false;
    const challenge = `Bearer realm="${realm()}",service="test"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  };
}

async function failure(promise: Promise<unknown>): Promise<WickError> {
  return await promise.then(
    () => expect.unreachable("it succeeded"),
    (error: unknown) => error as WickError,
  );
}

test("the bearer flow: a password goes to the registry's own token service, the token to the registry", async () => {
  const service = await listen(tokenService);
  const image = memoryImage();
  const registry = await hostileRegistry(image, {
    instead: wantsToken(() => `http://${service.host}/token`),
  });
  const directory = homeWith([registry.host]);
  await pullAll(`${registry.host}/some/app:1`, { directory });
  const [asked] = service.seen;
  expect(asked!.headers.authorization).toBe(BASIC);
  expect(asked!.url).toBe("/token?service=test&scope=repository%3Asome%2Fapp%3Apull&account=user");
  expect(service.seen).toHaveLength(1);
  expectNoSecret(registry);
  // One that was to speak TLS, and one for all the rest.
  expect(registry.connections()).toBe(2);
});

test("an identity token is exchanged by a POST", async () => {
  const service = await listen((_, response) => {
    response.writeHead(200).end(JSON.stringify({ access_token: "a-token" }));
  });
  const registry = await hostileRegistry(memoryImage(), {
    instead: wantsToken(() => `http://${service.host}/token`),
  });
  const directory = homeWith([]);
  const auths = { [registry.host]: { identitytoken: "refresh-me" } };
  writeFileSync(join(directory, "home/.docker/config.json"), JSON.stringify({ auths }));
  await pullAll(`${registry.host}/app`, { directory });
  const [asked] = service.seen;
  expect(asked!.method).toBe("POST");
  expect(Object.fromEntries(new URLSearchParams(asked!.body))).toEqual({
    grant_type: "refresh_token",
    client_id: "wick",
    refresh_token: "refresh-me",
    service: "test",
    scope: "repository:app:pull",
  });
});

test("a token that has run out is renewed, in the middle of a pull as well", async () => {
  let issued = 0;
  let uses = 0;
  const service = await listen((_, response) => {
    response.writeHead(200).end(JSON.stringify({ token: `token-${++issued}` }));
  });
  const registry = await hostileRegistry(memoryImage(), {
    // Each token does for one request.
    instead: wantsToken(
      () => `http://${service.host}/token`,
      (authorization) => authorization === `Bearer token-${issued}` && issued > uses && ++uses > 0,
    ),
  });
  await pullAll(`${registry.host}/app`, { directory: homeWith([]) });
  expect(issued).toBe(3);
});

test("R1 a realm on another host is shown no password: it is asked without one", async () => {
  const evil = await listen(tokenService, { address: "127.0.0.2" });
  const registry = await hostileRegistry(memoryImage(), {
    instead: wantsToken(() => `http://${evil.host}/token`),
  });
  await pullAll(`${registry.host}/app`, { directory: homeWith([registry.host]) });
  expect(evil.seen).toHaveLength(1);
  expect(evil.seen[0]!.headers.authorization).toBeUndefined();
  expectNoSecret(evil);
});

test("R1 where nobody is let in without a password, the error names both hosts", async () => {
  const evil = await listen(tokenService, { address: "127.0.0.2" });
  const registry = await hostileRegistry(memoryImage(), {
    instead: wantsToken(
      () => `http://${evil.host}/token`,
      () => false,
    ),
  });
  const directory = homeWith([registry.host]);
  const error = await failure(pullAll(`${registry.host}/app`, { directory }));
  expect(error.code).toBe("UNAUTHORIZED");
  expect(error.message).toContain(registry.host);
  expect(error.message).toContain(evil.host);
  expect(error.hint).toContain("token-hosts");
  expectNoSecret(evil);
});

test("R1 a listed token host is shown the password", async () => {
  const service = await listen(tokenService, { address: "127.0.0.2" });
  const registry = await hostileRegistry(memoryImage(), {
    instead: wantsToken(() => `http://${service.host}/token`),
  });
  const settings = `registries:\n  "${registry.host}":\n    token-hosts: ["127.0.0.2"]\n`;
  await pullAll(`${registry.host}/app`, { directory: homeWith([registry.host], settings) });
  expect(service.seen[0]!.headers.authorization).toBe(BASIC);
});

test("R1 login shows the password to no other host, whatever that host lets in", async () => {
  const evil = await listen(tokenService, { address: "127.0.0.2" });
  const registry = await hostileRegistry(memoryImage(), {
    instead: wantsToken(() => `http://${evil.host}/token`),
  });
  const directory = homeWith([]);
  const login = { username: "user", password: SECRET };
  const environment = { HOME: join(directory, "home") };
  const error = await failure(logIn(registry.host, login, { environment, policy: quick }));
  expect(error.code).toBe("UNAUTHORIZED");
  expect(error.message).toContain(evil.host);
  expectNoSecret(evil);
});

/** 127.0.0.1 counts as a public address, all others as what they are. */
function registryIsPublic(names: Readonly<Record<string, string>> = {}): AddressRules {
  const lookup = ((hostname: string, options: object, callback: never) =>
    systemLookup(names[hostname] ?? hostname, options, callback)) as typeof systemLookup;
  return { lookup, classOf: (address) => (address === "127.0.0.1" ? "public" : "loopback") };
}

test("R2 a public registry's realm is no address of this machine's", async () => {
  const inside = await listen(tokenService, { address: "127.0.0.2", tls: certificate });
  const registry = await hostileRegistry(memoryImage(), {
    tls: certificate,
    instead: wantsToken(() => `https://${inside.host}/latest/meta-data`),
  });
  const error = await failure(
    pullAll(`${registry.host}/app`, {
      directory: homeWith([]),
      environment: trusting(),
      addresses: registryIsPublic(),
    }),
  );
  expect(error.code).toBe("REGISTRY_FAILED");
  expect(error.message).toContain("127.0.0.2");
  expect(inside.connections()).toBe(0);
});

test("R2 nor a name that resolves to one", async () => {
  const inside = await listen(tokenService, { address: "127.0.0.2", tls: certificate });
  const registry = await hostileRegistry(memoryImage(), {
    tls: certificate,
    instead: wantsToken(() => `https://metadata.test:${inside.port}/token`),
  });
  const error = await failure(
    pullAll(`${registry.host}/app`, {
      directory: homeWith([]),
      environment: trusting(),
      addresses: registryIsPublic({ "metadata.test": "127.0.0.2" }),
    }),
  );
  expect(error.message).toContain("metadata.test");
  expect(error.message).toContain("127.0.0.2");
  expect(inside.connections()).toBe(0);
});

test("R2 nor where a public token service or blob store leads on to one", async () => {
  const inside = await listen(tokenService, { address: "127.0.0.2", tls: certificate });
  const leads: Handler = (_, response) => {
    response.writeHead(302, { location: `https://${inside.host}/` }).end();
  };
  const service = await listen(leads, { tls: certificate });
  const image = memoryImage();
  const options = {
    directory: homeWith([]),
    environment: trusting(),
    addresses: registryIsPublic(),
  };
  const byToken = await hostileRegistry(image, {
    tls: certificate,
    instead: wantsToken(() => `https://${service.host}/token`),
  });
  const byBlob = await hostileRegistry(image, {
    tls: certificate,
    instead: (request, response) =>
      isBlob(request, image.config) && (void leads(request, response), true),
  });
  for (const registry of [byToken, byBlob]) {
    const error = await failure(pullAll(`${registry.host}/app`, options));
    expect(error.code).toBe("REGISTRY_FAILED");
    expect(error.message).toContain("127.0.0.2");
  }
  expect(inside.connections()).toBe(0);
});

test("R2 a registry whose name leads here the second time is not of this machine for that", async () => {
  const image = memoryImage();
  const inside = await listen((_, response) => void response.end(image.config.bytes), {
    address: "127.0.0.3",
    tls: certificate,
  });
  const far = await listen(
    (request, response) => {
      response.setHeader("connection", "close");
      serveImage(image, request, response);
    },
    { tls: certificate },
  );
  const near = await listen(
    (_, response) => {
      response.writeHead(302, { location: `https://${inside.host}/` }).end();
    },
    { tls: certificate, address: "127.0.0.2", port: far.port },
  );
  let lookups = 0;
  const lookup = ((_: string, options: object, callback: never) => {
    systemLookup(lookups++ === 0 ? "127.0.0.1" : "127.0.0.2", options, callback);
  }) as typeof systemLookup;
  const error = await failure(
    pullAll(`registry.test:${far.port}/app`, {
      directory: homeWith([]),
      environment: trusting(),
      addresses: { ...registryIsPublic(), lookup },
    }),
  );
  expect(near.seen).toHaveLength(1);
  expect(error.message).toContain("127.0.0.3");
  expect(inside.connections()).toBe(0);
});

test("R2 a registry on this machine may have its token service here too", async () => {
  const service = await listen(tokenService, { address: "127.0.0.2" });
  const registry = await hostileRegistry(memoryImage(), {
    instead: wantsToken(() => `http://${service.host}/token`),
  });
  await pullAll(`${registry.host}/app`, { directory: homeWith([]) });
  expect(service.seen).toHaveLength(1);
});

test("R3 an https registry's realm in clear text is refused, and not asked", async () => {
  const clear = await listen(tokenService);
  const registry = await hostileRegistry(memoryImage(), {
    tls: certificate,
    instead: wantsToken(() => `http://${clear.host}/token`),
  });
  const directory = homeWith([registry.host]);
  const error = await failure(
    pullAll(`${registry.host}/app`, { directory, environment: trusting() }),
  );
  expect(error.code).toBe("REGISTRY_FAILED");
  expect(error.message).toContain("clear text");
  expect(clear.connections()).toBe(0);
});

test("R3 a redirect from https to clear text is refused, and not followed", async () => {
  const image = memoryImage();
  const clear = await listen((_, response) => void response.end(image.config.bytes));
  const registry = await hostileRegistry(image, {
    tls: certificate,
    instead(request, response) {
      if (!isBlob(request, image.config)) return false;
      response.writeHead(307, { location: `http://${clear.host}/blob` }).end();
      return true;
    },
  });
  const error = await failure(
    pullAll(`${registry.host}/app`, { directory: homeWith([]), environment: trusting() }),
  );
  expect(error.message).toContain("clear text");
  expect(clear.connections()).toBe(0);
});

test("R3 a token service with a bad certificate is refused, and never tried in clear", async () => {
  const other = makeCertificate(temporaryDirectory());
  const service = await listen(tokenService, { tls: other });
  const registry = await hostileRegistry(memoryImage(), {
    tls: certificate,
    instead: wantsToken(() => `https://${service.host}/token`),
  });
  const directory = homeWith([registry.host]);
  const error = await failure(
    pullAll(`${registry.host}/app`, { directory, environment: trusting() }),
  );
  expect(error.message).toContain("certificate");
  expect(service.seen).toHaveLength(0);
});

test("R3 a registry with an unknown certificate is refused, and never tried in clear", async () => {
  const registry = await hostileRegistry(memoryImage(), { tls: certificate });
  const directory = homeWith([registry.host]);
  const error = await failure(pullAll(`${registry.host}/app`, { directory }));
  expect(error.message).toContain("certificate");
  expect(error.hint).toContain("certs.d");
  expect(registry.seen).toHaveLength(0);
});

test("R4 a blob store elsewhere gets no header of ours, and its challenge no answer", async () => {
  const image = memoryImage();
  const elsewhere = await listen(
    (_, response) => {
      const challenge = `Bearer realm="http://${elsewhere.host}/token",service="x"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    },
    { address: "127.0.0.2" },
  );
  const registry = await hostileRegistry(image, {
    instead(request, response) {
      if (request.headers.authorization !== BASIC) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
        return true;
      }
      if (!isBlob(request, image.config)) return false;
      const location = `http://${elsewhere.host}/blob`;
      response.writeHead(307, { location, "set-cookie": "session=1" }).end();
      return true;
    },
  });
  const directory = homeWith([registry.host, elsewhere.host, "127.0.0.2"]);
  const error = await failure(pullAll(`${registry.host}/app`, { directory }));
  expect(error.code).toBe("REGISTRY_FAILED");
  expect(error.message).toContain(elsewhere.host);
  expect(elsewhere.seen).toHaveLength(1);
  const names = Object.keys(elsewhere.seen[0]!.headers).sort();
  expect(names).toEqual(["accept-encoding", "connection", "host", "user-agent"]);
  expectNoSecret(elsewhere);
});

test("R4 a redirect within the registry keeps the credentials, one to another port drops them", async () => {
  const image = memoryImage();
  const store = await listen((_, response) => void response.end(image.config.bytes));
  const registry = await hostileRegistry(image, {
    instead(request, response) {
      if (request.headers.authorization !== BASIC) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      } else if (request.url === "/moved") {
        response.writeHead(302, { location: `http://${store.host}/signed?x=1` }).end();
      } else if (isBlob(request, image.config)) {
        response.writeHead(302, { location: "/moved" }).end();
      } else return false;
      return true;
    },
  });
  await pullAll(`${registry.host}/app`, { directory: homeWith([registry.host]) });
  expect(registry.seen.some(({ url }) => url === "/moved")).toBe(true);
  expect(store.seen[0]!.headers.authorization).toBeUndefined();
});

test("R15 an error's body is kept short, made visible, and does not repeat our credentials", async () => {
  const bodies = [
    (auth: string) => `${"x".repeat(1 << 20)}${auth}`,
    (auth: string) => `you sent ${auth} (${SECRET}) \u001b[2J\u202e!`,
    (auth: string) =>
      JSON.stringify({ errors: [{ code: "DENIED", message: `no: ${auth} \u001b]52;c;x` }] }),
    () => "<html><script>alert(1)</script></html>",
  ];
  for (const body of bodies) {
    const registry = await hostileRegistry(memoryImage(), {
      instead({ headers }, response) {
        const status = headers.authorization === undefined ? 401 : 403;
        response.writeHead(status, { "www-authenticate": 'Basic realm="x"' });
        response.end(body(headers.authorization ?? ""));
        return true;
      },
    });
    const directory = homeWith([registry.host]);
    const error = await failure(pullAll(`${registry.host}/app`, { directory }));
    expect(error.code).toBe("UNAUTHORIZED");
    expect(error.message.length).toBeLessThan(1000);
    expect(error.message).not.toContain(SECRET);
    expect(error.message).not.toContain(BASIC.slice("Basic ".length));
    expect(error.message).not.toMatch(/[\p{Cc}\u202e<]/u);
  }
});

test("R15 a body of a gigabyte is not read to its end", async () => {
  let sent = 0;
  const registry = await hostileRegistry(memoryImage(), {
    instead(_, response) {
      response.writeHead(404, { "content-length": 1 << 30 });
      const chunk = Buffer.alloc(1 << 16, "x");
      const more = (): void => {
        while (!response.destroyed && sent < 1 << 30) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
      };
      more();
      return true;
    },
  });
  const error = await failure(pullAll(`${registry.host}/app`, { directory: homeWith([]) }));
  expect(error.code).toBe("SOURCE_NOT_FOUND");
  expect(sent).toBeLessThan(64 << 20);
});

/** Docker Hub as we may meet it: both of its hosts, behind a proxy that leads them here. */
async function dockerHub(image: MemoryImage, lets: (basic: string | undefined) => boolean) {
  const hub = makeCertificate(lastingDirectory(), ["registry-1.docker.io", "auth.docker.io"]);
  const registry = await hostileRegistry(image, {
    tls: hub,
    instead({ headers, url }, response) {
      if (headers.host === "auth.docker.io") {
        const status = lets(headers.authorization) ? 200 : 401;
        response.writeHead(status).end(JSON.stringify({ token: "hub-token" }));
        return true;
      }
      if (headers.authorization !== "Bearer hub-token") {
        const realm = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"';
        response.writeHead(401, { "www-authenticate": realm }).end();
        return true;
      }
      if (!url.includes("absent")) return false;
      const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
      response.writeHead(401).end(JSON.stringify({ errors }));
      return true;
    },
  });
  const proxy = await listenRaw((socket) => {
    socket.once("data", () => {
      const target = connect(registry.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(target).pipe(socket);
      });
      target.on("error", () => socket.destroy());
      socket.on("close", () => target.destroy());
    });
  });
  const environment = { SSL_CERT_FILE: hub.authority, HTTPS_PROXY: `http://${proxy.host}` };
  return { registry, environment };
}

test("Docker Hub: its API's host, its token service, its key in Docker's file", async () => {
  const { registry, environment } = await dockerHub(memoryImage(), (basic) => basic === BASIC);
  const directory = homeWith(["https://index.docker.io/v1/"]);
  const { image } = await pullAll("nginx", { directory, environment });
  expect(image.reference.repository).toBe("library/nginx");
  const asked = registry.seen.map(
    ({ headers, url }) => `${headers.host} ${url.split("/sha256")[0]}`,
  );
  expect(asked.slice(0, 3)).toEqual([
    "registry-1.docker.io /v2/library/nginx/manifests/latest",
    "auth.docker.io /token?service=registry.docker.io&scope=repository%3Alibrary%2Fnginx%3Apull&account=user",
    "registry-1.docker.io /v2/library/nginx/manifests/latest",
  ]);
});

test("Docker Hub does not say whether a name is there: the error says what else it may be", async () => {
  const { environment } = await dockerHub(memoryImage(), () => true);
  const error = await failure(pullAll("absent", { directory: homeWith([]), environment }));
  expect(error.code).toBe("UNAUTHORIZED");
  expect(error.message).toContain("docker.io/library/absent:latest");
  expect(error.hint).toContain("wick login docker.io");
  expect(error.hint).toContain("deb:absent");
});
