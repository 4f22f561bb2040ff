import { uuidText } from "../../bytes/index.ts";
import type { ContentPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import type { FileStorage } from "../../host/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import type { ImageFacts } from "../../store/index.ts";
import type { Context } from "../common/context.ts";
import { imageKey } from "./image-key.ts";
import type { ProgressEvent } from "../common/progress.ts";
import type { TreeFacts } from "../writing/tree-facts.ts";
import { writeImage } from "../writing/write-image.ts";

type Message = Extract<ProgressEvent, { readonly message: string }>;

/** What is known of a written image, as JSON keeps it. */
export interface ImageResult {
  readonly image: {
    /** Size of the file; what holds nothing is a hole. */
    readonly sizeBytes: number;
    readonly inodes: number;
    /** Absent where the format has none. */
    readonly uuid?: string;
  };
  readonly tree: TreeFacts;
  readonly parts: SourceContents["parts"];
  readonly argv?: readonly string[];
  /** What the user was told, and is told again when the image is used again. */
  readonly messages: readonly Message[];
}

/** Writes the image of `plan` and says what is known of it. */
export async function writeResult(
  plan: ContentPlan,
  sources: readonly SourceContents[],
  storage: FileStorage,
  context: Context,
): Promise<ImageResult> {
  const messages: Message[] = [];
  const onEvent = (event: ProgressEvent): void => {
    if ("message" in event) messages.push(event);
    context.onEvent(event);
  };
  const written = await writeImage(plan, sources, storage, { ...context, onEvent });
  const { image, tree, parts, installed } = written;
  const { sizeBytes, inodes } = image;
  return {
    image: {
      sizeBytes,
      inodes,
      ...(image.uuid === undefined ? {} : { uuid: uuidText(image.uuid) }),
    },
    tree,
    parts,
    ...(installed.argv === undefined ? {} : { argv: installed.argv }),
    messages,
  };
}

/** The same, to be kept under `key`: what was added must still be what the key was made of. */
export async function writeFacts(
  key: string,
  plan: ContentPlan,
  sources: readonly SourceContents[],
  to: { readonly storage: FileStorage; readonly context: Context },
): Promise<ImageFacts> {
  const result = await writeResult(plan, sources, to.storage, to.context);
  const isSame = plan.add.length === 0 || (await imageKey(plan, sources)) === key;
  if (!isSame) throw addedChanged();
  return { source: plan.source, manifests: manifestsOf(sources), result };
}

function addedChanged(): WickError {
  return new WickError("SOURCE_FAILED", "Cannot add the files of --add: they changed meanwhile", {
    hint: "build again when nothing writes to them",
  });
}

/** Manifests that the sources name in their identities. */
export function manifestsOf(sources: readonly SourceContents[]): readonly string[] {
  return sources.flatMap(({ identity = "" }) => identity.match(/sha256:[0-9a-f]{64}/g) ?? []);
}

/** The facts of a kept image; `context` is told what it was when the image was made. */
export function resultOf(facts: ImageFacts, context: Context | undefined): ImageResult {
  // Kept under a key that changes with the code that wrote it.
  const result = facts.result as ImageResult;
  for (const message of result.messages) context?.onEvent(message);
  return result;
}

/** Whether a kept image serves a build that must have an application. */
export function serves(plan: ContentPlan, facts: ImageFacts): boolean {
  const { argv } = facts.result as ImageResult;
  return !plan.needsApplication || plan.init === "none" || argv !== undefined;
}
