import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as tick } from "node:timers/promises";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ScriptedGuest } from "../../test/support/relay-guest.ts";
import type { WickError } from "../errors/index.ts";
import { encodeRelay, type RelayMessage } from "../guest/index.ts";
import { listenTcp } from "../host/index.ts";
import type { ConnectionMessage } from "./connection.ts";
import { Multiplexer } from "./multiplexer.ts";
import { FIRST_WINDOW_BYTES } from "./receive-window.ts";

/** What happens on one connection; bytes are counted up from 0 in each direction. */
interface Course {
  readonly fromClient: readonly number[];
  readonly fromGuest: readonly number[];
  /** Bytes after which the guest grants as many again. */
  readonly grants: number;
  /** Who resets in the middle, if anybody. */
  readonly reset: "client" | "guest" | "nobody";
}

const pieces = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 6 });
const course: fc.Arbitrary<Course> = fc.record({
  fromClient: pieces,
  fromGuest: pieces,
  grants: fc.integer({ min: 1, max: 2000 }),
  reset: fc.constantFrom("nobody", "nobody", "nobody", "client", "guest"),
});

/** Bytes that tell their own place. */
function counting(from: number, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (from + index) % 251));
}

const sum = (lengths: readonly number[]): number => lengths.reduce((all, one) => all + one, 0);

/** A model of the guest's side that keeps the protocol's every rule, and checks the host's. */
class ModelGuest {
  readonly #guest: ScriptedGuest;
  readonly #window: number;
  readonly #courses: readonly Course[];

  constructor(guest: ScriptedGuest, window: number, courses: readonly Course[]) {
    this.#guest = guest;
    this.#window = window;
    this.#courses = courses;
  }

  /** Serves the connection that is opened for course `index`; resolves when its number is free. */
  async serve(index: number): Promise<void> {
    const isOurs = (one: RelayMessage) => one.kind === "open" && one.port === index + 1;
    const { number } = (await this.#guest.next(isOurs)) as ConnectionMessage;
    this.#guest.send({ kind: "opened", number });
    const own = this.#courses[index]!;
    const state = { received: 0, window: this.#window, owed: 0, credit: FIRST_WINDOW_BYTES };
    const sending = this.#send(number, own, state);
    await this.#receive(number, own, state);
    await sending;
  }

  async #send(number: number, { fromGuest, reset }: Course, state: State): Promise<void> {
    let sent = 0;
    for (const piece of fromGuest) {
      for (let left = piece; left > 0;) {
        while (state.credit === 0 && state.final !== true) await tick();
        if (state.final === true) return;
        const length = Math.min(left, state.credit, 1 << 14);
        this.#guest.send({ kind: "data", number, bytes: counting(sent, length) });
        state.credit -= length;
        sent += length;
        left -= length;
      }
      if (reset === "guest") return this.#reset(number, state);
    }
    if (state.final === true) return;
    this.#guest.send({ kind: "end", number });
    state.ended = true;
    this.#closeIfDone(number, state);
  }

  #closeIfDone(number: number, state: State): void {
    if (state.final === true || state.ended !== true || state.hostEnded !== true) return;
    state.final = true;
    this.#guest.send({ kind: "closed", number });
  }

  #reset(number: number, state: State): void {
    if (state.final === true) return;
    state.final = true;
    this.#guest.send({ kind: "reset", number });
  }

  async #receive(number: number, own: Course, state: State): Promise<void> {
    for (;;) {
      const message = await this.#guest.next((one) => "number" in one && one.number === number);
      switch (message.kind) {
        case "data":
          expect(
            Buffer.compare(message.bytes, counting(state.received, message.bytes.length)),
          ).toBe(0);
          state.received += message.bytes.length;
          state.window -= message.bytes.length;
          expect(state.window).toBeGreaterThanOrEqual(0);
          this.#grant(number, own, state, message.bytes.length);
          break;
        case "credit":
          state.credit += message.bytes;
          break;
        case "end":
          if (own.reset === "nobody") expect(state.received).toBe(sum(own.fromClient));
          state.hostEnded = true;
          this.#closeIfDone(number, state);
          break;
        case "reset":
          this.#reset(number, state);
          return;
        case "closed":
          expect(state.ended && state.hostEnded).toBe(true);
          return;
        default:
          throw new Error(`the host sent ${message.kind}`);
      }
    }
  }

  #grant(number: number, { grants }: Course, state: State, bytes: number): void {
    state.owed += bytes;
    if (state.final === true || state.owed < Math.min(grants, this.#window)) return;
    this.#guest.send({ kind: "credit", number, bytes: state.owed });
    state.window += state.owed;
    state.owed = 0;
  }
}

