import { linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { buildah, privateBuilder } from "../support/buildah.ts";
import { startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { compilerTree, nginxSource } from "../support/nginx-source.ts";
import { ownCache } from "../support/own-cache.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let env: Record<string, string>;
/** A static busybox: what a Dockerfile from nothing can run. */
let busybox: Buffer;

beforeAll(async () => {
  const directory = lastingDirectory();
  env = { ...privateBuilder(directory), WICK_CACHE: ownCache(directory) };
  const image = join(directory, "busybox.ext4");
  const built = await wick(["build", "-q", "--init", "none", "-o", image, "deb:busybox-static"]);
  expect(built.status, built.stderr).toBe(0);
  busybox = Buffer.from((await wick(["cat", image, "/usr/bin/busybox"])).stdout, "latin1");
});

/** A folder with a Dockerfile and a busybox beside it. */
function folder(...dockerfile: string[]): string {
  const directory = join(temporaryDirectory(), `a context, the "first"`);
  mkdirSync(directory);
  writeFileSync(join(directory, "busybox"), busybox, { mode: 0o755 });
  const base = ["FROM scratch AS base", "COPY busybox /bin/busybox"];
  const links = 'RUN ["/bin/busybox", "--install", "-s", "/bin"]';
  writeFileSync(join(directory, "Dockerfile"), [...base, links, ...dockerfile, ""].join("\n"));
  return directory;
}

test("a Dockerfile's whole config arrives in the image, and the machine honours it", async () => {
  const context = folder(
    "ARG GREETING=unset",
    'RUN printf "root:x:0:0::/root:/bin/sh\\napp:x:1234:567::/home/app:/bin/sh\\n" > /etc/passwd',
    'RUN printf "app:x:567:\\nextra:x:890:app\\nother:x:891:\\n" > /etc/group',
    "RUN --mount=type=secret,id=token wc -c < /run/secrets/token > /length",
    "ENV GREETING=$GREETING ODD=\"a 'b' \\$c\"",
    "USER app",
    "WORKDIR /srv/made here",
    "VOLUME /var/data",
    "EXPOSE 8080 53/udp",
    "STOPSIGNAL SIGQUIT",
    'LABEL dev.wick.run="touch /x" plain=yes',
    'HEALTHCHECK --interval=5s CMD ["/bin/true"]',
    'ENTRYPOINT ["/bin/sh", "-c"]',
    'CMD ["echo from the image"]',
    "FROM base AS later",
    "RUN exit 9",
  );
  const output = join(context, "../app.ext4");
  const built = await wick(
    [
      "build",
      "--json",
      "--progress",
      "plain",
      "--target",
      "base",
      "--build-arg",
      "GREETING",
      "--secret",
      "id=token,env=TOKEN",
      "-o",
      output,
      context,
    ],
    { env: { ...env, TOKEN: "hunter2", GREETING: "hello" } },
  );
  expect(built.status, built.stderr).toBe(0);
  expect(built.stderr).toMatch(/\| STEP \d+.*WORKDIR/u);
  // P9: the secret was read (its length is right below), and is nowhere.
  expect(built.stdout + built.stderr).not.toContain("hunter2");
  expect(readFileSync(output).includes("hunter2")).toBe(false);
  const { config } = JSON.parse((await wick(["cat", output, "/.wick/config.json"])).stdout) as {
    config: Record<string, unknown>;
  };
  expect(config).toMatchObject({
    User: "app",
    WorkingDir: "/srv/made here",
    Volumes: { "/var/data": {} },
    ExposedPorts: { "8080/tcp": {}, "53/udp": {} },
    StopSignal: "SIGQUIT",
    Healthcheck: { Test: ["CMD", "/bin/true"], Interval: 5_000_000_000 },
    Entrypoint: ["/bin/sh", "-c"],
    Cmd: ["echo from the image"],
    Labels: expect.objectContaining({ "dev.wick.run": "touch /x", plain: "yes" }),
  });
  const line =
    'echo "$(id -u):$(id -g):$(id -G)|$(pwd)|$GREETING|$ODD|$HOME|$(cat /length)|$(stat -c %a:%u . /var/data | tr "\\n" " ")"; kill -USR1 $$';
  const ran = await wick(["run", "-q", output, line], { env });
  expect(ran.stdout.replace("\r", "")).toBe(
    "1234:567:567 890|/srv/made here|hello|a 'b' $c|/home/app|7|755:1234 755:0 \n",
  );
  expect(ran.status).toBe(138);
});

test("-f names another Dockerfile, even where the folder looks like something else", async () => {
  const context = folder("CMD false");
  const output = join(context, "x.ext4");
  const file = join(context, "../other.Dockerfile");
  writeFileSync(file, "FROM scratch\nCOPY busybox /true\nCMD /true\n");
  const built = await wick(["build", "--json", "-f", file, "-o", output, context], { env });
  expect(JSON.parse(built.stdout)).toMatchObject({
    application: { argv: ["/bin/sh", "-c", "/true"] },
  });
  const refused = await wick(["build", "--target", "x", "-o", output, `dir:${context}`], { env });
  expect([refused.status, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toMatch(/--target.*a folder with a Dockerfile/u);
});

test("podman builds the same, from its own kind of storage", async () => {
  const context = folder("ENV BY=$TARGETARCH", "HEALTHCHECK CMD true", 'CMD ["/bin/true"]');
  const output = join(context, "x.ext4");
  const how = { env: { ...env, WICK_BUILDER: "podman" } };
  const built = await wick(["build", "-q", "-o", output, context], how);
  expect(built.status, built.stderr).toBe(0);
  const config = (await wick(["cat", output, "/.wick/config.json"])).stdout;
  expect(JSON.parse(config)).toMatchObject({
    config: { Cmd: ["/bin/true"], Healthcheck: { Test: ["CMD-SHELL", "true"] } },
  });
});

test("a RUN that fails is one error with the builder's last lines, and no image", async () => {
  const context = folder('RUN echo "no such luck" && exit 9');
  const result = await wick(["build", "-q", "-o", join(context, "x.ext4"), context], { env });
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(/buildah failed with status \d+/u);
  expect(result.stderr).toContain("no such luck");
  expect(buildah(env, "containers", "-q")).toBe("");
});

test("Ctrl-C ends the builder with all that it started, and its working container", async () => {
  const context = folder("RUN echo started; sleep 300");
  const running = startWick(["build", "--progress", "plain", "-o", join(context, "x"), context], {
    env,
  });
  await running.shown("| started");
  const before = performance.now();
  running.child.kill("SIGINT");
  expect((await running.done).status).toBe(130);
  expect(performance.now() - before).toBeLessThan(10_000);
  expect(buildah(env, "containers", "-q")).toBe("");
});

test("N9: wick run of a folder whose Dockerfile names a foreign frontend builds nothing", async () => {
  const context = folder("CMD true");
  writeFileSync(join(context, "Dockerfile"), "# syntax=evil.example/front\nFROM scratch\n");
  const result = await wick(["run", "-q", context], { env });
  expect(result.status).toBe(125);
  expect(result.stderr).toContain("evil.example/front");
});

test("nginx compiled from source by a Dockerfile boots and serves", async () => {
  const { path, version } = nginxSource();
  const base = temporaryDirectory();
  linkSync(compilerTree(), join(base, "base.tar"));
  writeFileSync(join(base, "Dockerfile"), "FROM scratch\nADD base.tar /\n");
  buildah(env, "build", "-q", "-t", "localhost/compiler:test", base);
  const context = temporaryDirectory();
  linkSync(path, join(context, "nginx.tar.gz"));
  writeFileSync(join(context, "Dockerfile"), compilingDockerfile());
  const running = startWick(
    [
      "run",
      "-p",
      "0:80",
      "--progress",
      "plain",
      "--build-arg",
      `NGINX_VERSION=${version}`,
      context,
    ],
    // A layer a step would copy the whole tree with vfs, each time.
    { env: { ...env, BUILDAH_LAYERS: "false" } },
  );
  await running.shown("-> 80/tcp");
  const port = /127\.0\.0\.1:(\d+) -> 80\/tcp/.exec(running.text())![1]!;
  expect(await fetchPage(`http://127.0.0.1:${port}/`)).toContain("Welcome to nginx!");
  running.child.kill("SIGINT");
  expect((await running.done).status).toBe(130);
}, 240_000);

/** Of the kind that people write: sources in, the compiler out again, one program to start. */
function compilingDockerfile(): string {
  return String.raw`FROM localhost/compiler:test
ARG NGINX_VERSION
ADD nginx.tar.gz /build/
RUN cd /build/nginx-$NGINX_VERSION && \
    ./configure --prefix=/etc/nginx --sbin-path=/usr/local/sbin/nginx \
        --error-log-path=/var/log/nginx/error.log --http-log-path=/var/log/nginx/access.log \
        --without-http_rewrite_module --without-http_gzip_module --without-http_proxy_module \
        --without-http_fastcgi_module --without-http_uwsgi_module --without-http_scgi_module \
        --without-http_grpc_module --without-http_memcached_module --with-cc-opt=-O0 && \
    make -j2 && make install && cd / && rm -rf /build/* && \
    dpkg --purge --force-depends gcc gcc-12 cpp cpp-12 make libc6-dev linux-libc-dev || true
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
`;
}
