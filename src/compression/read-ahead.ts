/**
 * `chunks` in order, the next one being fetched while the receiver works on the last: reading
 * and digesting the compressed bytes goes on beside inflating them.
 */
export async function* readAhead(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const fetchNext = (): Promise<IteratorResult<Uint8Array>> => {
    const next = iterator.next();
    // Taken when it is awaited below; a receiver that stops early has no use for it.
    next.catch(() => undefined);
    return next;
  };
  try {
    let next = fetchNext();
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = fetchNext();
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
