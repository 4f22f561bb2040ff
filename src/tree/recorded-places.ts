import { NO_PLACE, type Place, type Sink } from "./sink.ts";

/**
 * A sink for files whose contents are already in another: whatever is said to have passed,
 * each gets the place that is named beforehand.
 */
export class RecordedPlaces implements Sink {
  readonly #sink: Sink;
  /** Of the file that comes next. Below {@link NO_PLACE}: of one that has not been written. */
  next: Place = NO_PLACE;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  begin(): void {}

  data(): void {}

  hole(): void {}

  end(): Place {
    return this.next;
  }

  discard(place: Place): void {
    if (place > NO_PLACE) this.#sink.discard(place);
  }

  read(place: Place, target: Uint8Array, position: number): void {
    this.#sink.read(place, target, position);
  }
}
