/**
 * In Firecracker's place: a real HTTP server on the socket that it is told, for tests of what a
 * VMM can do wrong. `node firecracker-stand-in.mjs BEHAVIOUR RECORD ARGUMENTS…`; each request
 * becomes a line of JSON in the file RECORD.
 *
 * BEHAVIOUR is JSON: {version, delayMs, at: {"PUT /drives/drive0": what}, guest}, where `what` is
 * "refuse", "die", "cgroup" (as a jailer ends), "busyTap", "foreignTap", "silent", "garbage",
 * "half" or "huge", and `guest` is what it does once the guest runs: "init" (connects as a guest's
 * init does and echoes), "words:N" (connects, says "last words" on both ports and exits N ms later),
 * "exit:N", "flood".
 * {real: PROGRAM} passes everything on to a real Firecracker, to record a session.
 */
/* oxlint-disable unicorn/no-process-exit -- a program that ends as it is told to */
import { spawn } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { createServer, request as send } from "node:http";
import { connect } from "node:net";

const [behaviourText, record, ...args] = process.argv.slice(2);
const behaviour = JSON.parse(behaviourText);
const optionAt = (name) => args[args.indexOf(name) + 1];

if (args.includes("--version")) {
  process.stdout.write(`Firecracker v${behaviour.version ?? "1.16.1"}\n`);
  process.exit(0);
}

/** A jailer that is none starts it with the root of its jail, in which it is not. */
const root = args.includes("--root") ? optionAt("--root") : "";
const api = root + optionAt("--api-sock");
let vsock;
let metrics;

const faults = {
  refuse: (answer) => respond(answer, 400, { fault_message: "not with me\u001b[31m" }),
  die: () => {
    writeFileSync(2, "stand-in: fatal\n");
    process.exit(1);
  },
  cgroup: () => {
    writeFileSync(2, 'Error: CgroupControllerUnavailable("memory")\n');
    process.exit(1);
  },
  busyTap: (answer) =>
    respond(answer, 400, { fault_message: tapError("Resource busy (os error 16)") }),
  foreignTap: (answer) =>
    respond(answer, 400, { fault_message: tapError("Operation not permitted (os error 1)") }),
  silent: () => {},
  garbage: (answer) => answer.socket.end("this is no HTTP\r\n\r\n"),
  half: (answer) => {
    answer.socket.end("HTTP/1.1 200 \r\nContent-Length: 100\r\n\r\n{");
  },
  huge: (answer) => {
    answer.writeHead(200);
    answer.end("x".repeat(2 << 20));
  },
};

/** As Firecracker 1.16.1 says it. */
function tapError(words) {
  return `Could not create the network device: Open tap device failed: Error while creating ifreq structure: ${words}. Invalid TUN/TAP Backend provided by tap0. Check our documentation on setting up the network devices.`;
}

function respond(answer, status, body) {
  answer.writeHead(status, { "content-type": "application/json" });
  answer.end(body === undefined ? "" : JSON.stringify(body));
}

function handle({ method, url, body }, answer) {
  appendFileSync(record, `${JSON.stringify({ method, path: url, body })}\n`);
  const fault = faults[behaviour.at?.[`${method} ${url}`]];
  if (fault !== undefined) return fault(answer);
  if (url === "/metrics") metrics = root + body.metrics_path;
  if (url === "/vsock") vsock = root + body.uds_path;
  if (url === "/version") {
    return respond(answer, 200, { firecracker_version: behaviour.version ?? "1.16.1" });
  }
  respond(answer, 204);
  if (url === "/actions") run();
}

/** A real one writes them each minute as well. */
process.on("exit", () => {
  if (metrics !== undefined) appendFileSync(metrics, '{"utc_timestamp_ms":1}\n');
});

const CONSOLE = "[    0.000000] Linux version\r\n";

function run() {
  const does = behaviour.guest ?? "";
  process.stdout.write(CONSOLE);
  if (does === "init") for (const port of [1024, 1025]) echo(`${vsock}_${port}`);
  if (does.startsWith("words:")) sayLastWords(Number(does.slice(6)));
  if (does === "flood") process.stdout.write("y".repeat(20 << 20), () => process.exit(0));
  if (does.startsWith("exit:")) setTimeout(() => process.exit(Number(does.slice(5))), 50);
}

/** As a guest whose application ends at once: all of it is said, then the machine is gone. */
function sayLastWords(ms) {
  for (const port of [1024, 1025]) {
    const socket = connect(`${vsock}_${port}`, () => socket.write("last words"));
    socket.on("error", () => {});
  }
  setTimeout(() => process.exit(0), ms);
}

function echo(path) {
  const socket = connect(path);
  socket.on("error", () => {});
  socket.pipe(socket);
}

function bodyOf(incoming, done) {
  let text = "";
  incoming.on("data", (chunk) => (text += chunk));
  incoming.on("end", () => done(text === "" ? undefined : JSON.parse(text)));
}

function serve() {
  const server = createServer((incoming, answer) =>
    bodyOf(incoming, (body) => {
      const request = { method: incoming.method, url: incoming.url, body };
      setTimeout(() => handle(request, answer), behaviour.delayMs ?? 0);
    }),
  );
  server.listen(api);
}

/** A real Firecracker behind us: what it is asked and what it answers goes into the record. */
function proxy(program) {
  const real = `${api}.real`;
  const passed = args.map((word) => (word === api ? real : word));
  const child = spawn(program, passed, { stdio: "inherit" });
  child.on("exit", (code) => process.exit(code ?? 1));
  const server = createServer((incoming, answer) =>
    bodyOf(incoming, (body) => {
      const { method, url: path } = incoming;
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text ?? ""),
      };
      const passedOn = send({ socketPath: real, method, path, headers }, (theirs) =>
        bodyOf(theirs, (said) => {
          const line = { method, path, body, status: theirs.statusCode, answer: said };
          appendFileSync(record, `${JSON.stringify(line)}\n`);
          respond(answer, theirs.statusCode, said);
        }),
      );
      passedOn.end(text);
    }),
  );
  const probe = setInterval(() => {
    const socket = connect(real, () => {
      clearInterval(probe);
      socket.destroy();
      server.listen(api);
    });
    socket.on("error", () => {});
  }, 10);
}

if (behaviour.real !== undefined) proxy(behaviour.real);
else if (behaviour.listens !== false) serve();
else setInterval(() => {}, 1000);