interface State {
  received: number;
  window: number;
  owed: number;
  credit: number;
  ended?: boolean;
  hostEnded?: boolean;
  final?: boolean;
}

/** Runs a client through its course; what it got. */
async function runClient(socket: Socket, { fromClient, reset }: Course): Promise<number> {
  let received = 0;
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    expect(Buffer.compare(chunk, counting(received, chunk.length))).toBe(0);
    received += chunk.length;
  });
  let sent = 0;
  for (const piece of fromClient) {
    socket.write(counting(sent, piece));
    sent += piece;
    await tick();
    if (reset === "client") socket.resetAndDestroy();
  }
  if (reset === "client") socket.resetAndDestroy();
  else socket.end();
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return received;
}

test("whatever is said on any connections, every byte arrives in order and no window is passed", async () => {
  const property = fc.asyncProperty(
    fc.array(course, { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 300, max: 30_000 }),
    async (courses, window) => {
      const guest = new ScriptedGuest();
      const broken: WickError[] = [];
      const multiplexer = new Multiplexer({
        broken: (error) => broken.push(error),
        ended: () => undefined,
      });
      const listeners = await Promise.all(
        courses.map((_, index) => {
          const address = { hostAddress: "127.0.0.1", hostPort: 0 };
          return listenTcp(address, (one) => multiplexer.accept(one, index + 1));
        }),
      );
      multiplexer.attach(guest.hostEnd);
      guest.hello(window);
      const model = new ModelGuest(guest, window, courses);
      try {
        const all = courses.map(async (own, index) => {
          const socket = connect({
            port: listeners[index]!.hostPort,
            host: "127.0.0.1",
            allowHalfOpen: true,
          });
          await once(socket, "connect");
          const [received] = await Promise.all([runClient(socket, own), model.serve(index)]);
          if (own.reset === "nobody") expect(received).toBe(sum(own.fromGuest));
        });
        await Promise.all(all);
        await multiplexer.idle();
        expect(broken.map(({ message }) => message)).toEqual([]);
      } finally {
        for (const listener of listeners) listener.close();
        guest.end();
        multiplexer.close();
      }
    },
  );
  await fc.assert(property, { numRuns: 40, seed: 6 });
});

const kinds = ["hello", "open", "opened", "refused", "data", "credit", "end", "reset", "closed"];

/** Frames as a guest that has been taken over may send them: right, wrong and cut ones. */
const hostileBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .record({
        kind: fc.constantFrom(...kinds),
        number: fc.integer({ min: 0, max: 4 }),
        port: fc.constant(1),
        errno: fc.constant(111),
        version: fc.integer({ min: 1, max: 2 }),
        window: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        size: fc.oneof(fc.integer({ min: 0, max: 40_000 }), fc.constant(2 ** 31 - 1)),
      })
      .map(({ size, ...fields }) => {
        const bytes = fields.kind === "data" ? new Uint8Array(Math.min(size, 65_536)) : size;
        return encodeRelay({ ...fields, bytes } as unknown as RelayMessage);
      }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

test("whatever a guest sends, nothing throws, and nothing is left when it is gone", async () => {
  const property = fc.asyncProperty(fc.array(hostileBytes, { maxLength: 40 }), async (frames) => {
    const guest = new ScriptedGuest();
    const broken: WickError[] = [];
    const multiplexer = new Multiplexer({
      broken: (error) => broken.push(error),
      ended: () => undefined,
    });
    const address = { hostAddress: "127.0.0.1", hostPort: 0 };
    const listener = await listenTcp(address, (one) => multiplexer.accept(one, 80));
    multiplexer.attach(guest.hostEnd);
    guest.hello();
    const clients = [1, 2, 3].map(() => connect(listener.hostPort, "127.0.0.1"));
    const closed = clients.map(async (client) => {
      client.on("error", () => undefined).on("connect", () => client.write("x"));
      await new Promise((resolve) => client.resume().once("close", resolve));
    });
    for (const number of [1, 2, 3]) await guest.of("open", number);
    for (const bytes of frames) guest.sendBytes(bytes);
    await tick();
    guest.end();
    await multiplexer.idle();
    listener.close();
    expect(multiplexer.connections).toBe(0);
    expect(broken.filter(({ code }) => code !== "GUEST_PROTOCOL")).toEqual([]);
    await Promise.all(closed);
  });
  await fc.assert(property, { numRuns: 300, seed: 6 });
});
