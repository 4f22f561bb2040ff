import { Transform, type Readable } from "node:stream";

/**
 * What kernels with PCI say on every Firecracker, `quiet` or not: it has none, and appends
 * `pci=off` itself. No news, and it would stand before the application's own words.
 */
const WORDS = "PCI: Fatal: No config space access function found\r\n";
/** A time stands before it unless printk.time is off; here also one that is not whole yet. */
const STAMP = /^(?:\[[ \d.]*(?:\] ?)?)?/;

/** The console without that line, where it is the first; bytes are held until that is known. */
export function withoutPciLine(console: Readable): Readable {
  let held: string | undefined = "";
  const filter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      if (held === undefined) return done(null, chunk);
      held += Buffer.from(chunk).toString("latin1");
      const rest = held.replace(STAMP, "");
      if (WORDS.startsWith(rest) && rest !== WORDS) return done();
      const shown = rest.startsWith(WORDS) ? rest.slice(WORDS.length) : held;
      held = undefined;
      done(null, Buffer.from(shown, "latin1"));
    },
    flush(done) {
      done(null, held === undefined || held === "" ? undefined : Buffer.from(held, "latin1"));
    },
  });
  // A pipe that breaks has ended, too; without an end nobody would stop waiting.
  console.on("close", () => filter.end());
  return console.pipe(filter);
}
