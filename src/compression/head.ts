/** The beginning of a stream, and the whole stream again. */
export interface Headed {
  /** `count` bytes, fewer only when the stream is shorter. */
  readonly head: Uint8Array;
  /** All bytes from the first on; to be read once. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Looks at the first `count` bytes of `chunks`, in however small pieces they come. */
export async function withHead(chunks: AsyncIterable<Uint8Array>, count: number): Promise<Headed> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let have = 0;
  while (have < count) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    have += next.value.length;
  }
  return { head: join(first, count), chunks: replay(first, iterator) };
}

function join(pieces: readonly Uint8Array[], limit: number): Uint8Array {
  const head = new Uint8Array(
    Math.min(
      limit,
      pieces.reduce((sum, piece) => sum + piece.length, 0),
    ),
  );
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, head.length - at);
    head.set(part, at);
    at += part.length;
  }
  return head;
}

async function* replay(
  first: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
