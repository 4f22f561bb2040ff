import { display } from "../../bytes/index.ts";
import { decompress } from "../../compression/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { type ArMember, readAr } from "../../formats/ar/index.ts";
import { TarReader } from "../../formats/tar/index.ts";
import { readChunks } from "../../host/index.ts";
import type { Layer, LayerVisitor } from "../../tree/index.ts";
import { mergedUsr } from "./merged-usr.ts";

/** Where a package lies, and what it is called in messages. */
export interface DebReference {
  /** `nginx-common_1.22.1_all.deb`. */
  readonly label: string;
  readonly path: string;
}

/** How a package's files are played. */
export interface DebLayerOptions {
  /** Puts /bin, /lib and their like below /usr, as every Debian since 12 has them. */
  readonly mergedUsr?: boolean;
}

/**
 * The files of a Debian package (deb(5): an ar archive with data.tar in it), streamed: nothing
 * is unpacked anywhere, and its maintainer scripts are never run.
 */
export function debLayer({ label, path }: DebReference, options: DebLayerOptions = {}): Layer {
  return {
    name: label,
    async play(visitor: LayerVisitor, signal?: AbortSignal): Promise<void> {
      const target = options.mergedUsr === true ? mergedUsr(visitor) : visitor;
      try {
        await playData(label, readAr(readChunks(path, signal), label), { visitor: target, signal });
      } catch (error) {
        throw inPackage(error, label);
      }
    },
  };
}

interface Playing {
  readonly visitor: LayerVisitor;
  readonly signal: AbortSignal | undefined;
}

async function playData(
  label: string,
  members: AsyncIterable<ArMember>,
  { visitor, signal }: Playing,
): Promise<void> {
  let isFirst = true;
  for await (const member of members) {
    const name = display(member.name);
    if (isFirst) await checkVersion(label, name, member);
    isFirst = false;
    if (!/^data\.tar(\.\w+)?$/.test(name)) continue;
    const reader = new TarReader(visitor);
    const plain = decompress(member.contents, { name: `${name} of ${label}`, signal });
    for await (const chunk of plain) reader.push(chunk);
    return reader.end();
  }
  throw invalid(label, "it has no data.tar");
}

/** deb(5): the first member says the format's version; minor ones are compatible. */
async function checkVersion(label: string, name: string, member: ArMember): Promise<void> {
  if (name !== "debian-binary" || member.sizeBytes > 64) {
    throw invalid(label, `it begins with "${name}", wanted debian-binary`);
  }
  let text = "";
  for await (const chunk of member.contents) text += display(chunk);
  if (!text.startsWith("2.")) throw invalid(label, `it is of version "${text}", wanted 2.0`);
}

function invalid(label: string, is: string): WickError {
  return new WickError("ARCHIVE_INVALID", `Cannot read the package ${label}: ${is}`);
}

function inPackage(error: unknown, label: string): unknown {
  if (!isWickError(error, "ARCHIVE_INVALID", "ARCHIVE_LIMIT")) return error;
  if (error.message.includes(label)) return error;
  return new WickError(error.code, `${error.message} (in ${label})`, { cause: error });
}
