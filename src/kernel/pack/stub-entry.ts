import { le32, raw, struct, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** How the table of every boot stub begins. */
const stubHead = struct("stub", 0xc, [
  [0x00, "magic", raw(8)], // "WICKSTUB"
  [0x08, "entry", le32], // where its code begins, from its start in bytes
]);

const STUB_MAGIC = utf8("WICKSTUB");

/** Where a boot stub's code begins, from its start. Errors: INTERNAL for bytes that are no stub. */
export function stubEntry(stub: Uint8Array): number {
  const isStub = STUB_MAGIC.every((byte, i) => stub[i] === byte);
  if (stub.length >= stubHead.sizeBytes && isStub) return stubHead.read(stub).entry;
  throw new WickError("INTERNAL", "Cannot use the boot stub: it is none");
}
